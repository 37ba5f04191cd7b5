"""What the hand inside a place sees of its children: calls outward, files they wrote where the clone is not, callers of a bus.

Sealed, the walls hold and this only tells what was tried. Unsealed, a look a few times a second is all there is.
"""

import os
import stat
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from upgrader.adapters.place.packets import Ear, Trap, command_line

_LOOK_S = 0.25
_WRITES = frozenset("wa+")


class SealedWatch:
    """Reads every packet and, at the end, what lies at places that were empty at the start."""

    def __init__(self, ear: Ear, trap: Trap, guarded: tuple[str, ...]) -> None:
        self._ear = ear
        self._trap = trap
        self._guarded = guarded
        self._there = frozenset(self._files())

    def calls(self) -> tuple[str, ...]:
        """Calls outward; each was refused."""
        return self._ear.heard()

    def managers(self) -> tuple[str, ...]:
        """Who reached for a service manager."""
        return self._trap.caught()

    def written(self) -> tuple[str, ...]:
        """Files written where neither clone nor home nor temporary directory is; gone with the place."""
        return tuple(sorted(set(self._files()) - self._there))

    def _files(self) -> Iterator[str]:
        """In the root, and at the live paths outside the state directory: those may lie in the private home."""
        yield from _files_below(Path("/"))
        for path in self._guarded:
            yield from _files_below(Path(path))


class OpenWatch:
    """Looks at descendants a few times a second: remote ends outside loopback, guarded files open for writing."""

    def __init__(self, trap: Trap, guarded: tuple[str, ...]) -> None:
        self._trap = trap
        self._guarded = guarded
        self._calls: dict[str, None] = {}
        self._written: dict[str, None] = {}
        threading.Thread(target=self._watch, daemon=True).start()

    def calls(self) -> tuple[str, ...]:
        """Remote ends that were seen."""
        return tuple(self._calls)

    def managers(self) -> tuple[str, ...]:
        """Who reached for a service manager where its environment points to."""
        return self._trap.caught()

    def written(self) -> tuple[str, ...]:
        """Live files a process of this canary had open for writing."""
        return tuple(self._written)

    def _watch(self) -> None:
        pause = threading.Event()
        me = psutil.Process()
        while not pause.wait(_LOOK_S):
            for process in me.children(recursive=True):
                with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                    self._look(process)

    def _look(self, process: psutil.Process) -> None:
        for found in process.net_connections(kind="inet"):
            if found.raddr and not _is_loopback(found.raddr.ip):
                kind = "TCP" if found.type == 1 else "DNS" if found.raddr.port == 53 else "UDP"
                self._calls.setdefault(f"{kind} {found.raddr.ip}:{found.raddr.port}")
        for file in process.open_files():
            if _WRITES & set(getattr(file, "mode", "")) and any(_below(file.path, root) for root in self._guarded):
                self._written.setdefault(f"{file.path} by {command_line(process.pid)}")


def _below(path: str, root: str) -> bool:
    return path == root or path.startswith(root + "/")


def _is_loopback(address: str) -> bool:
    return address.startswith("127.") or address in {"::1", "::ffff:127.0.0.1", "0.0.0.0", "::"}


def _files_below(root: Path) -> Iterator[str]:
    """Regular files on the very file system of `root`: what is mounted into `/` has another device."""
    if not root.exists():
        return
    device = root.stat().st_dev
    for folder, names, files in os.walk(root):
        names[:] = [name for name in names if _found(Path(folder, name), device)]
        for path in (Path(folder, name) for name in files):
            if (mode := _found(path, device)) and stat.S_ISREG(mode):
                yield str(path)


def _found(path: Path, device: int) -> int:
    """The mode of what lies there on this very file system, 0 for anything else."""
    with suppress(OSError):
        seen = path.lstat()
        return seen.st_mode if seen.st_dev == device else 0
    return 0
