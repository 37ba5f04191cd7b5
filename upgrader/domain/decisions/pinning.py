"""What a person wishes of a pin, and what the command tells about it."""

from dataclasses import dataclass
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Protocol

from upgrader.domain.decisions.pin import Pin
from upgrader.domain.installation.facts import Installation
from upgrader.domain.table.evidence import Fix
from upgrader.domain.version import Version


class UpdaterWish(Enum):
    """What becomes of OpenClaw's own updater (`update.auto`)."""

    LEAVE = "leave"
    SWITCH_OFF = "switch-off"
    RESTORE = "restore"


@dataclass(frozen=True)
class PinWish:
    """A pin to be set; without a version the present release is meant."""

    version: Version | None
    reason: str
    until: date | None = None
    until_fixed: str = ""
    updater: UpdaterWish = UpdaterWish.LEAVE


@dataclass(frozen=True)
class ConfigEdit:
    """One change of openclaw.json: what was done, and the file that holds the bytes of before (private)."""

    what: str
    file: Path
    undo: Path
    switched_off: bool


class ConfigSwitch(Protocol):
    """Switches OpenClaw's own updater off and on again in its configuration."""

    def off(self, installation: Installation) -> ConfigEdit:
        """Switch it off, the bytes of before kept first. Raises ConfigInvalid where another file says so."""

    def restore(self, installation: Installation) -> ConfigEdit | None:
        """Undo the last `off`; None where there was none. Raises ConfigInvalid where the file was changed since."""


@dataclass(frozen=True)
class PinData:
    """What stands now. `slot` is the retained install of the pinned release (empty: none), `lock_file` what locks its tree.

    `threads` are the issues to follow while waiting for a fix, `fixes` those the table knows already; `updates_itself`
    whether OpenClaw's own updater may still move it.
    """

    present: Version
    pin: Pin | None
    slot: str = ""
    lock_file: Path | None = None
    threads: tuple[str, ...] = ()
    fixes: tuple[Fix, ...] = ()
    updates_itself: bool = False
    edit: ConfigEdit | None = None
