"""What a failed stage says of a file system that refuses."""

import errno
import os
from pathlib import Path

import pytest

from upgrader.adapters.files.half_made import half_made, leaving_nothing, mark, translated
from upgrader.domain.kept.slot import StageFailed


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "stage_no_space"),
        (errno.EDQUOT, "stage_no_space"),
        (errno.EACCES, "stage_no_permission"),
        (errno.EROFS, "stage_no_permission"),
        (errno.EIO, "stage_failed"),
    ],
)
def test_a_refusal_of_the_file_system_is_named_with_its_path(number: int, code: str) -> None:
    with pytest.raises(StageFailed) as caught, translated("stage the release", StageFailed):
        raise OSError(number, os.strerror(number), "/data/slots/x")
    assert (caught.value.code, caught.value.exit_code) == (code, 1)
    assert caught.value.why == f"{os.strerror(number)}: /data/slots/x"


def test_an_interrupt_leaves_nothing_either(tmp_path: Path) -> None:
    home = tmp_path / "slot"
    with pytest.raises(KeyboardInterrupt), leaving_nothing(home):
        (home / "inner").mkdir(parents=True)
        raise KeyboardInterrupt
    assert not home.exists()


def test_half_made_is_what_is_marked_or_empty_and_has_no_record(tmp_path: Path) -> None:
    for name in ("whole", "marked", "empty", "foreign"):
        (tmp_path / name).mkdir()
    for name in ("whole", "marked"):
        mark(tmp_path / name)
    (tmp_path / "whole" / "slot.json").touch()
    (tmp_path / "foreign" / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "marked")
    assert [path.name for path in half_made(tmp_path, unless="slot.json")] == ["empty", "marked"]
