"""A snapshot is a verified copy; a standby is private and equals the stopped state; what a crash leaves is tidied."""

import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from tests.snapshots.conftest import make_database
from tests.world.installations import installation_on, running
from upgrader.adapters.files.trees import walk
from upgrader.adapters.kept import standby as standby_room
from upgrader.adapters.kept.snapshots import FileSnapshots
from upgrader.domain.kept.snapshot import Moment, SnapshotDamaged
from upgrader.domain.kept.tree import EntryKind


def contents(root: Path) -> dict[str, tuple[object, ...]]:
    """Everything a comparison can see of a tree, but inode and ctime."""
    return {
        e.path: (e.kind, e.mode, e.mtime_ns, e.target, (root / e.path).read_bytes() if e.kind is EntryKind.FILE else b"")
        for e in walk(root)
    }


def without(found: dict[str, tuple[object, ...]], *firsts: str) -> dict[str, tuple[object, ...]]:
    return {path: value for path, value in found.items() if path.split("/")[0] not in firsts}


def test_a_stopped_snapshot_holds_the_state_without_caches_and_locks(state: Path, snapshots: FileSnapshots) -> None:
    taken = snapshots.take(installation_on(state), "slot", "test")
    assert taken.moment is Moment.STOPPED
    assert contents(taken.tree) == without(contents(state), "cache", "tmp")
    assert snapshots.list() == (taken,)
    snapshots.verify(taken)


def test_nothing_of_a_snapshot_is_shared_with_the_live_state(state: Path, snapshots: FileSnapshots) -> None:
    snapshots.take(installation_on(state), "slot", "test")
    assert all(entry.links == 1 for entry in walk(state) if entry.kind is EntryKind.FILE)


def test_a_snapshot_is_private(state: Path, snapshots: FileSnapshots) -> None:
    taken = snapshots.take(installation_on(state), "slot", "test")
    assert taken.tree.parent.stat().st_mode & 0o777 == 0o700
    for file in ("manifest.json", "files.jsonl"):
        assert (taken.tree.parent / file).stat().st_mode & 0o777 == 0o600


def test_unchanged_files_are_shared_with_the_snapshot_before_and_changed_ones_are_not(
    state: Path, snapshots: FileSnapshots, old_ctimes: None
) -> None:
    first = snapshots.take(installation_on(state), "slot", "first")
    (state / "openclaw.json").write_text('{"changed": true}')
    second = snapshots.take(installation_on(state), "slot", "second")
    assert (second.tree / "workspace/notes.md").samefile(first.tree / "workspace/notes.md")
    assert not (second.tree / "openclaw.json").samefile(first.tree / "openclaw.json")
    assert not (second.tree / "state/openclaw.sqlite").samefile(first.tree / "state/openclaw.sqlite")
    snapshots.verify(first)
    snapshots.verify(second)


def test_a_change_that_forges_size_and_time_is_seen(state: Path, snapshots: FileSnapshots, old_ctimes: None) -> None:
    path = state / "workspace/notes.md"
    snapshots.take(installation_on(state), "slot", "first")
    before = path.stat()
    path.write_text("MINE")
    os.utime(path, ns=(before.st_mtime_ns, before.st_mtime_ns))
    second = snapshots.take(installation_on(state), "slot", "second")
    assert (second.tree / "workspace/notes.md").read_text() == "MINE"


@pytest.mark.parametrize("damage", ["content", "removed", "added", "mode"])
def test_damage_is_named(state: Path, snapshots: FileSnapshots, damage: str) -> None:
    taken = snapshots.take(installation_on(state), "slot", "test")
    victim = taken.tree / "devices" / "paired.json"
    if damage == "content":
        times = victim.stat()
        victim.write_text("[]")
        os.utime(victim, ns=(times.st_mtime_ns, times.st_mtime_ns))
    elif damage == "removed":
        victim.unlink()
    elif damage == "added":
        victim.with_name("pa.json").write_text("{}")
    else:
        victim.chmod(0o777)
    with pytest.raises(SnapshotDamaged) as caught:
        snapshots.verify(taken)
    assert "devices" in caught.value.message


def test_a_half_snapshot_is_removed_at_the_next_run(state: Path, snapshots: FileSnapshots) -> None:
    half = snapshots.home / "snapshots" / ".partial-20260101T000000Z-00"
    (half / "tree").mkdir(parents=True)
    taken = snapshots.take(installation_on(state), "slot", "test")
    assert not half.exists()
    assert snapshots.list() == (taken,)


def test_a_described_snapshot_that_only_lacks_its_name_is_finished(state: Path, snapshots: FileSnapshots) -> None:
    taken = snapshots.take(installation_on(state), "slot", "test")
    taken.tree.parent.rename(taken.tree.parent.with_name(f".partial-{taken.id}"))
    assert snapshots.list() == ()
    snapshots.tidy()
    assert snapshots.list() == (taken,)


