"""Small files of a state directory and the ends of logs, read and never changed."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from upgrader.domain.pairing.ports import FileUnreadable, ServedLog

_FILE_BYTES = 16 * 1024 * 1024
_TAIL_BYTES = 16 * 1024 * 1024


class StateFiles:
    """Port SmallFiles."""

    def read(self, path: Path) -> bytes | None:
        """The bytes, None where there is no such file. Raises FileUnreadable for anything but a plain file of decent size."""
        try:
            with _open_plain(path) as file:
                raw = file.read(_FILE_BYTES + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _unreadable(path, error.strerror or str(error)) from error
        if len(raw) > _FILE_BYTES:
            raise _unreadable(path, f"it is larger than {_FILE_BYTES} bytes")
        return raw


class LogFiles:
    """Port Logs."""

    def tail(self, path: Path) -> ServedLog:
        """The last 16 MiB of the file from the first whole line on; nothing where it is absent or unreadable."""
        try:
            with _open_plain(path) as file:
                size = file.seek(0, os.SEEK_END)
                start = max(0, size - _TAIL_BYTES)
                file.seek(start)
                raw = file.read(_TAIL_BYTES)
        except OSError:
            return ServedLog(b"")
        return ServedLog(raw.partition(b"\n")[2] if start else raw, cut=start > 0)


def _open_plain(path: Path) -> BinaryIO:
    """A file, and nothing that could block or be endless. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a plain file")
    return os.fdopen(descriptor, "rb")


def _unreadable(path: Path, why: str) -> FileUnreadable:
    return FileUnreadable(f"cannot read {path}", why=why)
