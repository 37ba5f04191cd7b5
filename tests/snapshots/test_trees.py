"""A mirror equals its source whatever both trees were, shares nothing with it, and never writes into a shared file."""

import errno
import os
import shutil
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.snapshots.conftest import classify
from tests.snapshots.test_snapshots import contents
from tests.world.installations import installation_on
from upgrader.adapters.clock import SystemClock
from upgrader.adapters.files.durable import replace_durably
from upgrader.adapters.files.filecopy import Copier, copy_hashed, digest_file, dress, patch_file
from upgrader.adapters.files.trees import copy_tree, entry_at, refresh_file, remove, walk
from upgrader.adapters.kept.snapshots import FileSnapshots
from upgrader.adapters.kept.standby import StandbyInTheWay
from upgrader.domain.kept.tree import EntryKind, NotPrivate, Seen, is_unchanged, order_of

NAMES = st.sampled_from(["a", "b", "a-b", "a.b", "B", "ä", "x y", "-", "zz"])
CONTENT = st.tuples(st.binary(max_size=8), st.sampled_from([1, 700, 300_000]))
MODES = st.sampled_from([0o700, 0o500, 0o755])
FILES = st.tuples(st.just("file"), CONTENT, st.sampled_from([0o600, 0o644, 0o400, 0o755]))
LINKS = st.tuples(st.just("link"), st.sampled_from(["a", "/nowhere", "../b"]), st.just(0))
NODES = st.recursive(
    st.one_of(FILES, LINKS),
    lambda inner: st.tuples(st.just("folder"), st.dictionaries(NAMES, inner, max_size=4), MODES),
    max_leaves=8,
)
TREES = st.dictionaries(NAMES, NODES, max_size=5)


def grow(root: Path, tree: dict[str, tuple[str, object, int]]) -> None:
    """Make the tree on disk; what is there already is replaced."""
    for name, (kind, value, mode) in tree.items():
        place = root / name
        remove(place)
        if kind == "file":
            assert isinstance(value, tuple)
            place.write_bytes(value[0] * value[1])
            place.chmod(mode)
        elif kind == "link":
            place.symlink_to(str(value))
        else:
            assert isinstance(value, dict)
            place.mkdir()
            grow(place, value)
            place.chmod(mode)


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(first=TREES, second=TREES, removed=st.sets(NAMES))
def test_a_refresh_makes_any_two_trees_equal(
    first: dict[str, tuple[str, object, int]], second: dict[str, tuple[str, object, int]], removed: set[str]
) -> None:
    with tempfile.TemporaryDirectory() as room:
        live, standby = Path(room) / "live", Path(room) / "standby"
        live.mkdir()
        grow(live, first)
        snapshots = FileSnapshots(Path(room) / "data", lambda _path: classify("x"), SystemClock())
        taken = snapshots.take(installation_on(live), "slot", "test")
        assert contents(taken.tree) == contents(live)
        snapshots.materialise(taken, standby)
        grow(live, second)
        for name in removed:
            remove(live / name)
        snapshots.refresh(live, standby)
        assert contents(standby) == contents(live)
        assert all(entry.links == 1 for entry in walk(standby) if entry.kind is EntryKind.FILE)
        snapshots.verify(taken)
        for tree in (live, standby, taken.tree):
            remove(tree)


