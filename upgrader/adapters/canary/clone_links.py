"""Links in a clone: none leads back into the live state, and none into a place that is not there for a candidate."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from upgrader.adapters.files.filecopy import Copier
from upgrader.adapters.files.shown import shown
from upgrader.adapters.files.system import SYSTEM
from upgrader.domain.canary.clone import Edit, PathMove

_THERE = tuple(Path("/", name) for name in (*SYSTEM, "proc", "dev"))
_COPIED = 64 * 1024 * 1024  # bytes of a file behind a link that a clone holds itself


def settle_links(clone: Path, seat: PathMove) -> tuple[Edit, ...]:
    """Every link of `clone`, a copy of the state `seat.old` that a candidate sees at `seat.new`.

    One into the state leads into the clone; one into the system stays. One that leads elsewhere is replaced by what it leads
    to: a file by a copy, a directory by an empty one, which is told as a limit. Raises what Copier.copy raises, OSError.
    """
    return tuple(edit for link in _links(clone) for edit in _settled(clone, link, seat))


def _links(root: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(root):
        yield from (path for name in (*names, *files) if (path := Path(folder, name)).is_symlink())


def _settled(clone: Path, link: Path, seat: PathMove) -> Iterator[Edit]:
    relative, named = link.relative_to(clone), link.readlink()
    place, target = shown(relative), Path(os.path.normpath(seat.old / relative.parent / named))
    real = Path(os.path.realpath(target))
    inside = next((path.relative_to(seat.old) for path in (target, real) if path.is_relative_to(seat.old)), None)
    if inside is not None:
        if named.is_absolute() and named != seat.new / inside:
            link.unlink()
            link.symlink_to(seat.new / inside)
            yield Edit(place, "a link that led into the live state leads into the clone")
    elif not any(target.is_relative_to(system) for system in _THERE):
        yield from _replaced(link, place, real, seat)


def _replaced(link: Path, place: str, real: Path, seat: PathMove) -> Iterator[Edit]:
    try:
        found = real.stat()
    except OSError:  # it leads nowhere; behind walls nothing can be made there either
        if seat.old != seat.new:
            link.unlink()
            yield Edit(place, "a link out of the state that led nowhere")
        return
    link.unlink()
    if stat.S_ISDIR(found.st_mode):
        link.mkdir(mode=0o700)
        limit = f"{place} leads out of the state directory: in the canary it was empty"
        yield Edit(place, "a link out of the state: an empty directory in its place", limit)
    elif stat.S_ISREG(found.st_mode) and found.st_size <= _COPIED:
        Copier().copy(real, link)
        link.chmod(0o700 if found.st_mode & stat.S_IXUSR else 0o600)
        yield Edit(place, "a link out of the state: a copy of the file in its place")
    else:
        yield Edit(
            place, "a link out of the state", f"{place} leads out of the state directory: it was not there in the canary"
        )
