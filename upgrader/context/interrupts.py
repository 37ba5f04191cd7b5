"""The signals of this process, of which there is one."""

from upgrader.adapters.signals import Interrupts

INTERRUPTS = Interrupts()
