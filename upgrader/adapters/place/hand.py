"""The tool's end of the hand inside a place: its process, the sockets it connects to, and its first word."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from upgrader.adapters.place import wire
from upgrader.adapters.place.unix_sockets import listen_at
from upgrader.adapters.processes.children import ProcessRunner
from upgrader.domain.canary.enclosure import PlaceLost, SealRefused
from upgrader.domain.ports import Command
from upgrader.errors import UpgraderError

_HELLO = timedelta(seconds=60)
_END = timedelta(seconds=20)


class HandProcess:
    """The hand's process, waited for in a thread of its own; its end and its last words are known."""

    def __init__(self, runner: ProcessRunner, command: Command) -> None:
        self._words = ""
        self._thread = threading.Thread(target=self._run, args=(runner, command), daemon=True)

    def start(self) -> None:
        """Let it begin; the sockets it connects to must be there."""
        self._thread.start()

    @property
    def ended(self) -> str | None:
        """Its last words, None while it runs."""
        return None if self._thread.is_alive() else self._words

    def last_words(self) -> str:
        """What it said at its end; waits a moment for that end, empty when it runs on."""
        self._thread.join(timeout=2)
        return self.ended or ""

    def join(self) -> None:
        """Wait until it is gone, if it was started: it ends by itself once its channels are closed."""
        if self._thread.ident is not None:
            self._thread.join(timeout=_END.total_seconds())

    def _run(self, runner: ProcessRunner, command: Command) -> None:
        try:
            ran = runner.run(command)
        except UpgraderError as error:
            self._words = error.message
            return
        last = ran.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        self._words = last[0] if last else f"it ended with {ran.exit_code}"


@contextmanager
def listening(job: Path) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two listening sockets in the job directory."""
    places = (job / "control", job / "life")
    for place in places:
        place.unlink(missing_ok=True)
    with listen_at(places[0], 1) as control, listen_at(places[1], 1) as life:
        yield control, life


def accept(listener: socket.socket, hand: HandProcess) -> socket.socket:
    """The hand's connection to one of the two sockets. Raises PlaceLost when it ends or is silent."""
    listener.settimeout(0.2)
    for _ in range(int(_HELLO.total_seconds() / 0.2)):
        try:
            return listener.accept()[0]
        except TimeoutError:
            if hand.ended is not None:
                break
    raise PlaceLost("the canary's place could not be opened", why=hand.ended or "it did not answer")


def hello(channel: socket.socket, hand: HandProcess) -> None:
    """Its first word. Raises SealRefused with the step the kernel refused, PlaceLost when there is no word."""
    try:
        said, _ = wire.receive(channel, _HELLO)
    except (wire.WireClosed, TimeoutError) as error:
        hand.join()
        raise PlaceLost("the canary's place could not be opened", why=hand.ended or str(error)) from error
    if "failed" in said:
        raise SealRefused("the canary's place could not be sealed", why=str(said["failed"]))
