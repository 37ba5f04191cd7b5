"""The tool's side of a canary's place: starts the hand inside, and speaks with it.

Sealed: own user, mount, PID, IPC and network namespaces (see `namespaces`); the network has a loopback and nothing else,
so no packet can leave. Unsealed, where the kernel does not permit that: the same children without walls, watched.
"""

import base64
import http.client
import os
import shutil
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import websockets.exceptions
import websockets.sync.client

import upgrader
from upgrader.adapters.canary import stub_model
from upgrader.adapters.canary.clones import hold
from upgrader.adapters.files.durable import make_private
from upgrader.adapters.files.shown import shown
from upgrader.adapters.place import wire
from upgrader.adapters.place.hand import HandProcess, accept, hello, listening
from upgrader.adapters.place.job import write_command, write_job
from upgrader.adapters.processes.children import ProcessRunner
from upgrader.domain.canary.enclosure import HttpAnswer, Model, Outside, Place, PlaceLost, Screen, SealRefused, Site
from upgrader.domain.canary.report import Seal
from upgrader.domain.ports import Command, Ran
from upgrader.domain.process import CommandMissing, CommandTimedOut
from upgrader.errors import UpgraderError

_ASK = timedelta(seconds=30)  # for requests that do nothing long
_SLACK = timedelta(seconds=20)  # what the hand may take beyond a command's own limit
_DIAL_S = 5.0
_BODY = 256 * 1024  # bytes of an HTTP answer
_WHOLE_LIFE = timedelta(days=20)  # it ends with the tool; a time of its own would be a cap on what a person may set
_ERRORS: dict[str, type[UpgraderError]] = {"command_timed_out": CommandTimedOut, "command_missing": CommandMissing}


class LinuxPlaces:
    """Port Places. `runner` starts the hand; `trial` is a private directory for the first try."""

    def __init__(self, runner: ProcessRunner, trial: Path) -> None:
        self._runner = runner
        self._trial = trial
        self._found: Seal | None = None
        self._why = ""

    def seal(self) -> Seal:
        """Sealed when a trial place could be opened here, unsealed when the kernel refused. Kept. Raises PlaceLost."""
        if self._found is None:
            site = _trial_site(make_private(self._trial))
            held = hold(self._trial)  # so that a sweep of canaries leaves a living trial alone, and finds a dead one
            try:
                with self._open(site, Seal.SEALED):
                    self._found = Seal.SEALED
            except SealRefused as error:
                self._found, self._why = Seal.UNSEALED, error.why
            finally:
                shutil.rmtree(self._trial, ignore_errors=True)
                if held is not None:
                    os.close(held)
        return self._found

    def why_unsealed(self) -> str:
        """The refused step, empty when sealed."""
        self.seal()
        return self._why

    @contextmanager
    def open(self, site: Site) -> Iterator[Place]:
        """Open the place this machine permits. Raises PlaceLost."""
        with self._open(site, self.seal()) as place:
            yield place

    @contextmanager
    def _open(self, site: Site, seal: Seal) -> Iterator[Place]:
        job = make_private(site.root / "job")
        own = (site.root / "staging", site.commands, site.notes, site.state, site.home, site.temporary)
        for folder in (*own, *(show.source for show in site.shows if show.writable)):
            make_private(folder)
        source = str(Path(upgrader.__file__).parent.parent)
        environment = {"PATH": os.defpath, "TMPDIR": str(site.shown_temporary), "PYTHONPATH": source}
        write_job(job, site)
        write_command(site)
        argv = (sys.executable, "-P", "-m", "upgrader.adapters.place.inside", seal.value)
        hand = HandProcess(self._runner, Command(argv, timeout=_WHOLE_LIFE, environment=environment, directory=job))
        try:
            with listening(job) as (control, life):
                hand.start()
                with accept(control, hand) as channel, accept(life, hand):
                    hello(channel, hand)
                    yield from _serve(channel, seal, hand)
        finally:
            hand.join()  # the sockets are closed by now, whatever happened: that ends it


def _serve(channel: socket.socket, seal: Seal, hand: HandProcess) -> Iterator[Place]:
    wired = _Wired(channel, hand)
    _, descriptors = wired.ask({"do": "listen", "port": 0}, _ASK)
    with stub_model.serve(listener=socket.socket(fileno=descriptors[0])) as model:
        place = LinuxPlace(seal, model, wired)
        try:
            yield place
        finally:
            wired.close()
            with suppress(wire.WireClosed):
                wire.send(channel, {"do": "quit"})


