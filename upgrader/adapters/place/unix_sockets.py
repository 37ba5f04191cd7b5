"""Listening unix sockets at paths of any length."""

import os
import socket
from pathlib import Path


def listen_at(place: Path, backlog: int) -> socket.socket:
    """A socket that listens at `place`, which must not exist. By way of /proc: a unix path has 108 bytes at most.

    Raises OSError.
    """
    folder = os.open(place.parent, os.O_RDONLY | os.O_DIRECTORY)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(f"/proc/self/fd/{folder}/{place.name}")
        listener.listen(backlog)
    except OSError:
        listener.close()
        raise
    finally:
        os.close(folder)
    return listener
