"""The one home of child processes: argv without a shell, own session, output to files, a limit on everything."""

from __future__ import annotations  # psutil may not be loaded

import contextlib
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from upgrader.adapters.late import late
from upgrader.domain.installation.facts import ProcessIdentity
from upgrader.domain.ports import Command, Ran
from upgrader.domain.process import CommandMissing, CommandTimedOut, StartFailed

if TYPE_CHECKING:
    import psutil
else:
    psutil = late("psutil")  # a plan on a machine where no OpenClaw runs never uses it

_KEPT_OUTPUT = 8 * 1024 * 1024  # bytes read back of each stream; the tail is what matters
_GROUP_GRACE_S = 3.0
# A session leader has no terminal until it takes one: TIOCSCTTY, then the program itself.
_TAKE_TERMINAL = "import fcntl,os,sys,termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"


class ProcessRunner:
    """Port Runner. `base` is the environment children get when the command names none."""

    def __init__(self, base: Mapping[str, str]) -> None:
        self._base = dict(base)

    def run(self, command: Command) -> Ran:
        """Run to the end and return its output.

        Output goes to files, not pipes: a daemon left behind by the child holds a pipe open for ever. On a timeout
        the whole session is ended. Raises CommandMissing, CommandTimedOut.
        """
        began = time.monotonic()
        with _unnamed() as out, _unnamed() as err:
            child = _spawn(command, self._base, out, err)
            try:
                code = _ended(child, command.timeout.total_seconds())
            except subprocess.TimeoutExpired as error:
                end_group(child.pid)
                child.wait()
                raise CommandTimedOut(
                    f"`{_shown(command.argv)}` did not end within {command.timeout.total_seconds():.0f} s",
                    why="it was ended with its whole process group",
                ) from error
            except BaseException:  # an interrupt must not leave the child behind
                end_group(child.pid)
                child.wait()
                raise
            return Ran(code, _tail(out), _tail(err), timedelta(seconds=time.monotonic() - began))

    def start(self, command: Command, log: Path) -> ProcessIdentity:
        """Start a long-running child in its own session, output appended to `log` (0600). Returns its identity.

        It inherits no descriptor of ours (locks stay ours) and outlives the tool. Raises CommandMissing, StartFailed.
        """
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            child = _spawn(command, self._base, file, file)
        try:
            return ProcessIdentity(child.pid, psutil.Process(child.pid).create_time())
        except psutil.NoSuchProcess as error:
            raise StartFailed(f"`{_shown(command.argv)}` ended at once", why=f"see {log}") from error

    def on_terminal(self, command: Command, terminal: int) -> None:
        """Start a program with this terminal as its own, controlling one, and go on. Raises CommandMissing."""
        try:
            subprocess.Popen(
                (sys.executable, "-P", "-c", _TAKE_TERMINAL, *command.argv),
                stdin=terminal,
                stdout=terminal,
                stderr=terminal,
                env=dict(self._base if command.environment is None else command.environment),
                cwd=command.directory,
                start_new_session=True,
                close_fds=True,
            )
        except OSError as error:
            raise _missing(command, error) from error

    def launch(self, command: Command, log: Path) -> Child:
        """Start a child to be watched and ended by us, in its own session, output appended to `log` (0600).

        Raises CommandMissing.
        """
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            return Child(_spawn(command, self._base, file, file))


class Child:
    """A running child of ours: its pid, its exit code once it has ended, and its end."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """The child's pid; ours until its exit code was read."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """How it ended (negative: signal), None while it runs."""
        return self._process.poll()

    def end(self, grace: timedelta) -> int:
        """TERM to the child alone, wait up to `grace`, then KILL to what is left of its group. Returns the exit code."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=grace.total_seconds())
            except subprocess.TimeoutExpired:
                self._process.kill()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        return self._process.wait()


def end_group(leader: int) -> None:
    """End the process group of a child we started: TERM, a short grace, KILL. A group already gone is fine."""
    deadline = time.monotonic() + _GROUP_GRACE_S
    try:
        os.killpg(leader, signal.SIGTERM)
        while time.monotonic() < deadline and _group_alive(leader):
            time.sleep(0.05)  # noqa: TID251 - the process room keeps its own real time
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


def _group_alive(leader: int) -> bool:
    """Whether any process of the group still runs; an unreaped child of ours does not count."""
    for process in psutil.process_iter(["pid", "status"]):
        try:
            if process.info["status"] != psutil.STATUS_ZOMBIE and os.getpgid(process.info["pid"]) == leader:
                return True
        except (ProcessLookupError, PermissionError):
            continue
    return False


def _spawn(command: Command, base: Mapping[str, str], out: BinaryIO, err: BinaryIO) -> subprocess.Popen[bytes]:
    environment = dict(base if command.environment is None else command.environment)
    try:
        return subprocess.Popen(
            command.argv,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=environment,
            cwd=command.directory,
            start_new_session=True,
            close_fds=True,
        )
    except OSError as error:
        raise _missing(command, error) from error


def _missing(command: Command, error: OSError) -> CommandMissing:
    return CommandMissing(f"cannot run `{Path(command.argv[0]).name}`", why=error.strerror or type(error).__name__)


def _ended(child: subprocess.Popen[bytes], limit_s: float) -> int:
    """The exit code. `Popen.wait` with a limit looks in growing pauses of up to 50 ms; a descriptor wakes us at once.

    Raises subprocess.TimeoutExpired.
    """
    try:
        descriptor = os.pidfd_open(child.pid)
    except OSError:  # a kernel or a sandbox without it
        return child.wait(timeout=limit_s)
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        if not poll.poll(limit_s * 1000):
            raise subprocess.TimeoutExpired(child.args, limit_s)
    finally:
        os.close(descriptor)
    return child.wait()


def _unnamed() -> BinaryIO:
    """A file without a name; in memory where no disk has room for one, so that a full machine can still be looked at."""
    try:
        return cast("BinaryIO", tempfile.TemporaryFile())
    except OSError:
        return os.fdopen(os.memfd_create("output"), "w+b")


def _shown(argv: tuple[str, ...]) -> str:
    """The program and its first words; never all of an argv."""
    return " ".join((Path(argv[0]).name, *argv[1:4]))


def _tail(file: BinaryIO) -> bytes:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _KEPT_OUTPUT))
    return file.read()
