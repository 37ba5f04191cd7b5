"""OpenClaw's own updater at work: a move must not begin beside it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

_STALE = timedelta(minutes=30)


@dataclass(frozen=True)
class UpdaterRun:
    """One run that its ledger calls running. `pid` and `ticks` (of the process's start, since boot) name the driver.

    A pid of None: no driver was written down; then only its last sign of life can tell.
    """

    name: str
    phase: str
    updated: datetime
    pid: int | None = None
    ticks: str = ""


def at_work(runs: tuple[UpdaterRun, ...], ticks_of: dict[int, str], now: datetime) -> UpdaterRun | None:
    """The first run whose driver lives; one without a named driver counts for half an hour, as OpenClaw itself counts it.

    `ticks_of` are the start times of the drivers that still run. Source: `isStaleIdentitylessUpdateRun` and
    `inspectUpdateRunDriver`, dist/update-run-activity of 2026.9.6.
    """
    for run in runs:
        if run.pid is None:
            if now - run.updated < _STALE:
                return run
        elif ticks_of.get(run.pid) == run.ticks:
            return run
    return None
