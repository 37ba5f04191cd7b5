"""A separate process that writes to the real pairing store once a newer gateway listens. Only the demo starts it.

`python -m upgrader.adapters.demo.fault JOB`, JOB a private JSON file: database, statement, device, value, port, above (the
schema version that must be passed), limit (seconds). Ends 0 when one row was changed, 1 when the time was over.
"""

import json
import socket
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

_POLL_S = 0.05


def main() -> None:
    """Wait, write once, end."""
    job = json.loads(Path(sys.argv[1]).read_bytes())
    deadline = time.monotonic() + job["limit"]
    while time.monotonic() < deadline:
        if _schema(Path(job["database"])) > job["above"] and _listens(job["port"]):
            sys.exit(0 if _write(job) == 1 else 1)
        time.sleep(_POLL_S)  # noqa: TID251 - a program of its own
    sys.exit(1)


def _schema(database: Path) -> int:
    """`user_version` out of the header and, where a log carries a newer first page, through SQLite."""
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=1)) as connection:
            return int(connection.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.Error:
        return 0


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def _write(job: dict[str, str]) -> int:
    with closing(sqlite3.connect(job["database"], timeout=10)) as connection, connection:
        return connection.execute(job["statement"], {"device": job["device"], "value": job["value"]}).rowcount


if __name__ == "__main__":
    main()
