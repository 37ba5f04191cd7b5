"""The hand of the tool inside a canary's place: seals itself off, then runs what it is told over a unix socket.

`python -m upgrader.adapters.place.inside sealed|unsealed` with the job directory as working directory, where the tool
listens on `control` and `life`. It knows nothing of OpenClaw: it starts children, types into a terminal, and hands open
sockets of its own network out to the tool, which so speaks with a gateway that nobody else can reach.

When the tool dies in any way, `life` is closed by the kernel: the hand ends all its children and itself. Sealed, it is
the first process of its PID namespace, so nothing outlives it.
"""

import base64
import contextlib
import io
import json
import os
import pty
import re
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pexpect
import psutil

from upgrader.adapters.place import namespaces, walls, wire
from upgrader.adapters.place.namespaces import SealFailed
from upgrader.adapters.place.packets import Ear, Trap
from upgrader.adapters.place.watching import OpenWatch, SealedWatch
from upgrader.adapters.processes.children import Child, ProcessRunner
from upgrader.adapters.processes.memory import memory_below
from upgrader.domain.ports import Command
from upgrader.domain.process import CommandMissing
from upgrader.errors import UpgraderError

Handed = socket.socket | io.FileIO  # what can be handed out by its descriptor
_OUTPUT = 512 * 1024  # bytes of a command's output handed out


def main(arguments: list[str]) -> int:
    """Connect to the tool, seal when told so, and serve. Returns the exit code."""
    control, life = _connect("control"), _connect("life")
    job = json.loads(Path("job.json").read_text("utf-8"))
    ear = None
    if arguments == ["sealed"]:
        try:
            ear = walls.raise_around(job)
        except SealFailed as error:
            wire.send(control, {"failed": str(error)})
            return 1
    if ear is None:
        walls.adopt_orphans()
    hand = _Hand(_watch(job, ear))
    threading.Thread(target=_die_with_the_tool, args=(life, hand), daemon=True).start()
    wire.send(control, {"interfaces": list(namespaces.interfaces()), "pid": os.getpid()})
    try:
        hand.serve(control)
    except wire.WireClosed:
        pass
    finally:
        hand.end_all()
    return 0


def _watch(job: Mapping[str, object], ear: socket.socket | None) -> SealedWatch | OpenWatch:
    """What looks at the children. Unsealed, only the places their environment points to can be watched."""
    traps = [Path(str(path)) for path in _list(job, "traps")]
    guarded = tuple(str(path) for path in _list(job, "guarded"))
    if ear is None:
        return OpenWatch(Trap(tuple(traps)), guarded)
    user = f"user/{os.getuid()}"
    usual = (f"{user}/bus", f"{user}/systemd/private", "dbus/system_bus_socket", "systemd/private")
    return SealedWatch(Ear(ear), Trap((*traps, *(Path("/run", name) for name in usual))), guarded)


def _connect(name: str) -> socket.socket:
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    channel.connect(name)  # relative to the job directory: a unix path has 108 bytes at most
    return channel


def _die_with_the_tool(life: socket.socket, hand: "_Hand") -> None:
    """Nothing is ever sent on `life`; it ends when the tool's process ends."""
    life.recv(1)
    hand.end_all()
    os._exit(0)


