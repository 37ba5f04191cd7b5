"""What Node compiled while a candidate ran in a canary, handed on to where the live gateway will look for it.

Node keeps compiled code below `node-compile-cache` of the temporary directory (`module.enableCompileCache()`, Node 22 and
later; OpenClaw 2026.9 calls it), by file name and content: an entry of another file or another text is not used. The doctor
of 2026.9.6 needs 8.6 s of CPU with it and 14 s without (`scripts/bench` prints both), all of it with the gateway down.
"""

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from upgrader.adapters.durable import make_private

_FOLDER = "node-compile-cache"
_TRASH = ".upgrader"


@dataclass(frozen=True)
class CompiledCode:
    """`live` is the temporary directory of the live gateway; `uid` whose it is."""

    live: Path
    uid: int

    def hand_on(self, temporary: Path) -> None:
        """Copy what is not there yet. A help, never a need: where it cannot be done nothing is done, and nothing fails."""
        source, target = temporary / _FOLDER, self.live / _FOLDER
        if not source.is_dir() or source.is_symlink() or not self._is_ours(target):
            return
        with suppress(OSError):
            for folder in (each for each in source.iterdir() if each.is_dir() and not each.is_symlink()):
                if self._is_ours(target / folder.name):
                    _copy_missing(folder, make_private(target / folder.name))

    def _is_ours(self, folder: Path) -> bool:
        """Whether we may write there: in a shared temporary directory somebody else may have made the name."""
        try:
            found = folder.lstat()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return folder.is_dir() and not folder.is_symlink() and found.st_uid == self.uid


def _copy_missing(source: Path, target: Path) -> None:
    for entry in os.scandir(source):
        there = target / entry.name
        if not entry.is_file(follow_symlinks=False) or os.path.lexists(there):
            continue
        half = target / f"{entry.name}{_TRASH}-{os.getpid()}"
        shutil.copyfile(entry.path, half, follow_symlinks=False)
        half.replace(there)
