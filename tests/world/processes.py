"""Processes of a disposable machine: started detached, found by what names their world, ended by identity only."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

_DEADLINE_S = 20.0


@dataclass(frozen=True)
class Identity:
    """A pid with its start time: a pid alone is reused."""

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> "Identity":
        """The process that has this pid now. Raises psutil.NoSuchProcess."""
        return cls(pid, psutil.Process(pid).create_time())

    @property
    def alive(self) -> bool:
        """Whether that very process still runs; a zombie does not."""
        try:
            process = psutil.Process(self.pid)
            return process.create_time() == self.started and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to it and to nothing else."""
        if self.alive:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return


@dataclass
class Child:
    """A command that runs while the test goes on. Output lies in files."""

    process: "subprocess.Popen[bytes]" = field(repr=False)
    out: Path
    err: Path

    @property
    def identity(self) -> Identity:
        """The child itself."""
        return Identity.of(self.process.pid)

    def said(self) -> str:
        """What it has written so far, both streams."""
        return self.out.read_text(errors="replace") + self.err.read_text(errors="replace")

    def kill(self) -> None:
        """SIGKILL to the command alone, not to what it started."""
        self.process.kill()
        self.process.wait()

    def wait(self, limit_s: float = 60.0) -> int:
        """Its exit code. Raises subprocess.TimeoutExpired."""
        return self.process.wait(limit_s)


def wait_until(condition: Callable[[], object], what: str, limit_s: float = _DEADLINE_S) -> None:
    """Ask again every 10 ms until the condition holds. Raises AssertionError saying what never came."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, f"never came within {limit_s:.0f} s: {what}"
        time.sleep(0.01)


def start_detached(argv: tuple[str, ...], environment: Mapping[str, str], log: Path, directory: Path) -> Identity:
    """Start a process that is nobody's child of ours (so that it never stands as a zombie), in its own session."""
    script = 'exec >>"$0" 2>&1 </dev/null; "$@" & echo $! >"$0.pid"'
    note = Path(f"{log}.pid")
    note.unlink(missing_ok=True)
    command = ["/bin/sh", "-c", script, str(log), *argv]
    subprocess.run(command, env=dict(environment), cwd=directory, start_new_session=True, timeout=20, check=True)
    return Identity.of(int(note.read_text()))


def belonging_to(root: Path) -> tuple[Identity, ...]:
    """Every process whose environment, working directory, program or arguments name this directory."""
    mark = str(root)
    found = []
    for process in psutil.process_iter(["pid", "create_time", "status"]):
        if process.info["status"] == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
            continue
        if _names(process.pid, mark):
            found.append(Identity(process.info["pid"], process.info["create_time"]))
    return tuple(found)


def _names(pid: int, mark: str) -> bool:
    folder = Path("/proc") / str(pid)
    try:
        texts = (folder / "environ").read_bytes(), (folder / "cmdline").read_bytes()
        return any(mark.encode() in text for text in texts) or str((folder / "cwd").readlink()).startswith(mark)
    except OSError:
        return False


def end_all(root: Path) -> None:
    """End what belongs to this directory: TERM, a short grace, KILL, again until nothing is left."""
    asked = time.monotonic() + 0.5

    def gone() -> bool:
        left = belonging_to(root)
        for identity in left:
            identity.signal(signal.SIGTERM if time.monotonic() < asked else signal.SIGKILL)
        return not left

    wait_until(gone, f"the end of all that belongs to {root}")
