"""State trees made of real files, real databases and real processes that write to them."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.snapshots.pair import Pair
from tests.snapshots.stores import make_stores
from upgrader.adapters.clock import SystemClock
from upgrader.adapters.kept.snapshots import FileSnapshots
from upgrader.adapters.settling.settler import Settler
from upgrader.domain.kept.pathclass import PathClass
from upgrader.services.openclaw.places.effects import KNOWLEDGE


def classify(path: str) -> PathClass:
    """A small table in place of the service's."""
    first = path.split("/")[0]
    return {"cache": PathClass.CACHE, "tmp": PathClass.RUNTIME, "workspace": PathClass.WORKSPACE}.get(first, PathClass.UNKNOWN)


def make_database(path: Path, rows: int = 3) -> None:
    """A WAL database with one table, closed again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE counter (id INTEGER PRIMARY KEY, value INTEGER, padding BLOB)")
        database.executemany("INSERT INTO counter VALUES (?, 0, zeroblob(1000))", [(n,) for n in range(rows)])
        database.commit()


def make_state(root: Path) -> Path:
    """A small state directory: config, a transcript, a database, a workspace, a cache, a lock, links."""
    for name, text in {
        "openclaw.json": "{}",
        "agents/main/sessions/a.jsonl": "one\ntwo\n",
        "workspace/notes.md": "mine",
        "cache/assets/app.js": "x" * 5000,
        "tmp/gateway.lock": "1",
        "devices/paired.json": "{}",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / "current").symlink_to("agents/main")
    (root / "broken").symlink_to("/nowhere/at/all")
    make_database(root / "state" / "openclaw.sqlite")
    return root


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A small state directory, nobody on it."""
    return make_state(tmp_path / "home" / ".openclaw")


@pytest.fixture
def snapshots(tmp_path: Path) -> FileSnapshots:
    """Snapshots of one installation under a private directory."""
    return FileSnapshots(tmp_path / "data", classify, SystemClock())


@pytest.fixture
def old_ctimes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files just made count as old: without this every change within the clock's slack is copied to be safe."""
    for module in ("upgrader.domain.kept.tree", "upgrader.adapters.kept.snapshot_fill"):
        monkeypatch.setattr(f"{module}.CLOCK_SLACK_NS", 0)


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    """Two trees beside each other, the settler's record elsewhere."""
    live = make_stores(tmp_path / "state")
    return Pair(live, tmp_path / "state.standby", Settler(tmp_path / "data", KNOWLEDGE, SystemClock()))
