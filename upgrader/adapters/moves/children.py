"""The commands a move runs on the live state, known by a variable of their own: what a killed run leaves at work is ended.

A doctor that goes on after its upgrader was killed would write into a state that is exchanged under it. It may have started
itself anew (2026.2.17 does), so a pid would not find it; children inherit the variable.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psutil

from upgrader.domain.installation.facts import ProcessIdentity
from upgrader.domain.ports import Processes

_VARIABLE = "UPGRADER_MOVES_STATE"
_LIMIT = timedelta(seconds=5)


def marked(environment: Mapping[str, str], state: Path) -> dict[str, str]:
    """The environment of a command that works on `state` for a move."""
    return {**environment, _VARIABLE: str(state)}


@dataclass(frozen=True)
class MoveChildren:
    """Port Leftovers."""

    processes: Processes

    def end(self, state: Path) -> None:
        """End every command that a dead run left at work on this state. Raises StopFailed."""
        for identity in _at_work_on(state):
            self.processes.end(identity, _LIMIT)


def _at_work_on(state: Path) -> Iterator[ProcessIdentity]:
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(_VARIABLE) == str(state):
                yield ProcessIdentity(process.pid, process.create_time())
