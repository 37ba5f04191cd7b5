"""A person's terminal on the controlling end of another one."""

import fcntl
import os
import select
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

_PIECE = 65536


def relay(terminal: int) -> None:
    """Pass everything both ways until the program on the other side ends. Closes `terminal`."""
    watched = [terminal, sys.stdin.fileno()]
    try:
        with _raw(terminal):
            while True:
                ready = select.select(watched, [], [])[0]
                if terminal in ready and not _pass(terminal, sys.stdout.fileno()):
                    return
                if sys.stdin.fileno() in ready and not _pass(sys.stdin.fileno(), terminal):
                    watched.remove(sys.stdin.fileno())
                    os.write(terminal, b"\x04")  # end of input, as a terminal says it
    finally:
        os.close(terminal)


def _pass(source: int, target: int) -> bool:
    """One piece; False at the end (a terminal whose program is gone answers with EIO)."""
    try:
        piece = os.read(source, _PIECE)
    except OSError:
        return False
    if not piece:
        return False
    while piece:
        piece = piece[os.write(target, piece) :]
    return True


@contextmanager
def _raw(terminal: int) -> Iterator[None]:
    """Our own terminal in raw mode, the other one of its size; nothing where standard input is no terminal."""
    if not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    resized = signal.signal(signal.SIGWINCH, lambda _number, _frame: _same_size(terminal))
    try:
        _same_size(terminal)
        tty.setraw(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
        signal.signal(signal.SIGWINCH, resized)


def _same_size(terminal: int) -> None:
    size = fcntl.ioctl(sys.stdin, termios.TIOCGWINSZ, b"\0" * 8)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, size)
