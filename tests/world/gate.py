"""A gate before a server on loopback: connections wait in it until it is opened, then their bytes go through both ways."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_LONGEST_S = 300.0  # nobody waits longer, whatever a test forgets


@dataclass
class Gate:
    """Listens on `port`; `waiting` counts the connections that have come so far."""

    port: int
    behind: int
    opened: threading.Event = field(default_factory=threading.Event)
    waiting: int = 0

    def open(self) -> None:
        """Let through who waits and who comes."""
        self.opened.set()

    def admit(self, client: socket.socket) -> None:
        """Hold one connection, then join it with the server behind."""
        self.waiting += 1
        self.opened.wait(_LONGEST_S)
        with client, socket.create_connection(("127.0.0.1", self.behind)) as server:
            back = threading.Thread(target=_pour, args=(server, client), daemon=True)
            back.start()
            _pour(client, server)
            back.join(_LONGEST_S)


@contextmanager
def gate_before(port: int) -> Iterator[Gate]:
    """A closed gate before the server on `port`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        gate = Gate(int(listener.getsockname()[1]), port)

        def serve() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    threading.Thread(target=gate.admit, args=(client,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield gate
        finally:
            gate.open()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)


def _pour(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(65536):
            sink.sendall(chunk)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
