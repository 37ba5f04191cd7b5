"""A snapshot of databases that others write: one moment for all, never restarted for ever, their owner undisturbed."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.snapshots.conftest import make_database
from tests.world.installations import installation_on, running
from tests.world.processes import wait_until
from upgrader.adapters.kept.snapshots import FileSnapshots
from upgrader.domain.kept.snapshot import SnapshotGivenUp, SnapshotLimits

# Adds one to a counter in the first database, then in the second, for ever; argv: pause in seconds, then the databases.
WRITER = """
import sqlite3, sys, time
pause, paths = float(sys.argv[1]), sys.argv[2:]
databases = [sqlite3.connect(path, isolation_level=None, timeout=30) for path in paths]
while True:
    for database in databases:
        database.execute("UPDATE counter SET value = value + 1 WHERE id = 0")
    time.sleep(pause)
"""
SECOND = "agents/main/agent/openclaw-agent.sqlite"
FIRST = "state/openclaw.sqlite"


@contextmanager
def writing(state: Path, pause_s: float, *names: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that writes to the databases while the block runs; killed at the end."""
    argv = [sys.executable, "-c", WRITER, str(pause_s), *(str(state / name) for name in names)]
    child = subprocess.Popen(argv, start_new_session=True)
    try:
        wait_until(lambda: counter(state / names[-1]), "a writer at work", 30)
        yield child
        assert child.poll() is None, "the writer was disturbed"
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def counter(path: Path, query: str = "mode=ro") -> int:
    with closing(sqlite3.connect(f"file:{path}?{query}", uri=True, timeout=30)) as database:
        return int(database.execute("SELECT value FROM counter WHERE id = 0").fetchone()[0])


@pytest.fixture
def two(state: Path) -> Path:
    """The state with two databases of 20 MB."""
    (state / FIRST).unlink()
    for name in (FIRST, SECOND):
        make_database(state / name, rows=20_000)
    return state


def test_two_databases_written_in_pairs_are_as_of_one_moment(two: Path, snapshots: FileSnapshots) -> None:
    with writing(two, 0.0, FIRST, SECOND):
        for _ in range(8):
            taken = snapshots.take(running(installation_on(two)), "slot", "live")
            first, second = (counter(taken.tree / name, "mode=ro&immutable=1") for name in (FIRST, SECOND))
            assert first - second in (0, 1) if taken.one_instant else abs(first - second) <= 1
    snapshots.verify(taken)


def test_a_writer_every_ten_milliseconds_does_not_stop_the_backup(two: Path, snapshots: FileSnapshots) -> None:
    small_steps = replace(snapshots, limits=SnapshotLimits(step_pages=16))
    with writing(two, 0.01, FIRST):
        taken = small_steps.take(running(installation_on(two)), "slot", "live")
        assert counter(two / FIRST) > counter(taken.tree / FIRST, "mode=ro&immutable=1")
    with closing(sqlite3.connect(taken.tree / FIRST)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_the_owner_keeps_its_log_while_and_after_we_look(two: Path, snapshots: FileSnapshots) -> None:
    """Closing a plain descriptor of an open database would drop our locks and let another connection delete the log."""
    with closing(sqlite3.connect(two / FIRST)) as owner:
        owner.execute("UPDATE counter SET value = 1")
        owner.commit()
        snapshots.take(running(installation_on(two)), "slot", "live")
        with closing(sqlite3.connect(two / FIRST)) as other:
            other.execute("UPDATE counter SET value = 2")
            other.commit()
        assert (two / f"{FIRST}-wal").exists()
        assert owner.execute("SELECT value FROM counter WHERE id = 0").fetchone() == (2,)
    assert not (two / f"{FIRST}-wal").exists()


def test_a_database_nobody_has_open_is_not_opened_by_us(state: Path, snapshots: FileSnapshots, old_ctimes: None) -> None:
    snapshots.take(running(installation_on(state)), "slot", "live")
    assert sorted(path.name for path in (state / "state").iterdir()) == ["openclaw.sqlite"]


def test_a_log_that_grows_too_far_ends_the_attempt_and_leaves_nothing(two: Path, snapshots: FileSnapshots) -> None:
    tight = replace(snapshots, limits=SnapshotLimits(wal_growth_bytes=0, step_pages=1))
    with writing(two, 0.0, FIRST), pytest.raises(SnapshotGivenUp):
        tight.take(running(installation_on(two)), "slot", "live")
    assert list((snapshots.home / "snapshots").iterdir()) == []


def test_a_full_disk_ends_the_attempt_and_leaves_nothing(two: Path, snapshots: FileSnapshots) -> None:
    tight = replace(snapshots, limits=SnapshotLimits(reserve_bytes=2**62))
    with pytest.raises(Exception, match="no room"):
        tight.take(running(installation_on(two)), "slot", "live")
    assert list((snapshots.home / "snapshots").iterdir()) == []
