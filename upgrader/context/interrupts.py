"""The signals of this process, of which there is one."""

from upgrader.adapters.processes.signals import Interrupts

INTERRUPTS = Interrupts()
