"""Lines of log files: all of several files with bounded memory, and what is appended to one from now on."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_CHUNK = 1024 * 1024
_IN_ALL = 1024 * 1024 * 1024  # bytes read of all files together; older ones are left out
_LINE = 1024 * 1024  # a longer line is not one of OpenClaw's


class LogLines:
    """Port LineReader."""

    def lines(self, paths: tuple[Path, ...]) -> Iterator[bytes]:
        """Whole lines of these files in their order; absent and unreadable ones are passed over, overlong lines dropped."""
        sizes = [(path, _size(path)) for path in paths]
        skip = max(0, sum(size for _, size in sizes) - _IN_ALL)
        for path, size in sizes:
            if skip >= size:
                skip -= size
                continue
            with suppress(OSError):
                yield from _lines(path, skip, size)
            skip = 0


def _lines(path: Path, start: int, end: int) -> Iterator[bytes]:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        file.seek(start)
        rest = b""
        is_whole = start == 0  # the first line after a jump is the end of one
        left = end - start
        while left > 0 and (chunk := file.read(min(_CHUNK, left))):
            left -= len(chunk)
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                if is_whole:
                    yield line
                is_whole = True
            if len(rest) > _LINE:
                rest, is_whole = b"", False
        if rest and is_whole:
            yield rest


@dataclass
class LogTail:
    """Port LineTail: what is appended to a log file after its making; one that was replaced or cut is read from its start."""

    path: Path
    _inode: int = field(default=0, init=False)
    _offset: int = field(default=0, init=False)
    _rest: bytes = field(default=b"", init=False)

    def __post_init__(self) -> None:
        with suppress(OSError):
            status = self.path.stat()
            self._inode, self._offset = status.st_ino, status.st_size

    def more(self) -> tuple[bytes, ...]:
        """The lines that were completed since the last call."""
        try:
            status = self.path.stat()
            if status.st_ino != self._inode or status.st_size < self._offset:
                self._inode, self._offset, self._rest = status.st_ino, 0, b""
            with self.path.open("rb") as file:
                file.seek(self._offset)
                chunk = file.read(_CHUNK)
        except OSError:
            return ()
        self._offset += len(chunk)
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > _LINE:
            self._rest = b""
        return tuple(whole)


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0
