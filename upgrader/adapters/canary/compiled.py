"""What Node compiled while a candidate ran in a canary, handed on to where the live gateway will look for it.

Node keeps compiled code below `node-compile-cache` of the temporary directory (`module.enableCompileCache()`, Node 22 and
later), by file name and content: an entry of another file or another text is not used. The launcher of OpenClaw 2026.9.6 has
a folder of its own in there, named by release and time of install (`resolvePackagedCompileCacheDirectory`, openclaw.mjs). Its
doctor needs 8.6 s of CPU with it and 14 s without (`scripts/bench` prints both), all of it with the gateway down.
"""

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from upgrader.adapters.files.durable import make_private

_FOLDER = "node-compile-cache"
_LAUNCHER = "openclaw"
_TRASH = ".upgrader"


@dataclass(frozen=True)
class CompiledCode:
    """`live` is the temporary directory of the live gateway; `uid` whose it is."""

    live: Path
    uid: int

    def hand_on(self, temporary: Path) -> None:
        """Copy what is not there yet. A help, never a need: where it cannot be done nothing is done, and nothing fails."""
        self._copy(temporary / _FOLDER, self.live / _FOLDER)

    def lend(self, temporary: Path, version: str) -> None:
        """The other way, what there is of one release: the present one's for a control, a candidate's that was tried before."""
        inner = Path(_FOLDER) / _LAUNCHER / version
        if self._is_ours(self.live / _FOLDER):
            self._copy(self.live / inner, temporary / inner)

    def _copy(self, source: Path, target: Path) -> None:
        if source.is_symlink() or not self._is_ours(target):
            return
        with suppress(OSError):
            for folder, _, names in os.walk(source):
                there = target / Path(folder).relative_to(source)
                if names and all(self._is_ours(each) for each in (there, *there.parents) if each.is_relative_to(target)):
                    _copy_missing(Path(folder), names, make_private(there))

    def _is_ours(self, folder: Path) -> bool:
        """Whether we may write there: in a shared temporary directory somebody else may have made the name."""
        try:
            found = folder.lstat()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return folder.is_dir() and not folder.is_symlink() and found.st_uid == self.uid


def _copy_missing(source: Path, names: list[str], target: Path) -> None:
    for name in names:
        there = target / name
        if (source / name).is_symlink() or os.path.lexists(there):
            continue
        half = target / f"{name}{_TRASH}-{os.getpid()}"
        shutil.copyfile(source / name, half, follow_symlinks=False)
        half.replace(there)