class _Hand:
    """Does one thing after the other on each channel, and keeps what it started."""

    def __init__(self, watch: SealedWatch | OpenWatch) -> None:
        self._runner = ProcessRunner({})
        self._children: list[Child] = []
        self._starting = threading.Lock()
        self._watch = watch
        self._verbs: dict[str, Callable[[Mapping[str, object]], tuple[dict[str, object], tuple[Handed, ...]]]] = {
            "run": self._run,
            "start": self._start,
            "poll": self._poll,
            "end": self._end,
            "dial": self._dial,
            "listen": self._listen,
            "terminal": self._terminal,
            "outside": self._seen_outside,
            "memory": self._memory,
            "shell": self._shell,
            "channel": self._channel,
        }

    def serve(self, control: socket.socket) -> None:
        """Answer requests until `quit` or the end of the channel."""
        while True:
            request, _ = wire.receive(control)
            if request["do"] == "quit":
                return
            try:
                answer, sockets = self._verbs[str(request["do"])](request)
            except UpgraderError as error:
                answer, sockets = {"error": error.code, "message": error.message, "why": error.why}, ()
            except OSError as error:
                answer, sockets = {"error": "refused", "message": error.strerror or "failed", "why": ""}, ()
            wire.send(control, answer, tuple(s.fileno() for s in sockets))
            for given in sockets:
                given.close()

    def end_all(self) -> None:
        """End every child, and every process that came from one, also those that made themselves daemons."""
        for child in self._children:
            child.end(timedelta(seconds=0.2))
        for process in psutil.Process().children(recursive=True):
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue

    def _run(self, request: Mapping[str, object]) -> tuple[dict[str, object], tuple[Handed, ...]]:
        ran = self._runner.run(_command(request))
        return {
            "exit_code": ran.exit_code,
            "stdout": base64.b64encode(ran.stdout[-_OUTPUT:]).decode(),
            "stderr": base64.b64encode(ran.stderr[-_OUTPUT:]).decode(),
            "seconds": ran.took.total_seconds(),
        }, ()

    def _channel(self, _request: Mapping[str, object]) -> tuple[dict[str, object], tuple[Handed, ...]]:
        """One more channel, served beside the others: what takes long does not keep the rest waiting."""
        ours, theirs = socket.socketpair()
        threading.Thread(target=self._serve_beside, args=(ours,), daemon=True).start()
        return {}, (theirs,)

    def _serve_beside(self, channel: socket.socket) -> None:
        with channel, contextlib.suppress(wire.WireClosed):
            self.serve(channel)

    def _start(self, request: Mapping[str, object]) -> tuple[dict[str, object], tuple[Handed, ...]]:
        with self._starting:
            self._children.append(self._runner.launch(_command(request), Path(str(request["log"]))))
            return {"child": len(self._children) - 1}, ()

    def _poll(self, request: Mapping[str, object]) -> tuple[dict[str, object], tuple[Handed, ...]]:
        return {"exit_code": self._child(request).exit_code()}, ()

    def _end(self, request: Mapping[str, object]) -> tuple[dict[str, object], tuple[Handed, ...]]:
        return {"exit_code": self._child(request).end(timedelta(seconds=_number(request, "grace")))}, ()

    def _child(self, request: Mapping[str, object]) -> Child:
        return self._children[int(_number(request, "child"))]

    def _dial(self, request: Mapping[str, object]) -> tuple[dict[str, object], tuple[Handed, ...]]:
        port, limit = int(_number(request, "port")), _number(request, "timeout")
        return {}, (socket.create_connection(("127.0.0.1", port), timeout=limit),)

    def _listen(self, request: Mapping[str, object]) -> tuple[dict[str, object], tuple[Handed, ...]]:
        listener = socket.create_server(("127.0.0.1", int(_number(request, "port"))), backlog=64)
        return {"port": listener.getsockname()[1]}, (listener,)

    def _terminal(self, request: Mapping[str, object]) -> tuple[dict[str, object], tuple[Handed, ...]]:
        """Run a program on a pseudo-terminal until one of the patterns shows; index of the pattern, or -1 and why."""
        command = _command(request)
        patterns = [re.compile(str(p).encode(), re.IGNORECASE) for p in _list(request, "patterns")]
        try:
            child = pexpect.spawn(
                command.argv[0],
                list(command.argv[1:]),
                env=dict(command.environment or {}),
                cwd=str(command.directory),
                timeout=command.timeout.total_seconds(),
                dimensions=(40, 120),
            )
        except pexpect.ExceptionPexpect as error:
            raise CommandMissing(f"cannot run `{Path(command.argv[0]).name}`", why=type(error).__name__) from error
        try:
            found = child.expect([*patterns, pexpect.EOF, pexpect.TIMEOUT])
            ended = found == len(patterns)
            shown = _bytes(child.before)[-4000:] + _bytes(child.after)
        finally:
            _close(child)
        matched = found if found < len(patterns) else -1
        return {"matched": matched, "ended": ended, "shown": base64.b64encode(shown).decode()}, ()

    def _shell(self, request: Mapping[str, object]) -> tuple[dict[str, object], tuple[Handed, ...]]:
        """A program on a pseudo-terminal for a person outside, who gets its controlling end; it ends with the place."""
        ours, theirs = pty.openpty()
        command = _command(request)
        with os.fdopen(theirs, "rb", buffering=0) as end:
            self._runner.on_terminal(command, end.fileno())
        return {}, (os.fdopen(ours, "rb", buffering=0),)

    def _memory(self, _request: Mapping[str, object]) -> tuple[dict[str, object], tuple[Handed, ...]]:
        return {"bytes": memory_below(os.getpid())}, ()

    def _seen_outside(self, _request: Mapping[str, object]) -> tuple[dict[str, object], tuple[Handed, ...]]:
        watch = self._watch
        return {
            "interfaces": list(namespaces.interfaces()),
            "calls": list(watch.calls()),
            "managers": list(watch.managers()),
            "written": list(watch.written()),
        }, ()


def _close(child: "pexpect.spawn[Any]") -> None:
    """End a terminal's whole session; on a busy machine pexpect gives up before the process has ended."""
    leader = child.pid
    with contextlib.suppress(pexpect.ExceptionPexpect):
        child.close(force=True)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if leader:
            os.killpg(leader, signal.SIGKILL)


def _command(request: Mapping[str, object]) -> Command:
    environment = request["environment"]
    assert isinstance(environment, dict)  # written by upgrader.adapters.place.seal
    return Command(
        argv=tuple(str(a) for a in _list(request, "argv")),
        timeout=timedelta(seconds=_number(request, "timeout")),
        environment={str(k): str(v) for k, v in environment.items()},
        directory=Path(str(request["directory"])),
    )


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b""


def _list(request: Mapping[str, object], name: str) -> list[object]:
    value = request[name]
    return value if isinstance(value, list) else []


def _number(request: Mapping[str, object], name: str) -> float:
    value = request[name]
    return float(value) if isinstance(value, int | float) else 0.0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
