"""`systemctl --user`, and what it shows of one unit."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from upgrader.domain.installation.supervision import NotManaged
from upgrader.domain.ports import Command, Ran, Runner
from upgrader.domain.process import CommandMissing, CommandTimedOut
from upgrader.domain.said import last_line

LOOK = timedelta(seconds=0.2)  # between two looks at a unit
_ANSWER_LIMIT = timedelta(seconds=60)
_PROPERTIES = (
    "LoadState ActiveState SubState MainPID NRestarts Result ExecMainStatus ConditionResult NeedDaemonReload "
    "FragmentPath DropInPaths UnitFileState TimeoutStopUSec RestartUSec"
)
# systemd.time(7); what `systemctl show` prints uses these and nothing else.
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "month": 2629800.0}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)")


@dataclass(frozen=True)
class UnitStatus:
    """One look at a unit. Times in seconds; `stop_seconds` is infinite where the unit says so."""

    load: str
    active: str
    sub: str
    main_pid: int
    restarts: int
    result: str
    exit_status: int
    needs_reload: bool
    fragment: Path | None
    drop_ins: tuple[Path, ...]
    file_state: str
    stop_seconds: float
    restart_seconds: float

    @property
    def is_down(self) -> bool:
        """Whether systemd has nothing running for it and plans nothing."""
        return self.active in ("inactive", "failed") and self.main_pid == 0


@dataclass(frozen=True)
class Systemctl:
    """Runs `systemctl --user` with the session's address given explicitly: cron, sudo and ssh often leave it out."""

    runner: Runner
    session: Mapping[str, str]

    def status(self, unit: str, limit: timedelta = _ANSWER_LIMIT) -> UnitStatus:
        """Look at `unit`; one that does not exist has load `not-found`. Raises NotManaged, CommandTimedOut."""
        names = _PROPERTIES.replace(" ", ",")
        return read_status(self.must("show", unit, f"--property={names}", limit=limit).stdout)

    def must(self, *words: str, limit: timedelta = _ANSWER_LIMIT) -> Ran:
        """Run it and insist on exit 0. Raises NotManaged with its last line, CommandTimedOut."""
        ran = self.run(*words, limit=limit)
        if ran.exit_code:
            raise NotManaged(
                f"`systemctl --user {' '.join(words[:2])}` failed (exit code {ran.exit_code})",
                why=last_line(ran.stderr) or "it said nothing",
                hint="`systemctl --user status` shows whether your session's service manager runs; "
                "`loginctl enable-linger` keeps it alive",
            )
        return ran

    def run(self, *words: str, limit: timedelta = _ANSWER_LIMIT) -> Ran:
        """Run it; the exit code is the caller's to judge. Raises NotManaged where there is no systemctl, CommandTimedOut."""
        argv = ("systemctl", "--user", "--no-pager", "--no-ask-password", *words)
        try:
            return self.runner.run(Command(argv, limit, self.session))
        except CommandTimedOut:
            raise
        except CommandMissing as error:
            raise NotManaged("there is no systemctl", why=error.why, hint="`upgrader status` shows the supervisor") from error


def session_environment(uid: int, home: Path, given: Mapping[str, str]) -> dict[str, str]:
    """The environment that reaches the service manager of `uid`: its runtime directory and bus, as pam_systemd sets them."""
    runtime = given.get("XDG_RUNTIME_DIR") or f"/run/user/{uid}"
    kept = {name: given[name] for name in ("USER", "LOGNAME") if name in given}
    return {
        **kept,
        "PATH": given.get("PATH") or "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "XDG_RUNTIME_DIR": runtime,
        "DBUS_SESSION_BUS_ADDRESS": given.get("DBUS_SESSION_BUS_ADDRESS") or f"unix:path={runtime}/bus",
    }


def read_status(stdout: bytes) -> UnitStatus:
    """Read `systemctl show`. A property this systemd does not know counts as empty."""
    said = dict(line.partition("=")[::2] for line in stdout.decode(errors="replace").splitlines())
    fragment = said.get("FragmentPath", "")
    return UnitStatus(
        load=said.get("LoadState", ""),
        active=said.get("ActiveState", ""),
        sub=said.get("SubState", ""),
        main_pid=_number(said.get("MainPID", "")),
        restarts=_number(said.get("NRestarts", "")),
        result=said.get("Result", ""),
        exit_status=_number(said.get("ExecMainStatus", "")),
        needs_reload=said.get("NeedDaemonReload") == "yes",
        fragment=Path(fragment) if fragment else None,
        drop_ins=tuple(Path(word.replace("\\x20", " ")) for word in said.get("DropInPaths", "").split()),
        file_state=said.get("UnitFileState", ""),
        stop_seconds=seconds_of(said.get("TimeoutStopUSec", "")),
        restart_seconds=seconds_of(said.get("RestartUSec", "")),
    )


def seconds_of(span: str) -> float:
    """Seconds of a span as systemd prints it (`5min 30s`); `infinity` is infinite, anything unreadable 0."""
    if span.strip() == "infinity":
        return float("inf")
    return sum(float(number) * _SECONDS.get(unit, 0.0) for number, unit in _SPAN.findall(span))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
