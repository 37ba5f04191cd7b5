"""Standard output and error that never end a move: a closed pipe or a lost terminal takes the words, not the work."""

import errno
import io
import os
import sys
from collections.abc import Iterable
from typing import Any, TextIO

# The reader left (a pipe), the terminal hung up, the descriptor was closed. A full disk is told where it is an answer's.
_NOBODY_READS = (errno.EPIPE, errno.EIO, errno.EBADF)


class LastingStream:
    """A text stream that falls silent when nobody reads it any more; all else is the stream's own.

    `tolerated` are the errno values that count so; None: every one. `stream` is None where the process was started without.
    """

    def __init__(self, stream: TextIO | None, tolerated: Iterable[int] | None) -> None:
        self._stream = stream if stream is not None else open(os.devnull, "w")  # noqa: PTH123, SIM115 - lives as long as we do
        self._tolerated = None if tolerated is None else frozenset(tolerated)

    def write(self, text: str) -> int:
        """Write, or drop it. Raises OSError where that is to be told."""
        try:
            return self._stream.write(text)
        except OSError as error:
            self._fall_silent(error)
            return len(text)

    def flush(self) -> None:
        """Flush, or drop it. Raises OSError where that is to be told."""
        try:
            self._stream.flush()
        except OSError as error:
            self._fall_silent(error)

    def _fall_silent(self, error: OSError) -> None:
        """What is still buffered goes nowhere, or the interpreter complains at its end. Raises, once, what is to be told."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)
        if self._tolerated is not None and error.errno not in self._tolerated:
            raise error

    def __getattr__(self, name: str) -> Any:
        """Everything else as the stream has it."""
        return getattr(self._stream, name)


def make_lasting() -> None:
    """Put both in place, once, at the start. A name that is no UTF-8 is shown escaped, a missing input is an empty one."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull)  # noqa: PTH123, SIM115 - lives as long as we do
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.stdout = LastingStream(sys.stdout, _NOBODY_READS)
    sys.stderr = LastingStream(sys.stderr, None)