def test_a_walk_hands_out_a_directory_right_before_what_it_holds(tmp_path: Path) -> None:
    for name in ("a/x", "a-b/x", "a.b/x", "B/x"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    found = [entry.path for entry in walk(tmp_path)]
    assert found == sorted(found, key=order_of)
    assert found == ["B", "B/x", "a", "a/x", "a-b", "a-b/x", "a.b", "a.b/x"]


def test_names_that_are_no_text_survive_snapshot_and_manifest(tmp_path: Path) -> None:
    live = tmp_path / "live"
    live.mkdir()
    (live / os.fsdecode(b"caf\xe9")).write_text("latin")
    (live / "line\nbreak").write_text("two")
    snapshots = FileSnapshots(tmp_path / "data", classify, SystemClock())
    taken = snapshots.take(installation_on(live), "slot", "test")
    snapshots.verify(taken)
    assert contents(taken.tree) == contents(live)


def test_sockets_and_fifos_are_listed_and_not_copied(tmp_path: Path) -> None:
    live = tmp_path / "live"
    live.mkdir()
    os.mkfifo(live / "fifo")
    report = copy_tree(live, tmp_path / "copy")
    assert [one.path for one in report.passed] == ["fifo"]
    assert list((tmp_path / "copy").iterdir()) == []


def test_holes_stay_holes(tmp_path: Path) -> None:
    source = tmp_path / "sparse"
    with source.open("wb") as file:
        file.truncate(50_000_000)
        file.seek(40_000_000)
        file.write(b"data")
    Copier().copy(source, tmp_path / "copied")
    copy_hashed(source, tmp_path / "hashed")
    for copy in (tmp_path / "copied", tmp_path / "hashed"):
        assert digest_file(copy) == digest_file(source)
        assert copy.stat().st_blocks * 512 < 5_000_000
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_a_patch_writes_only_the_blocks_that_differ(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"x" * 5_000_000)
    target.write_bytes(b"x" * 2_000_000 + b"y" + b"x" * 2_999_999)
    assert patch_file(source, target) == 1024 * 1024
    assert target.read_bytes() == source.read_bytes()


def test_a_shared_file_is_never_written(tmp_path: Path) -> None:
    live, copy = tmp_path / "live", tmp_path / "copy"
    live.mkdir()
    copy.mkdir()
    (live / "f").write_text("new")
    (copy / "f").write_text("old")
    (tmp_path / "snapshot").hardlink_to(copy / "f")
    there = next(walk(copy))
    with pytest.raises(NotPrivate):
        refresh_file(Copier(), live / "f", copy / "f", there)
    assert (tmp_path / "snapshot").read_text() == "old"


def test_a_standby_is_not_made_over_something_else(state: Path, snapshots: FileSnapshots, tmp_path: Path) -> None:
    taken = snapshots.take(installation_on(state), "slot", "test")
    (tmp_path / "mine").mkdir()
    with pytest.raises(StandbyInTheWay):
        snapshots.materialise(taken, tmp_path / "mine")


def test_an_old_record_of_another_tree_does_no_harm(
    state: Path, snapshots: FileSnapshots, tmp_path: Path, old_ctimes: None
) -> None:
    taken = snapshots.take(installation_on(state), "slot", "test")
    standby = tmp_path / "standby"
    identity = snapshots.materialise(taken, standby)
    shutil.rmtree(standby)
    standby.mkdir()
    record = snapshots.home / "records" / f"{identity.device}-{identity.inode}.jsonl"
    now = standby.stat()
    record.rename(record.with_name(f"{now.st_dev}-{now.st_ino}.jsonl"))
    snapshots.refresh(state, standby)
    assert "workspace/notes.md" in contents(standby)


@given(size=st.integers(0, 9), mtime=st.integers(0, 9), ctime=st.integers(0, 9), inode=st.integers(0, 9))
def test_a_file_counts_as_unchanged_only_when_everything_agrees_and_is_old_enough(
    size: int, mtime: int, ctime: int, inode: int
) -> None:
    with tempfile.TemporaryDirectory() as room:
        (Path(room) / "f").touch()
        entry = next(walk(Path(room)))
    seen = Seen("f", entry.inode, entry.size, entry.mtime_ns, entry.ctime_ns, entry.ctime_ns + 3_000_000_000)
    assert is_unchanged(entry, seen)
    changed = Seen("f", entry.inode + inode, entry.size + size, entry.mtime_ns + mtime, entry.ctime_ns + ctime, seen.began_ns)
    assert is_unchanged(entry, changed) == (inode == size == mtime == ctime == 0)
    assert not is_unchanged(entry, Seen("f", entry.inode, entry.size, entry.mtime_ns, entry.ctime_ns, entry.ctime_ns + 1))
    assert not is_unchanged(
        entry, Seen("f", entry.inode, entry.size, entry.mtime_ns, entry.ctime_ns, seen.began_ns, database=True)
    )


def test_a_clone_takes_nothing_away_that_has_the_name_already(tmp_path: Path) -> None:
    source, there = tmp_path / "source", tmp_path / "there"
    source.write_text("new")
    there.write_text("kept")
    assert not Copier().clone(source, there)
    assert there.read_text() == "kept"


def test_an_attribute_that_may_not_be_set_keeps_no_other_from_its_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, copy = tmp_path / "source", tmp_path / "copy"
    for path in (source, copy):
        path.write_text("")
    try:
        os.setxattr(source, "user.b", b"1")
    except OSError:
        pytest.skip("no extended attributes here")
    monkeypatch.setattr(os, "listxattr", lambda *_args, **_named: ["security.refused", "user.b"])
    dress(source, copy, entry_at(tmp_path, "source"))
    assert os.getxattr(copy, "user.b") == b"1"


def test_a_file_that_is_linked_to_is_replaced_where_it_lies_and_a_write_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Units and settings that a person keeps elsewhere stay there."""
    kept, link = tmp_path / "dotfiles" / "unit", tmp_path / "unit"
    kept.parent.mkdir()
    kept.write_text("old")
    link.symlink_to(kept)
    replace_durably(link, b"new", 0o640)
    assert link.is_symlink()
    assert (kept.read_text(), kept.stat().st_mode & 0o777) == ("new", 0o640)

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        replace_durably(link, b"newer")
    assert ([path.name for path in kept.parent.iterdir()], kept.read_text()) == (["unit"], "new")
