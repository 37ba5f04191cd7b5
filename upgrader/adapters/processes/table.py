"""The process table: who is a gateway on a state, who else holds it, and how one process is ended."""

from __future__ import annotations  # psutil may not be loaded

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from upgrader.adapters.late import late
from upgrader.adapters.processes import proc_files
from upgrader.adapters.processes.identity import is_alive, is_same
from upgrader.domain.installation.census import Census, Holder, ProcessesHidden, ProcessSeen, Reading, Role
from upgrader.domain.installation.facts import GatewayProcess, ProcessIdentity
from upgrader.domain.ports import Clock
from upgrader.domain.process import StopFailed

if TYPE_CHECKING:
    import psutil
else:
    psutil = late("psutil")  # a plan on a machine where no OpenClaw runs never uses it

_LOOK_AGAIN = timedelta(milliseconds=50)
_KILL_LIMIT = timedelta(seconds=10)
_LOCK_BYTES = 64 * 1024

ReadProcess = Callable[[ProcessSeen, Callable[[Path], bool]], Reading]


@dataclass(frozen=True)
class _Tied:
    """One process that has to do with the state, or is a gateway: what it is, and whether it has a file of the state open."""

    seen: ProcessSeen
    reading: Reading
    writes: bool
    ours: bool


@dataclass(frozen=True)
class ProcessTable:
    """Port Processes. `names` are the environment variables read of others; `is_lock` and `read` know OpenClaw."""

    clock: Clock
    names: tuple[str, ...]
    is_lock: Callable[[Path], bool]
    read: ReadProcess

    def gateways_on(self, state: Path) -> tuple[GatewayProcess, ...]:
        """Every gateway that holds this state, oldest first. Raises ProcessesHidden."""
        return self.census(state).gateways

    def census(self, state: Path) -> Census:
        """Everybody on this state, which need not exist. Raises ProcessesHidden where the table cannot be read at all."""
        canonical = state.resolve()
        tied: dict[int, _Tied] = {}
        unreadable = 0
        suspects: list[ProcessIdentity] = []
        listening = proc_files.Listening()
        for pid in _others():
            if self._is_bystander(pid, canonical):
                continue
            try:
                process = psutil.Process(pid)
                seen = self._seen(process)
            except (psutil.NoSuchProcess, ProcessLookupError):
                continue
            except (psutil.AccessDenied, PermissionError):
                unreadable += 1
                suspects.extend(self._suspect(process))
                continue
            if seen is not None and (tie := self._tie(seen, canonical, listening)) is not None:
                tied[seen.identity.pid] = tie
        return _sorted_out(tied, unreadable, tuple(suspects))

    def environment_of(self, identity: ProcessIdentity) -> Mapping[str, str]:
        """The environment a process was started with; empty when it ended or is hidden. Holds secrets: never to be shown."""
        with suppress(psutil.Error, OSError):
            process = psutil.Process(identity.pid)
            if is_same(process, identity):
                return process.environ()
        return {}

    def is_alive(self, identity: ProcessIdentity) -> bool:
        """Whether that very process still runs; a zombie does not."""
        return is_alive(identity)

    def end(self, identity: ProcessIdentity, limit: timedelta) -> None:
        """TERM, wait up to `limit`, then KILL; only while pid and start time match. Raises StopFailed."""
        if not self._signalled(identity, psutil.Process.terminate) or self._gone(identity, limit):
            return
        if not self._signalled(identity, psutil.Process.kill) or self._gone(identity, _KILL_LIMIT):
            return
        raise StopFailed(f"process {identity.pid} does not end", why="it was sent TERM and KILL and is still there")

    def _signalled(self, identity: ProcessIdentity, send: Callable[[psutil.Process], None]) -> bool:
        """Send a signal; False when that process is gone already."""
        if not self.is_alive(identity):
            return False
        try:
            send(psutil.Process(identity.pid))  # psutil compares the start time once more before it signals
        except psutil.NoSuchProcess:
            return False
        except psutil.AccessDenied as error:
            raise StopFailed(
                f"process {identity.pid} may not be stopped", why="it belongs to another user", code="not_permitted"
            ) from error
        return True

    def _gone(self, identity: ProcessIdentity, limit: timedelta) -> bool:
        deadline = self.clock.monotonic() + limit.total_seconds()
        while self.is_alive(identity):
            if self.clock.monotonic() > deadline:
                return False
            self.clock.wait(_LOOK_AGAIN)
        return True

    def _is_bystander(self, pid: int, state: Path) -> bool:
        """Whether a process cannot have to do with this state or any OpenClaw: told of nearly all, by a quarter of the effort.

        What is hidden or just ending is no bystander here: it is looked at in full.
        """
        try:
            argv = proc_files.command_line(pid)
            if self.read(ProcessSeen(ProcessIdentity(pid, 0.0), 0, 0, argv), _nowhere).role is not Role.STRANGER:
                return False
            paths = [path for _, path in proc_files.open_files(pid)] if argv else []
            tied = any(path.is_relative_to(state) or self.is_lock(path) for path in paths)
            return not tied and not (argv and proc_files.mapped_modules(pid))
        except OSError:
            return False

    def _seen(self, process: psutil.Process) -> ProcessSeen | None:
        """The process as a value; None for kernel threads, zombies and what ended meanwhile."""
        argv = tuple(process.cmdline())
        if not argv:
            return None
        try:
            environment = process.environ()
            files = proc_files.open_files(process.pid)
            mapped = proc_files.mapped_modules(process.pid)
        except (FileNotFoundError, ProcessLookupError):
            return None
        return ProcessSeen(
            identity=ProcessIdentity(process.pid, process.create_time()),
            uid=process.uids().effective,
            parent=process.ppid(),
            argv=argv,
            executable=_path(process.exe()),
            environment={name: environment[name] for name in self.names if name in environment},
            open_files=tuple(path for _, path in files),
            mapped=mapped,
            locks=tuple(raw for descriptor, path in files if self.is_lock(path) for raw in _content(process.pid, descriptor)),
            directory=_path(process.cwd()),
            unit=proc_files.unit_of(process.pid),
            contained=proc_files.is_contained(process.pid),
        )

    def _tie(self, seen: ProcessSeen, state: Path, listening: proc_files.Listening) -> _Tied | None:
        """How this process is bound to the state, None when it is not."""
        pid = seen.identity.pid

        def exists(path: Path) -> bool:
            return proc_files.as_seen_by(pid, path).exists()

        reading = self.read(seen, exists)
        if reading.role is not Role.STRANGER:  # ports are dear to read: only of those where they decide
            seen = replace(seen, ports=listening.ports(pid))
            reading = self.read(seen, exists)
        writes = any(path.is_relative_to(state) for path in seen.open_files) and any(
            proc_files.same_file(pid, descriptor, path) for descriptor, path in _open_now(pid) if path.is_relative_to(state)
        )
        works_on = reading.state is not None and _same_place(pid, reading.state, state)
        if reading.role is Role.STRANGER:
            works_on = False  # every program of the user has a HOME
        ours = writes or works_on
        return _Tied(seen, reading, writes, ours) if ours or reading.role in {Role.GATEWAY, Role.STARTING} else None

    def _suspect(self, process: psutil.Process) -> tuple[ProcessIdentity, ...]:
        """A hidden process that calls itself OpenClaw: name and command line are open to all, unless /proc hides them."""
        with suppress(psutil.Error, OSError):
            identity = ProcessIdentity(process.pid, process.create_time())
            seen = ProcessSeen(identity, process.uids().effective, process.ppid(), tuple(process.cmdline()))
            if seen.argv and self.read(seen, _nowhere).role is not Role.STRANGER:
                return (identity,)
        return ()


