"""Looks whether OpenClaw's own updater is at work: its ledger, read without a trace, and the processes it names."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from upgrader.adapters.processes import proc_files
from upgrader.domain.moves.updater import UpdaterRun, at_work
from upgrader.domain.pairing.ports import Databases, DatabaseUnreadable, Query, Rows
from upgrader.domain.ports import Clock


@dataclass(frozen=True)
class LedgerUpdaters:
    """Port Updaters. `database` is the ledger's place in a state; `query` and `read` are the service's."""

    databases: Databases
    clock: Clock
    database: str
    query: Query
    read: Callable[[Rows, str], tuple[UpdaterRun, ...]]

    def at_work(self, state: Path) -> UpdaterRun | None:
        """The run that is under way. A ledger that cannot be read names none: it must not keep anybody from going back."""
        try:
            (rows,) = self.databases.read(state / self.database, (self.query,))
        except DatabaseUnreadable:
            return None
        runs = self.read(rows, socket.gethostname())
        ticks = {run.pid: str(proc_files.start_ticks(run.pid)) for run in runs if run.pid is not None}
        return at_work(runs, ticks, self.clock.now())
