"""What Node compiled in a canary is handed on, and nothing else happens in the shared temporary directory."""

import os
from pathlib import Path

import pytest

from upgrader.adapters.canary.compiled import CompiledCode

NAME = "node-compile-cache"
INNER = Path("openclaw") / "2026.9.6" / "1-2" / "v24-x64"  # as its launcher names it


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A canary's temporary directory with compiled code in it."""
    folder = tmp_path / "canary" / NAME / INNER
    folder.mkdir(parents=True)
    (folder / "aaaa").write_bytes(b"new a")
    (folder / "bbbb").write_bytes(b"new b")
    (folder / "link").symlink_to("/etc/hostname")
    return tmp_path / "canary"


def test_what_is_not_there_is_copied_and_what_is_there_stays(canary: Path, tmp_path: Path) -> None:
    live = tmp_path / "live"
    kept = live / NAME / INNER
    kept.mkdir(parents=True)
    (kept / "aaaa").write_bytes(b"old a")
    CompiledCode(live, os.geteuid()).hand_on(canary)
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == {"aaaa": b"old a", "bbbb": b"new b"}


def test_a_new_folder_is_private(canary: Path, tmp_path: Path) -> None:
    live = tmp_path / "live"
    live.mkdir()
    CompiledCode(live, os.geteuid()).hand_on(canary)
    assert (live / NAME).stat().st_mode & 0o777 == 0o700
    assert (live / NAME / INNER / "bbbb").read_bytes() == b"new b"


def test_a_place_that_is_somebody_elses_or_a_link_is_left_alone(canary: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    live = tmp_path / "live"
    live.mkdir()
    (live / NAME).symlink_to(elsewhere)
    CompiledCode(live, os.geteuid()).hand_on(canary)
    assert list(elsewhere.iterdir()) == []
    foreign = tmp_path / "foreign"
    (foreign / NAME).mkdir(parents=True)
    CompiledCode(foreign, os.geteuid() + 1).hand_on(canary)
    assert list((foreign / NAME).iterdir()) == []


def test_a_canary_without_compiled_code_changes_nothing(tmp_path: Path) -> None:
    live = tmp_path / "live"
    live.mkdir()
    CompiledCode(live, os.geteuid()).hand_on(tmp_path)
    assert list(live.iterdir()) == []


def test_a_new_course_is_lent_what_was_kept_of_its_release_and_of_no_other(canary: Path, tmp_path: Path) -> None:
    other = canary / NAME / "openclaw" / "2026.9.5" / "cccc"
    other.parent.mkdir()
    other.write_bytes(b"other")
    CompiledCode(canary, os.geteuid()).lend(tmp_path / "new", "2026.9.6")
    found = {path.name for path in (tmp_path / "new").rglob("*") if path.is_file()}
    assert found == {"aaaa", "bbbb"}
