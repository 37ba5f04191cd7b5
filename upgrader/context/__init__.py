"""The only room that joins ports to adapters and knowledge; it reads the environment once.

What joins is loaded when a command asks for it: `--help` and a plan need little of what a move needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from upgrader.context.choices import Answers as Answers
from upgrader.context.choices import Options as Options
from upgrader.context.choices import Reach as Reach
from upgrader.context.choices import Residue as Residue
from upgrader.context.interrupts import INTERRUPTS as INTERRUPTS

if TYPE_CHECKING:
    from upgrader.context.demo import Stage as Stage
    from upgrader.context.diagnosing import diagnose as diagnose
    from upgrader.context.holding import Holding as Holding
    from upgrader.context.machine import Machine as Machine
    from upgrader.context.repairing import plan_repair as plan_repair
    from upgrader.context.repairing import repair as repair
    from upgrader.context.rotating import plan_rotation as plan_rotation
    from upgrader.context.rotating import rotate_token as rotate_token
    from upgrader.context.watching import follow as follow
    from upgrader.context.watching import write_bundle as write_bundle
    from upgrader.context.wiring import Wiring as Wiring
else:
    _HOMES = {"Stage": "demo", "Machine": "machine", "Wiring": "wiring", "Holding": "holding"}
    _HOMES |= {"diagnose": "diagnosing", "repair": "repairing", "plan_repair": "repairing"}
    _HOMES |= {"follow": "watching", "write_bundle": "watching", "plan_rotation": "rotating", "rotate_token": "rotating"}

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
