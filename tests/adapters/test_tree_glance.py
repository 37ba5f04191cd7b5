"""A tree that was read in full is believed by its looks, and by nothing less."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from upgrader.adapters.files.tree_glance import NAME, glance, remember, still_is

DAY = 24 * 3600 * 1_000_000_000


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "tree/deep").mkdir(parents=True)
    (tmp_path / "tree/deep/file").write_text("as recorded")
    (tmp_path / "tree/link").symlink_to("deep/file")
    return tmp_path / "tree"


def forge(tree: Path) -> None:
    """Other content of the same length, with the times of before."""
    file = tree / "deep/file"
    was = file.stat()
    file.write_text("as forged!!")
    os.utime(file, ns=(was.st_atime_ns, was.st_mtime_ns))


def relink(tree: Path) -> None:
    (tree / "link").unlink()
    (tree / "link").symlink_to("elsewhere")


@pytest.mark.parametrize(
    "change",
    [
        forge,
        relink,
        lambda tree: (tree / "more").write_text(""),
        lambda tree: (tree / "deep/file").unlink(),
        lambda tree: (tree / "deep").chmod(0o700),
    ],
)
def test_whatever_changes_is_no_longer_believed(tree: Path, tmp_path: Path, change: Callable[[Path], object]) -> None:
    seen = glance((tree,))
    read = seen.newest_ns + DAY
    remember(tmp_path, seen, "content", read)
    assert still_is(tmp_path, glance((tree,)), "content", read + DAY)
    assert not still_is(tmp_path, glance((tree,)), "other content", read + DAY)
    assert not still_is(tmp_path, glance((tree,)), "content", read + 31 * DAY)
    change(tree)
    assert not still_is(tmp_path, glance((tree,)), "content", read + DAY)


def test_a_tree_too_fresh_to_be_told_by_its_times_is_not_remembered(tree: Path, tmp_path: Path) -> None:
    seen = glance((tree,))
    remember(tmp_path, seen, "content", seen.newest_ns + 1_000_000_000)
    assert not (tmp_path / NAME).exists()


@pytest.mark.parametrize("damage", [b"", b"[]", b"{", b'{"format": 1}', b"\xff"])
def test_a_damaged_note_makes_the_tree_be_read_in_full(tree: Path, tmp_path: Path, damage: bytes) -> None:
    (tmp_path / NAME).write_bytes(damage)
    assert not still_is(tmp_path, glance((tree,)), "content", DAY)