def test_a_standby_after_refresh_equals_the_stopped_state(state: Path, snapshots: FileSnapshots, old_ctimes: None) -> None:
    taken = snapshots.take(running(installation_on(state)), "slot", "test")
    standby = state.with_name(".openclaw.standby")
    snapshots.materialise(taken, standby)
    assert contents(standby) == contents(taken.tree)
    with (state / "agents/main/sessions/a.jsonl").open("a") as transcript:
        transcript.write("three\n")
    (state / "devices/paired.json").unlink()
    (state / "new").mkdir()
    (state / "new/file").write_text("new")
    with closing(sqlite3.connect(state / "state/openclaw.sqlite")) as database:
        database.execute("UPDATE counter SET value = 7")
        database.commit()
    snapshots.prefill(state, standby)
    snapshots.refresh(state, standby)
    assert contents(standby) == without(contents(state), "tmp")
    assert all(entry.links == 1 for entry in walk(standby) if entry.kind is EntryKind.FILE)
    snapshots.verify(taken)


def test_refresh_reads_only_what_changed(state: Path, snapshots: FileSnapshots, old_ctimes: None) -> None:
    taken = snapshots.take(installation_on(state), "slot", "test")
    standby = state.with_name(".openclaw.standby")
    snapshots.materialise(taken, standby)
    notes = standby / "workspace/notes.md"
    before = notes.stat()
    notes.write_text("evil")  # unseen by times: proves that an unchanged source is not read
    os.utime(notes, ns=(before.st_mtime_ns, before.st_mtime_ns))
    snapshots.refresh(state, standby)
    assert notes.read_text() == "evil"


def test_a_kept_standby_is_a_verified_stopped_snapshot_without_caches(
    state: Path, snapshots: FileSnapshots, old_ctimes: None
) -> None:
    installation = installation_on(state)
    standby = state.with_name(".openclaw.standby")
    snapshots.materialise(snapshots.take(installation, "slot", "test"), standby)
    snapshots.refresh(state, standby)
    inode = (standby / "openclaw.json").stat().st_ino
    kept = snapshots.keep(installation, "slot", standby, ())
    assert not standby.exists()
    assert kept.moment is Moment.STOPPED
    assert (kept.tree / "openclaw.json").stat().st_ino == inode
    assert contents(kept.tree) == without(contents(state), "cache", "tmp")
    snapshots.verify(kept)
    third = snapshots.take(installation, "slot", "after")
    assert (third.tree / "workspace/notes.md").samefile(kept.tree / "workspace/notes.md")


class Cut(BaseException):
    """Stands for a kill: nothing of ours catches it."""


@pytest.mark.parametrize("place", ["sync_filesystem", "sync_directory", "drop_left", "remove"])
def test_a_tree_kept_across_file_systems_is_whole_however_often_that_is_cut_off(
    state: Path, snapshots: FileSnapshots, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    if not os.access("/dev/shm", os.W_OK):
        pytest.skip("no second file system that can be written here")
    real = standby_room.__dict__[place]
    before = without(contents(state), "cache", "tmp")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as other:
        tree = Path(other) / "standby"
        shutil.copytree(state, tree, symlinks=True)

        def cut(path: Path) -> None:
            if path.name.endswith((".half", ".leaving")) or path in (tree, tree.parent):
                if place == "remove" and path.name.endswith(".leaving"):
                    (path / "openclaw.json").unlink()
                raise Cut
            real(path)

        with monkeypatch.context() as patch:
            patch.setattr(standby_room, place, cut)
            with pytest.raises(Cut):
                snapshots.keep(installation_on(state), "slot", tree, ())
        snapshots.tidy()
        if tree.exists():
            snapshots.keep(installation_on(state), "slot", tree, ())
        snapshots.drop_left(tree)
        assert list(Path(other).iterdir()) == []
        for kept in snapshots.list():
            snapshots.verify(kept)
            assert contents(kept.tree) == before
        assert snapshots.list()


def test_files_outside_are_kept_by_digest_absent_ones_too(tmp_path: Path, snapshots: FileSnapshots) -> None:
    unit = tmp_path / "gateway.service"
    unit.write_text("[Unit]")
    unit.chmod(0o640)
    kept = snapshots.keep_file(unit)
    assert kept.digest is not None
    assert kept.mode == 0o640
    assert snapshots.file_bytes(kept.digest) == b"[Unit]"
    assert snapshots.keep_file(tmp_path / "absent").digest is None


def test_a_live_database_in_use_is_copied_whole_and_its_files_are_left_alone(state: Path, snapshots: FileSnapshots) -> None:
    make_database(state / "agents/main/agent/openclaw-agent.sqlite")
    with closing(sqlite3.connect(state / "state/openclaw.sqlite")) as owner:
        owner.execute("UPDATE counter SET value = 42")
        owner.commit()
        taken = snapshots.take(running(installation_on(state)), "slot", "live")
        assert (state / "state/openclaw.sqlite-wal").exists()
    assert taken.moment is Moment.LIVE
    copied = taken.tree / "state/openclaw.sqlite"
    assert not copied.with_name("openclaw.sqlite-wal").exists()
    with closing(sqlite3.connect(f"file:{copied}?mode=ro&immutable=1", uri=True)) as database:
        assert database.execute("SELECT DISTINCT value FROM counter").fetchall() == [(42,)]
    snapshots.verify(taken)


def test_a_clock_that_was_set_back_puts_no_snapshot_before_an_older_one(state: Path, snapshots: FileSnapshots) -> None:
    names = ["20991231T235959Z-00"]
    first = snapshots.take(installation_on(state), "slot", "before the clock was mended")
    first.tree.parent.rename(first.tree.parent.with_name(names[0]))
    (first.tree.parent.parent / "not one of ours").mkdir()
    names += [snapshots.take(installation_on(state), "slot", "after").id for _ in range(2)]
    assert names == sorted(names)
