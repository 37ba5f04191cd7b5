"""What a course works with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from upgrader.domain.canary.enclosure import Places
from upgrader.domain.canary.own_probes import OwnProbe
from upgrader.domain.canary.ports import Clones, Lore, PairingProbe, TurnAsker
from upgrader.domain.canary.report import CanaryRequest
from upgrader.domain.installation.facts import Installation
from upgrader.domain.moves.settle import SettleReport
from upgrader.domain.ports import Clock, Progress


@dataclass(frozen=True)
class CourseTools:
    """What a course works with. `nonce` gives fresh hex words, `free_port` a port nobody has, `model_id` the stand-in's.

    `hand_on` takes the temporary directory of a course that went well, before it is removed: what was warmed there is kept.
    `lend` puts what was kept of a release (its version) into the temporary directory of a new course.
    """

    clones: Clones
    places: Places
    pairing: PairingProbe
    asker: TurnAsker
    lore: Lore
    clock: Clock
    progress: Progress
    nonce: Callable[[], str]
    free_port: Callable[[], int]
    read_config: Callable[[CanaryRequest], Mapping[str, object]]
    model_id: str
    live_memory: Callable[[Installation], int | None]
    live_listening: Callable[[Installation], float | None]
    hand_on: Callable[[Path], None]
    lend: Callable[[Path, str], None]
    own_probes: tuple[OwnProbe, ...]
    settle: Callable[[Path, Path, tuple[Path, ...]], SettleReport]