def _sorted_out(tied: Mapping[int, _Tied], unreadable: int, suspects: tuple[ProcessIdentity, ...]) -> Census:
    """Gateways and the rest. What a gateway started inherits its descriptors and environment, and is none."""
    gateways = _leading(tied)
    chosen = {tie.seen.identity.pid for tie in gateways}
    return Census(
        gateways=tuple(_gateway(tie) for tie in gateways if tie.ours),
        holders=tuple(_holder(tie) for pid, tie in sorted(tied.items()) if tie.ours and pid not in chosen),
        unreadable=unreadable,
        suspects=suspects,
        siblings=tuple(_gateway(tie) for tie in gateways if not tie.ours),
    )


def _leading(tied: Mapping[int, _Tied]) -> list[_Tied]:
    """The gateways that no other gateway started, the oldest first."""
    leaders = {pid for pid, tie in tied.items() if tie.reading.role is Role.GATEWAY}
    above = {parent.pid for pid in leaders for parent in _parents(pid)}
    # 2.17 runs itself again as a child: the one above that only waits for it is no second gateway.
    leaders |= {pid for pid, tie in tied.items() if tie.reading.role is Role.STARTING and pid not in above}
    found = [tied[pid] for pid in leaders if not any(parent.pid in leaders for parent in _parents(pid))]
    return sorted(found, key=lambda tie: tie.seen.identity.started)


def _gateway(tie: _Tied) -> GatewayProcess:
    seen = tie.seen
    return GatewayProcess(
        identity=seen.identity,
        uid=seen.uid,
        node=None if seen.contained else seen.executable,
        package_root=None
        if seen.contained
        else next((real for place in tie.reading.packages for real in _package(place)), None),
        state_path=tie.reading.state,
        ports=seen.ports,
        parents=tuple(name for parent in _parents(seen.identity.pid) for name in _name(parent)),
        unit=seen.unit,
        contained=seen.contained,
    )


def _holder(tie: _Tied) -> Holder:
    seen = tie.seen
    what = seen.executable.name if seen.executable else Path(seen.argv[0]).name
    return Holder(seen.identity, seen.uid, what, tie.reading.role, tie.writes)


def _package(place: Path) -> tuple[Path, ...]:
    return (place.resolve(),) if (place / "package.json").is_file() else ()


def _nowhere(_path: Path) -> bool:
    return False


def _others() -> tuple[int, ...]:
    """Every process but this one. Raises ProcessesHidden."""
    try:
        return tuple(pid for pid in proc_files.pids() if pid != os.getpid())
    except OSError as error:
        raise ProcessesHidden("cannot read the process table", why=str(error), hint="mount /proc and run it again") from error


def _parents(pid: int) -> list[psutil.Process]:
    with suppress(psutil.Error):
        return psutil.Process(pid).parents()
    return []


def _name(process: psutil.Process) -> tuple[str, ...]:
    with suppress(psutil.Error):
        return (process.name(),)
    return ()


def _open_now(pid: int) -> tuple[tuple[int, Path], ...]:
    with suppress(OSError):
        return proc_files.open_files(pid)
    return ()


def _content(pid: int, descriptor: int) -> tuple[bytes, ...]:
    with suppress(OSError), Path(f"/proc/{pid}/fd/{descriptor}").open("rb") as file:
        return (file.read(_LOCK_BYTES),)
    return ()


def _same_place(pid: int, theirs: Path, ours: Path) -> bool:
    """Whether what that process calls `theirs` is our `ours`: by device and inode, by name where it does not exist."""
    try:
        return proc_files.as_seen_by(pid, theirs).samefile(ours)
    except OSError:
        return theirs == ours and not ours.exists()


def _path(text: str) -> Path | None:
    return Path(text) if text and not text.endswith(" (deleted)") else None
