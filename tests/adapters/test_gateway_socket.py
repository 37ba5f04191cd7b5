"""A conversation over a WebSocket ends: with an answer, or with a word about why there is none."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from websockets.sync.server import ServerConnection, serve

from upgrader.adapters.gateway.conversation import GatewaySocket
from upgrader.adapters.gateway.http_probe import LoopbackHttp
from upgrader.domain.pairing.ports import NoAnswer

QUICK = GatewaySocket(limit=timedelta(seconds=0.5))


@contextmanager
def gateway(speak: Callable[[ServerConnection], None]) -> Iterator[int]:
    """A WebSocket server on loopback that says what it is told to; its port."""
    with serve(speak, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield int(server.socket.getsockname()[1])
        finally:
            server.shutdown()
            thread.join()


def reply(frame: bytes) -> bytes | None:
    return b"connect" if frame == b"challenge" else None


def read(frame: bytes) -> str | None:
    return frame.decode() if frame.startswith(b"answer") else None


def test_the_challenge_is_answered_and_the_answer_read_among_other_frames() -> None:
    heard: list[object] = []

    def speak(connection: ServerConnection) -> None:
        connection.send("hello")
        connection.send("challenge")
        heard.append(connection.recv())
        connection.send("tick")
        connection.send("answer 1")

    with gateway(speak) as port:
        assert GatewaySocket().converse(port, reply, read) == "answer 1"
    assert heard == ["connect"]


def test_nothing_is_sent_to_somebody_who_does_not_challenge() -> None:
    heard: list[object] = []

    def speak(connection: ServerConnection) -> None:
        connection.send("answer 1")
        heard.extend(connection)

    with gateway(speak) as port, pytest.raises(NoAnswer) as caught:
        QUICK.converse(port, reply, read)
    assert caught.value.code == "gateway_timeout"
    assert heard == []


@pytest.mark.parametrize(
    ("speak", "code"),
    [
        (lambda connection: connection.close(), "gateway_closed"),
        (lambda connection: [connection.send("tick") for _ in range(60)] and connection.recv(), "gateway_no_challenge"),
    ],
    ids=["closes", "talks on and on"],
)
def test_somebody_who_does_not_speak_as_a_gateway_is_no_answer(speak: Callable[[ServerConnection], None], code: str) -> None:
    def guarded(connection: ServerConnection) -> None:
        try:
            speak(connection)
        except Exception:  # noqa: BLE001 - the other side hangs up, as it should
            return

    with gateway(guarded) as port, pytest.raises(NoAnswer) as caught:
        GatewaySocket(limit=timedelta(seconds=5)).converse(port, reply, read)
    assert caught.value.code == code


def test_a_port_where_nobody_listens_is_no_answer() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(NoAnswer) as caught:
            QUICK.greeting(taken.getsockname()[1])
    assert caught.value.code == "gateway_refused"


def test_a_port_where_something_else_listens_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute, pytest.raises(NoAnswer) as caught:
        QUICK.greeting(mute.getsockname()[1])
    assert caught.value.code == "gateway_timeout"


def test_http_without_an_answer_is_status_0() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        assert LoopbackHttp(timedelta(seconds=0.3)).get(mute.getsockname()[1], "/readyz").status == 0
