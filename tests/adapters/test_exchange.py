"""The exchange of two names, on the real file systems of this machine."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from upgrader.adapters.files.exchange import exchange, exchange_back, file_id, present_id, supports_exchange
from upgrader.domain.moves.exchange import ExchangeFailed, ExchangeUnsupported
from upgrader.domain.moves.journal import ExchangeBack, FileId

MEMORY = Path("/dev/shm")


@pytest.fixture(params=["disk", "memory"])
def room(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """An empty directory on the disk's file system, and one on tmpfs where the machine has it."""
    if request.param == "disk":
        yield tmp_path
    elif not os.access(MEMORY, os.W_OK):
        pytest.skip("no tmpfs that can be written here")
    else:
        with tempfile.TemporaryDirectory(dir=MEMORY) as made:
            yield Path(made)


def directory(path: Path, word: str) -> Path:
    path.mkdir()
    (path / "word").write_text(word)
    return path


def link(path: Path, word: str) -> Path:
    target = directory(path.with_name(f"{path.name}-target"), word)
    path.symlink_to(target)
    return path


MAKERS = {"directory": directory, "link": link}


@pytest.mark.parametrize("one", MAKERS)
@pytest.mark.parametrize("other", MAKERS)
def test_exchange_gives_each_name_the_very_object_of_the_other(room: Path, one: str, other: str) -> None:
    first, second = MAKERS[one](room / "first", "old"), MAKERS[other](room / "second", "new")
    before = file_id(first), file_id(second)
    exchange(first, second)
    assert (file_id(second), file_id(first)) == before
    assert (first / "word").read_text() == "new"
    assert first.is_symlink() is (other == "link")


def test_a_file_system_that_can_exchange_says_so_and_keeps_no_trace(room: Path) -> None:
    assert supports_exchange(room)
    assert list(room.iterdir()) == []


def test_exchange_back_returns_the_old_object_once_and_then_does_nothing(room: Path) -> None:
    live, side = directory(room / "live", "old"), link(room / "side", "new")
    undo = ExchangeBack(live, side, file_id(live))
    exchange(live, side)
    assert exchange_back(undo) is True
    assert (live / "word").read_text() == "old"
    assert exchange_back(undo) is False
    assert (live / "word").read_text() == "old"


def test_exchange_back_of_an_exchange_that_never_was_does_nothing(room: Path) -> None:
    live, side = directory(room / "live", "old"), link(room / "side", "new")
    assert exchange_back(ExchangeBack(live, side, file_id(live))) is False
    assert (live / "word").read_text() == "old"


def test_exchange_back_moves_the_old_object_home_when_the_live_name_is_empty(room: Path) -> None:
    side = directory(room / "side", "old")
    assert exchange_back(ExchangeBack(room / "live", side, file_id(side))) is True
    assert (room / "live" / "word").read_text() == "old"


def test_exchange_back_touches_nothing_when_the_old_object_is_at_neither_place(room: Path) -> None:
    live, side = directory(room / "live", "old"), link(room / "side", "new")
    gone = replace(file_id(live), inode=1)
    with pytest.raises(ExchangeFailed) as caught:
        exchange_back(ExchangeBack(live, side, gone))
    assert caught.value.code == "exchange_lost"
    assert (live / "word").read_text() == "old"


def test_a_missing_name_is_an_error_that_moved_nothing(room: Path) -> None:
    first = directory(room / "first", "old")
    with pytest.raises(ExchangeFailed) as caught:
        exchange(first, room / "nothing")
    assert caught.value.code == "exchange_missing"
    assert (first / "word").read_text() == "old"
    assert present_id(room / "nothing") is None


def test_names_on_two_file_systems_are_refused_with_that_reason(tmp_path: Path) -> None:
    if not os.access(MEMORY, os.W_OK) or MEMORY.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system that can be written here")
    first = directory(tmp_path / "first", "old")
    with tempfile.TemporaryDirectory(dir=MEMORY) as other:
        second = directory(Path(other) / "second", "new")
        with pytest.raises(ExchangeFailed) as caught:
            exchange(first, second)
    assert caught.value.code == "exchange_other_file_system"
    assert not isinstance(caught.value, ExchangeUnsupported)


def test_a_mount_point_is_refused_with_that_reason(tmp_path: Path) -> None:
    first, second = directory(tmp_path / "first", "old"), directory(tmp_path / "second", "new")
    code = (
        "import sys; from pathlib import Path; from upgrader.adapters.files.exchange import exchange\n"
        "from upgrader.domain.moves.exchange import ExchangeFailed\n"
        "try: exchange(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "except ExchangeFailed as error: print(error.code)"
    )
    script = f'mount --bind "{first}" "{first}" || exit 77; "{sys.executable}" -c "$0" "{first}" "{second}"'
    ran = subprocess.run(["unshare", "-rm", "sh", "-c", script, code], capture_output=True, text=True, check=False)
    if ran.returncode in (1, 77):
        pytest.skip(f"nothing can be mounted here: {ran.stderr.strip()[-200:]}")
    assert ran.stdout == "exchange_mount_point\n"
    assert (first / "word").read_text() == "old"


def test_a_directory_cannot_be_exchanged_with_one_inside_it(room: Path) -> None:
    outer = directory(room / "outer", "old")
    inner = directory(outer / "inner", "new")
    with pytest.raises(ExchangeFailed) as caught:
        exchange(outer, inner)
    assert caught.value.code == "exchange_nested"
    assert (inner / "word").read_text() == "new"


def test_the_identity_of_a_link_is_its_own_and_not_that_of_its_target(room: Path) -> None:
    made = link(room / "link", "x")
    found = made.lstat()
    assert file_id(made) == FileId(found.st_dev, found.st_ino) != file_id(made.resolve())
