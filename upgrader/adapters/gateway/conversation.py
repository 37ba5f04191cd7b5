"""One conversation with a gateway over its WebSocket, on loopback, bounded in time and bytes."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from websockets.exceptions import ConnectionClosed, InvalidMessage, WebSocketException
from websockets.sync.client import ClientConnection, connect

from upgrader.adapters.gateway.loopback_tls import unverified
from upgrader.domain.pairing.observation import Handshake
from upgrader.domain.pairing.ports import Attempt, NoAnswer

T = TypeVar("T")

_FRAME_BYTES = 16 * 1024 * 1024  # hello-ok carries a snapshot of the gateway; 9.6 sends some hundred KB
_FRAMES = 50  # events may come before the answer
_USER_AGENT = "upgrader"

Dial = Callable[[int], socket.socket]


def dial_loopback(port: int) -> socket.socket:
    """A TCP connection to a port of this machine."""
    return socket.create_connection(("127.0.0.1", port), timeout=5)


@dataclass(frozen=True)
class GatewaySocket:
    """Port Sockets. `dial` makes the TCP connection (into a sealed place, for a canary); no proxy is ever used."""

    dial: Dial = dial_loopback
    limit: timedelta = timedelta(seconds=20)

    def converse(
        self, port: int, reply: Callable[[bytes], bytes | None], read: Callable[[bytes], T | None], origin: str = ""
    ) -> T:
        """Wait for the challenge, send what `reply` makes of it, return what `read` finds. Raises NoAnswer."""
        with self._frames(port, origin) as frames:
            frames.send(frames.first(reply, "no_challenge", "it sent no challenge"))
            return frames.first(read, "no_answer", "it did not answer the connect")

    def ask(
        self, port: int, attempt: Attempt, question: Callable[[Handshake], bytes | None], answer: Callable[[bytes], T | None]
    ) -> tuple[Handshake, T | None]:
        """See Sockets.ask."""
        with self._frames(port, attempt.origin) as frames:
            frames.send(frames.first(attempt.reply, "no_challenge", "it sent no challenge"))
            met = frames.first(attempt.read, "no_answer", "it did not answer the connect")
            asked = question(met)
            if asked is None:
                return met, None
            frames.send(asked)
            return met, frames.until(answer)

    def greeting(self, port: int) -> bytes:
        """The first frame a gateway sends of its own accord. Raises NoAnswer."""
        with self._frames(port, "") as frames:
            return frames.first(lambda frame: frame, "no_challenge", "it sends nothing")

    @contextmanager
    def _frames(self, port: int, origin: str) -> Iterator["_Frames"]:
        """A connection; everything that can go wrong with it becomes NoAnswer."""
        deadline = time.monotonic() + self.limit.total_seconds()
        try:
            with self._opened(port, origin) as connection:
                yield _Frames(connection, deadline)
        except TimeoutError as error:
            raise _no_answer(port, "timeout", f"nothing came within {self.limit.total_seconds():.0f} s") from error
        except ConnectionClosed as error:
            raise _no_answer(port, "closed", f"it closed the connection: {str(error)[:200]}") from error
        except (WebSocketException, EOFError) as error:
            raise _no_answer(port, "no_websocket", f"it does not speak WebSocket: {str(error)[:200]}") from error
        except OSError as error:
            raise _no_answer(port, "refused", error.strerror or str(error)) from error
        except _Unexpected as error:
            raise _no_answer(port, error.code, str(error)) from error

    def _opened(self, port: int, origin: str) -> ClientConnection:
        """Plain; with TLS where a gateway with `gateway.tls.enabled` answers what is no HTTP."""
        try:
            return self._open(port, origin, "ws", None)
        except (InvalidMessage, ConnectionResetError, EOFError):
            return self._open(port, origin, "wss", unverified())

    def _open(self, port: int, origin: str, scheme: str, tls: ssl.SSLContext | None) -> ClientConnection:
        return connect(
            f"{scheme}://127.0.0.1:{port}/",
            sock=self.dial(port),
            ssl=tls,
            origin=origin or None,  # type: ignore[arg-type]  # websockets' Origin is a NewType of str
            open_timeout=self.limit.total_seconds(),
            close_timeout=2,
            ping_interval=None,
            max_size=_FRAME_BYTES,
            user_agent_header=_USER_AGENT,
            proxy=None,
        )


class _Unexpected(Exception):
    """The other side spoke, but not as a gateway does."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class _Frames:
    """The frames of one connection until its deadline, at most `_FRAMES`."""

    def __init__(self, connection: ClientConnection, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline
        self._left = _FRAMES

    def send(self, frame: bytes) -> None:
        """Send one text frame."""
        self._connection.send(frame.decode(), text=True)

    def first(self, wanted: Callable[[bytes], T | None], code: str, otherwise: str) -> T:
        """What `wanted` finds in the first frame that is its. Raises _Unexpected when too many are not."""
        while self._left:
            self._left -= 1
            frame = self._connection.recv(timeout=max(0.0, self._deadline - time.monotonic()))
            if (found := wanted(frame.encode() if isinstance(frame, str) else frame)) is not None:
                return found
        raise _Unexpected(code, otherwise)

    def until(self, wanted: Callable[[bytes], T | None]) -> T:
        """What `wanted` finds, however many events of other work come before it; the deadline alone ends the wait."""
        while True:
            frame = self._connection.recv(timeout=max(0.0, self._deadline - time.monotonic()))
            if (found := wanted(frame.encode() if isinstance(frame, str) else frame)) is not None:
                return found


def _no_answer(port: int, code: str, why: str) -> NoAnswer:
    return NoAnswer(f"no gateway answered on port {port}", why=why, code=f"gateway_{code}", hint="`upgrader status`")
