"""Messages between the tool and its hand inside a sealed place: length, JSON, and open descriptors, over a unix socket."""

import array
import json
import socket
import struct
from collections.abc import Mapping
from datetime import timedelta

_HEAD = struct.Struct("!I")
_LIMIT = 64 * 1024 * 1024  # bytes of one message; outputs of commands are cut far below


class WireClosed(Exception):
    """The other side is gone."""


def send(channel: socket.socket, message: Mapping[str, object], descriptors: tuple[int, ...] = ()) -> None:
    """Send one message; the descriptors go along as open files of the receiver. Raises WireClosed."""
    data = json.dumps(message).encode()
    try:
        socket.send_fds(channel, [_HEAD.pack(len(data))], list(descriptors))
        channel.sendall(data)
    except OSError as error:
        raise WireClosed(str(error)) from error


def receive(channel: socket.socket, limit: timedelta | None = None) -> tuple[dict[str, object], tuple[int, ...]]:
    """The next message and the descriptors that came with it. Raises WireClosed, TimeoutError after `limit`."""
    channel.settimeout(None if limit is None else limit.total_seconds())
    try:
        head, descriptors, _, _ = socket.recv_fds(channel, _HEAD.size, 4)
        head += _exactly(channel, _HEAD.size - len(head)) if 0 < len(head) < _HEAD.size else b""
        if len(head) != _HEAD.size:
            raise WireClosed("closed")
        (size,) = _HEAD.unpack(head)
        if size > _LIMIT:
            raise WireClosed(f"a message of {size} bytes is too long")
        message = json.loads(_exactly(channel, size))
    except TimeoutError:
        raise
    except OSError as error:
        raise WireClosed(str(error)) from error
    return message, tuple(array.array("i", descriptors))


def _exactly(channel: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        part = channel.recv(min(size - len(data), 1 << 20))
        if not part:
            raise WireClosed("closed in the middle of a message")
        data += part
    return bytes(data)
