"""Marks beside what is worked on: they name the data directory that holds the records of a run that has not ended.

Records are found by the data directory of the present run; one that died under another XDG_DATA_HOME or HOME left its own where
nobody would look. A mark lies beside the state directory and beside the package: durable before the first effect, removed last.
"""

import json
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from upgrader.adapters.files.durable import remove_durably, replace_durably
from upgrader.errors import RollbackIncomplete

_FORMAT = 1
_LARGEST = 64 * 1024  # bytes; more was not written by us


@dataclass(frozen=True)
class Marked:
    """What a mark says: the data directory, the state directory the run was about, and where below `data` its records lie.
    `place` is the mark itself."""

    data: Path
    state: Path
    records: Path
    place: Path


class MarkUnreadable(RollbackIncomplete):
    """There is a mark, and it is not one to go by. Nothing is guessed."""

    default_code = "mark_unreadable"


def unmarked(_records: Path) -> None:
    """The mark of records that nobody would look for elsewhere."""


def beside_state(state: Path) -> Path:
    """Where the mark of a state directory lies."""
    return state.with_name(f"{state.name}.upgrader-open")


def beside_package(pointer: Path) -> Path:
    """Where the mark of a package lies: two states may be run by one package. npm does not look at such names."""
    return pointer.with_name(f".{pointer.name}-upgrader.open")


@dataclass(frozen=True)
class OpenMarks:
    """The marks of one installation at `places`, as the runs of `data` write them."""

    data: Path
    state: Path
    places: tuple[Path, ...]

    def put(self, records: Path) -> None:
        """Write them, private and durable, or none of them; `records` is there already. Raises OSError."""
        said = {"format": _FORMAT, "data": str(self.data), "state": str(self.state), "records": str(records.resolve())}
        text = json.dumps(said).encode()
        try:
            for place in self.places:
                if place.is_symlink():  # a link is not ours, and would lead the write elsewhere
                    place.unlink()
                replace_durably(place, text)
        except OSError:
            with suppress(OSError, MarkUnreadable):  # nothing has begun
                self.clear()
            raise

    def clear(self) -> None:
        """Remove those that name this data directory and state; one that is gone is fine. Raises MarkUnreadable, OSError."""
        for place in self.places:
            found = read_mark(place)
            if found is not None and not self._is_anothers(found):
                remove_durably(place)

    def others(self) -> tuple[Marked, ...]:
        """What runs with another data directory, or about another state, have left here. Raises MarkUnreadable."""
        found = (read_mark(place) for place in self.places)
        return tuple(each for each in found if each is not None and self._is_anothers(each))

    def _is_anothers(self, found: Marked) -> bool:
        return (found.data, found.state) != (self.data, self.state)


def read_mark(place: Path) -> Marked | None:
    """What the mark at `place` says, None where there is none. Raises MarkUnreadable also for one that others may write."""
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(place, str(error.strerror)) from error
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
            raise _unreadable(place, f"it is not a file that only this user writes (owner {found.st_uid})")
        raw = file.read(_LARGEST)
    try:
        value = json.loads(raw)
        if value["format"] != _FORMAT:
            raise _unreadable(place, f"it was written by another version of upgrader (format {value['format']})")
        return Marked(Path(value["data"]), Path(value["state"]), Path(value["records"]), place)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _unreadable(place, f"its content is none of ours ({type(error).__name__})") from error


def _unreadable(place: Path, why: str) -> MarkUnreadable:
    return MarkUnreadable(
        "a mark says that a run has not ended here, and it cannot be read",
        why=f"{place}: {why}",
        hint=f"look at `ls -l {place}`; where nothing is half done, remove it and run the command again",
    )
