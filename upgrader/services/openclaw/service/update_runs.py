"""The ledger of OpenClaw's own updater: table `update_runs` of the shared database, made when the updater first runs.

Source: the state schema of 2026.9.5 and 2026.9.6 (`status = 'running'`, `origin_json.driver` with host, pid and start time in
clock ticks, /proc/PID/stat). `openclaw update` inside a service hands its work on and ends with 75 (src/infra/update-*): the
command is over then, the update is not; the ledger tells the truth.
"""

import json
from datetime import UTC, datetime

from upgrader.domain.moves.updater import UpdaterRun
from upgrader.domain.pairing.ports import Query, Rows

QUERY = Query(
    "update_runs", "SELECT run_id, phase, updated_at_ms, origin_json FROM update_runs WHERE status = 'running' LIMIT 10"
)


def read_runs(rows: Rows, host: str) -> tuple[UpdaterRun, ...]:
    """Runs the ledger calls running. A driver on another host counts as none: it cannot be looked at from here."""
    return tuple(_run(*row, host=host) for row in rows.rows) if rows.present else ()


def _run(name: object, phase: object, updated: object, origin: object, *, host: str) -> UpdaterRun:
    moment = datetime.fromtimestamp(int(str(updated)) / 1000, UTC)
    try:
        driver = json.loads(str(origin))["driver"]
        if driver["host"] == host:
            return UpdaterRun(str(name), str(phase), moment, int(driver["pid"]), str(driver["startIdentity"]))
    except (ValueError, KeyError, TypeError):
        pass
    return UpdaterRun(str(name), str(phase), moment)
