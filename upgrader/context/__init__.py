"""The only room that joins ports to adapters and knowledge; it reads the environment once."""

from upgrader.context.choices import Answers as Answers
from upgrader.context.choices import Options as Options
from upgrader.context.choices import Reach as Reach
from upgrader.context.choices import Residue as Residue
from upgrader.context.demo import Stage as Stage
from upgrader.context.machine import INTERRUPTS as INTERRUPTS
from upgrader.context.machine import Machine as Machine
from upgrader.context.wiring import Wiring as Wiring
