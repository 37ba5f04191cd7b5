"""Whether a tree that was once read in full is still that tree, told by `lstat` alone: 40,000 looks instead of 560 MB.

What is kept is one SHA-256 over path, mode, size, inode, mtime and ctime of every entry. Content cannot change without a new
ctime, and nobody sets that, short of setting the clock; a change within the clock's slack of the reading is not believed (as in
`domain.kept.tree.is_unchanged`). What rots on the disk changes no time: after 30 days the tree is read in full again.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from upgrader.adapters.files.durable import replace_durably
from upgrader.domain.kept.tree import CLOCK_SLACK_NS

NAME = "glance.json"
_FORMAT = 1
_BELIEVED_NS = 30 * 24 * 3600 * 1_000_000_000


@dataclass(frozen=True)
class Glance:
    """How a tree looked: `digest` of all looks, the newest ctime in it (ns)."""

    digest: str
    newest_ns: int


def glance(places: Iterable[Path]) -> Glance:
    """Look at files and whole directories, in this order. Raises OSError."""
    digest, newest = hashlib.sha256(), 0
    for place in places:
        for path, found in _looks(os.fspath(place)):
            line = (path, found.st_mode, found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns)
            digest.update(repr(line).encode("utf-8", "surrogateescape"))
            newest = max(newest, found.st_ctime_ns)
    return Glance(digest.hexdigest(), newest)


def remember(home: Path, seen: Glance, content: str, began_ns: int) -> None:
    """Keep that a full reading, begun at `began_ns` right after this glance, found the content `content`.

    A cache: where the disk does not take it, or the tree is too fresh to be told by its times, the next one reads in full.
    """
    if seen.newest_ns >= began_ns - CLOCK_SLACK_NS:
        return
    kept = {"format": _FORMAT, "glance": seen.digest, "content": content, "at_ns": began_ns}
    try:
        replace_durably(home / NAME, json.dumps(kept).encode())
    except OSError:
        return


def still_is(home: Path, seen: Glance, content: str, now_ns: int) -> bool:
    """Whether a tree that looks so was read in full within 30 days, with this content."""
    try:
        kept = json.loads((home / NAME).read_bytes())
        fresh = 0 <= now_ns - int(kept["at_ns"]) < _BELIEVED_NS
        return bool(kept["format"] == _FORMAT and kept["glance"] == seen.digest and kept["content"] == content and fresh)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _looks(place: str) -> Iterator[tuple[str, os.stat_result]]:
    """The place itself and, sorted, everything below it; links are not followed."""
    yield place, os.lstat(place)
    if os.path.isdir(place) and not os.path.islink(place):  # noqa: PTH112, PTH114 - tens of thousands of them
        with os.scandir(place) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                yield from _looks(entry.path)
            else:
                yield entry.path, entry.stat(follow_symlinks=False)