class LinuxPlace:
    """Port Place over the wire."""

    def __init__(self, seal: Seal, model: Model, wired: "_Wired") -> None:
        self.seal = seal
        self.model = model
        self._wired = wired

    def run(self, command: Command) -> Ran:
        """See Place.run."""
        answer, _ = self._wired.ask({"do": "run", **_told(command)}, command.timeout + _SLACK)
        return Ran(
            exit_code=_whole(answer, "exit_code"),
            stdout=_decoded(answer, "stdout"),
            stderr=_decoded(answer, "stderr"),
            took=timedelta(seconds=float(str(answer["seconds"]))),
        )

    def start(self, command: Command, log: Path) -> int:
        """See Place.start."""
        answer, _ = self._wired.ask({"do": "start", **_told(command), "log": str(log)}, _ASK)
        return _whole(answer, "child")

    def exit_code(self, child: int) -> int | None:
        """See Place.exit_code."""
        answer, _ = self._wired.ask({"do": "poll", "child": child}, _ASK)
        return None if answer["exit_code"] is None else _whole(answer, "exit_code")

    def end(self, child: int, grace: timedelta) -> int:
        """See Place.end."""
        request = {"do": "end", "child": child, "grace": grace.total_seconds()}
        answer, _ = self._wired.ask(request, grace + _SLACK)
        return _whole(answer, "exit_code")

    def memory(self) -> int:
        """See Place.memory."""
        answer, _ = self._wired.ask({"do": "memory"}, _ASK)
        return _whole(answer, "bytes")

    def dial(self, port: int) -> socket.socket:
        """An open connection to a port of the place's loopback; the caller closes it. Raises OSError when refused."""
        answer, descriptors = self._wired.ask({"do": "dial", "port": port, "timeout": _DIAL_S}, _ASK)
        if "error" in answer:
            raise ConnectionRefusedError(str(answer["message"]))
        return socket.socket(fileno=descriptors[0])

    def fetch(self, port: int, path: str) -> HttpAnswer:
        """See Place.fetch."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_DIAL_S)
        try:
            connection.sock = self.dial(port)
            connection.sock.settimeout(_DIAL_S)
            connection.request("GET", path)
            answer = connection.getresponse()
            return HttpAnswer(answer.status, answer.read(_BODY))
        except (OSError, http.client.HTTPException):
            return HttpAnswer(0, b"")
        finally:
            connection.close()

    def greeting(self, port: int) -> bytes:
        """See Place.greeting."""
        try:
            with websockets.sync.client.connect(
                f"ws://127.0.0.1:{port}/", sock=self.dial(port), open_timeout=_DIAL_S, close_timeout=1, proxy=None
            ) as connection:
                first = connection.recv(timeout=_DIAL_S)
                return first if isinstance(first, bytes) else first.encode()
        except (OSError, TimeoutError, websockets.exceptions.WebSocketException):
            return b""

    def on_terminal(self, command: Command, patterns: tuple[str, ...]) -> Screen:
        """See Place.on_terminal."""
        request = {"do": "terminal", **_told(command), "patterns": list(patterns)}
        answer, _ = self._wired.ask(request, command.timeout + _SLACK)
        matched = _whole(answer, "matched")
        shown = _decoded(answer, "shown").decode("utf-8", "replace")
        return Screen(None if matched < 0 else matched, answer["ended"] is True, shown)

    def terminal(self, command: Command) -> int:
        """Start a program on a pseudo-terminal inside; its controlling end, the caller's to close."""
        _, descriptors = self._wired.ask({"do": "shell", **_told(command)}, _ASK)
        return descriptors[0]

    def outside(self) -> Outside:
        """See Place.outside."""
        answer, _ = self._wired.ask({"do": "outside"}, _ASK)
        return Outside(
            _words(answer, "interfaces"), _words(answer, "calls"), _words(answer, "managers"), _words(answer, "written")
        )


class _Wired:
    """Questions and answers; several at a time, each on a channel of its own that is used again afterwards."""

    def __init__(self, channel: socket.socket, hand: HandProcess) -> None:
        self._first = channel
        self._hand = hand
        self._lock = threading.Lock()
        self._free = [channel]

    def close(self) -> None:
        """Close every channel that was opened beside the first one."""
        for channel in self._free:
            if channel is not self._first:
                channel.close()

    def ask(self, request: Mapping[str, object], limit: timedelta) -> tuple[dict[str, object], tuple[int, ...]]:
        """Send and wait. A refused connection is an answer; other errors of the hand are raised as what they are."""
        channel = self._take()
        try:
            answer, descriptors = self._asked(channel, request, limit)
        finally:
            self._free.append(channel)
        return self._checked(request, answer), descriptors

    def _take(self) -> socket.socket:
        """A channel nobody waits on. The last free one is never given out: more are asked for by it."""
        with self._lock:
            if len(self._free) > 1:
                return self._free.pop()
            _, descriptors = self._asked(self._free[0], {"do": "channel"}, _ASK)
            return socket.socket(fileno=descriptors[0])

    def _asked(
        self, channel: socket.socket, request: Mapping[str, object], limit: timedelta
    ) -> tuple[dict[str, object], tuple[int, ...]]:
        try:
            wire.send(channel, request)
            return wire.receive(channel, limit)
        except (wire.WireClosed, TimeoutError) as error:
            said = self._hand.last_words() or str(error)
            raise PlaceLost("the canary's place is gone", why=f"at `{request['do']}`: {said}") from error

    @staticmethod
    def _checked(request: Mapping[str, object], answer: dict[str, object]) -> dict[str, object]:
        code = answer.get("error")
        if code in _ERRORS:
            raise _ERRORS[str(code)](str(answer["message"]), why=str(answer["why"]))
        if code is not None and request["do"] != "dial":
            raise PlaceLost("the canary's place refused a step", why=f"{request['do']}: {answer['message']}")
        return answer


def _trial_site(root: Path) -> Site:
    state, home, temporary, notes = (make_private(root / name) for name in ("state", "home", "temporary", "notes"))
    return Site(root, state, home, temporary, notes, root / "s", root / "h", Path("/tmp"))


def _told(command: Command) -> dict[str, object]:
    return {
        "argv": list(command.argv),
        "timeout": command.timeout.total_seconds(),
        "environment": dict(command.environment or {}),
        "directory": str(command.directory or "/"),
    }


def _whole(answer: Mapping[str, object], name: str) -> int:
    value = answer[name]
    assert isinstance(value, int)  # said by our own hand
    return value


def _decoded(answer: Mapping[str, object], name: str) -> bytes:
    return base64.b64decode(str(answer[name]))


def _words(answer: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = answer[name]
    return tuple(shown(str(v)) for v in value) if isinstance(value, list) else ()
