"""What a plan asks beside the installation: what is kept, remembered and decided."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from upgrader.domain.decisions.history import Outage
from upgrader.domain.decisions.pin import Pin
from upgrader.domain.decisions.settings import Settings
from upgrader.domain.installation.facts import Installation

T_co = TypeVar("T_co", covariant=True)


class Listing(Protocol[T_co]):
    """All that a plan asks of slots and snapshots: which there are."""

    def list(self) -> tuple[T_co, ...]:
        """All of them, oldest first."""


def _nothing_bundled(_package: Path) -> tuple[str, ...] | None:
    return None


@dataclass(frozen=True)
class Minding:
    """What is remembered, decided and seen beside the installation itself; each is asked when a plan is made.

    `reason` is what a person says for the rules overridden on the command line. `path_node` is the version of PATH's Node,
    `bundled` which plugins lie in a package (None: cannot be told), `packed` the same of a package that npm has by this digest,
    `own_plugins` which are installed by themselves.
    """

    settings: Settings = field(default_factory=Settings)
    pin: Callable[[Path], Pin | None] = lambda _state: None
    outage: Callable[[], Outage | None] = lambda: None
    path_node: Callable[[Installation], str] = lambda _installation: ""
    bundled: Callable[[Path], tuple[str, ...] | None] = _nothing_bundled
    packed: Callable[[str], tuple[str, ...] | None] = lambda _integrity: None
    own_plugins: Callable[[Path], tuple[str, ...]] = lambda _state: ()
    reason: str = ""
