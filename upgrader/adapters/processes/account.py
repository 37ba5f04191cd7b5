"""Who runs this process, and what that user may do with an installation."""

import os
import pwd
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from upgrader.adapters.processes.proc_files import ancestors, unit_of
from upgrader.domain.installation.identity import Account
from upgrader.domain.installation.selection import Location, Selection


@dataclass(frozen=True)
class SystemAccounts:
    """Port Accounts over the operating system."""

    state_name: str

    def judge_facts(self, selection: Selection, location: Location) -> Account:
        """Owners, permissions and ancestry. A state that does not exist has no owner.

        Whose state a `sudo` may have meant is looked at only where none was named.
        """
        owner = _owner(location.state)
        other = None
        if selection.uid == 0 and selection.real_uid and not selection.state_dir:
            home = _entry_home(selection.real_uid)
            candidate = home / self.state_name if home else None
            other = candidate if candidate is not None and candidate.is_dir() else None
        uids = {uid for uid in (selection.uid, selection.real_uid, owner) if uid is not None}
        return Account(
            uid=selection.uid,
            home=location.home,
            real_uid=selection.real_uid,
            owner_uid=owner,
            names=tuple((uid, name) for uid in sorted(uids) for name in _name(uid)),
            other_state=other,
            unwritable=self.unwritable(tuple(_written(location))),
            ancestors=tuple(ancestors(os.getpid())),
            unit=unit_of(os.getpid()),
        )

    def unwritable(self, places: tuple[Path, ...]) -> tuple[Path, ...]:
        """Those of the directories that this process may not write, be it by permission or a read-only mount."""
        return tuple(place for place in places if not os.access(place, os.W_OK | os.X_OK))


def _written(location: Location) -> Iterator[Path]:
    """Directories a move writes to that exist: the state, the folder it lies in, the folder of the configuration."""
    state = location.state.resolve()
    places = dict.fromkeys((state, state.parent, location.config.resolve().parent))
    yield from (place for place in places if is_there(place) and place.is_dir())


def is_there(path: Path) -> bool:
    """Whether something is to be seen there; what lies in a directory that is closed to this user is not."""
    try:
        return path.exists()
    except PermissionError:
        return False


def _owner(path: Path) -> int | None:
    """Who owns it; for what lies in a directory that is closed to this user, the owner of that directory."""
    try:
        return path.stat().st_uid
    except PermissionError:
        return _owner(path.parent)
    except OSError:
        return None


def _entry_home(uid: int) -> Path | None:
    with suppress(KeyError):
        return Path(pwd.getpwuid(uid).pw_dir)
    return None


def _name(uid: int) -> tuple[str, ...]:
    with suppress(KeyError):
        return (pwd.getpwuid(uid).pw_name,)
    return ()
