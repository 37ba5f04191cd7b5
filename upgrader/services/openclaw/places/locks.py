"""OpenClaw's own locks of a state directory: where they lie and what they hold."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from upgrader.domain.installation.facts import Installation

_COORDINATORS = ("gateway-lifecycle", "state-lifecycle")


@dataclass(frozen=True)
class LockFile:
    """A lock of releases up to 7.35: a JSON file that names its owner by pid."""

    path: Path
    payload: bytes


@dataclass(frozen=True)
class Ownership:
    """What must be held so that no gateway can own a state: SQLite coordinators (8.1+), a lock file before that, the port."""

    coordinators: tuple[Path, ...]
    lock_files: tuple[LockFile, ...]
    port: int


def ownership(installation: Installation, pid: int, start_ticks: int, created: str) -> Ownership:
    """The locks of this installation, as process `pid` would own them.

    `start_ticks` is field 22 of /proc/PID/stat (clock ticks since boot), `created` an ISO time.
    Source: src/infra/state-database-coordinator-paths.ts of 2026.9.5 (8 hex digits of SHA-256 over the canonical path of
    state/openclaw.sqlite; directory under /tmp by uid), src/infra/gateway-lock.ts of 2026.2.17 (SHA-1 of the config path;
    SHA-256 from 3.13 on: both are taken). Locks of both eras are named: a move may lead from one into the other.
    """
    state = installation.state
    payload = json.dumps({"pid": pid, "createdAt": created, "configPath": str(state.config), "startTime": start_ticks}).encode()
    folder = Path("/tmp") / f"openclaw-{state.owner_uid}"
    names = {hashlib.new(kind, str(state.config).encode()).hexdigest()[:8] for kind in ("sha1", "sha256")}
    files = tuple(LockFile(folder / f"gateway.{name}.lock", payload) for name in sorted(names))
    return Ownership(_coordinators(state.path, state.owner_uid), files, installation.port)


def owner_of(raw: bytes) -> tuple[int, int | None] | None:
    """Who holds a lock file: pid, and start in clock ticks where it says so (`startTime`). None where it cannot be read."""
    try:
        found = json.loads(raw)
        started = found.get("startTime")
        return int(found["pid"]), started if isinstance(started, int) else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def temporary_folders(uid: int) -> tuple[Path, ...]:
    """Where OpenClaw writes outside any state directory: its lock databases, the locks of old releases, its usual logs."""
    return (Path(f"/tmp/openclaw-state-locks-{uid}"), Path(f"/tmp/openclaw-{uid}"), Path("/tmp/openclaw"))


def left_outside(state: Path, config: Path, uid: int) -> tuple[Path, ...]:
    """What a gateway on this state leaves in /tmp for good, as patterns: coordinators of 8.1+, lock files of older releases."""
    digest = hashlib.sha256(str(state / "state" / "openclaw.sqlite").encode()).hexdigest()[:8]
    coordinators = Path("/tmp") / f"openclaw-state-locks-{uid}" / f"*.{digest}.lock.sqlite*"
    names = {hashlib.new(kind, str(config).encode()).hexdigest()[:8] for kind in ("sha1", "sha256")}
    locks = (Path("/tmp") / f"openclaw-{uid}" / f"gateway.{name}.lock*" for name in sorted(names))
    return (coordinators, *locks)


def _coordinators(state: Path, uid: int) -> tuple[Path, ...]:
    digest = hashlib.sha256(str(state / "state" / "openclaw.sqlite").encode()).hexdigest()[:8]
    folder = Path("/tmp") / f"openclaw-state-locks-{uid}"
    return tuple(folder / f"{family}.{digest}.lock.sqlite" for family in _COORDINATORS)
