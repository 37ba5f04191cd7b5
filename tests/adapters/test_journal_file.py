"""The journal on disk: durable entries, torn ends, damage, and undos that survive the round trip."""

import errno
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.facts import installation
from upgrader.adapters.moves.journal_file import JournalDamaged, JournalOnDisk, Journals
from upgrader.domain.installation.facts import AuthFacts, NodeRuntime
from upgrader.domain.kept.slot import Slot, SlotOrigin
from upgrader.domain.moves.journal import (
    Entry,
    ExchangeBack,
    FileId,
    LowerFence,
    Mark,
    RemoveTree,
    RestoreFile,
    RestoreState,
    StartGateway,
    Step,
    StopGateways,
    Undo,
    is_committed,
    is_open,
    owed,
)
from upgrader.domain.moves.transaction import Move, Opened, without_secrets
from upgrader.domain.secret import Secret
from upgrader.domain.version import Version

EVERY_UNDO: tuple[Undo, ...] = (
    ExchangeBack(Path("/a"), Path("/b"), FileId(1, 2)),
    RestoreState(Path("/s"), Path("/s.standby"), FileId(1, 3), (Path("workspace"),)),
    RestoreFile(Path("/u"), "ab" * 32, 0o600),
    RestoreFile(Path("/v"), None, 0),
    RemoveTree(Path("/t"), FileId(1, 4)),
    LowerFence(),
    StopGateways(Path("/s")),
    StartGateway("launch.json"),
)


def slot(version: str) -> Slot:
    node = NodeRuntime(Path("/node"), "24.16.0")
    return Slot(f"{version}-a1", Version(version), SlotOrigin.STAGED, Path("/slots/x"), node, "ab")


def opened() -> Opened:
    present = installation()
    return Opened("20261121T120000Z", Move.UPGRADE, present, slot("2026.9.5"), slot("2026.9.6"), Path("/s"), Path("/p"), True)


@pytest.fixture
def journal(tmp_path: Path) -> JournalOnDisk:
    return Journals(tmp_path / "journal").begin("20261121T120000Z", opened(), b"{}", "by hand")


def test_every_undo_comes_back_as_it_was_written(journal: JournalOnDisk) -> None:
    journal.append(Mark.INTEND, Step.SWITCH, EVERY_UNDO)
    assert journal.entries()[1] == Entry(1, Mark.INTEND, Step.SWITCH, EVERY_UNDO)
    assert journal.opened() == opened()


def test_a_torn_last_line_does_not_count(journal: JournalOnDisk) -> None:
    journal.append(Mark.INTEND, Step.STOP)
    whole = journal.path.read_bytes().split(b"\0")[0]
    with journal.path.open("r+b") as file:
        file.seek(len(whole))
        file.write(b'{"format":1,"sequence":2,"ma')
    assert [entry.sequence for entry in journal.entries()] == [0, 1]
    assert journal.append(Mark.DONE, Step.STOP).sequence == 2
    assert journal.entries()[-1].mark is Mark.DONE


def test_damage_in_the_middle_stops_everything_and_points_at_the_way_by_hand(journal: JournalOnDisk) -> None:
    journal.append(Mark.INTEND, Step.STOP)
    with journal.path.open("r+b") as file:
        file.seek(5)
        file.write(b"X")
    with pytest.raises(JournalDamaged) as caught:
        journal.entries()
    assert caught.value.exit_code == 5
    assert "by-hand.txt" in caught.value.hint


def test_an_entry_of_an_unknown_format_is_never_guessed(journal: JournalOnDisk) -> None:
    import zlib

    body = journal.path.read_bytes().split(b"\n")[0].rpartition(b" ")[0].replace(b'"format":1', b'"format":9')
    with journal.path.open("r+b") as file:
        file.write(b"%s %08x\n" % (body, zlib.crc32(body)))
    with pytest.raises(JournalDamaged, match="another version"):
        journal.entries()


def test_a_folder_without_a_first_entry_is_no_move(tmp_path: Path) -> None:
    journals = Journals(tmp_path / "journal")
    (tmp_path / "journal" / "20261121T120000Z").mkdir(parents=True)
    assert journals.all() == ()
    assert journals.open_run() is None


def test_a_closed_move_is_not_open_and_an_unclosed_one_is(tmp_path: Path) -> None:
    journals = Journals(tmp_path / "journal")
    journal = journals.begin("20261121T120000Z", opened(), b"{}", "")
    assert journals.open_run() is not None
    journal.append(Mark.CLOSED)
    assert journals.open_run() is None


def test_all_files_are_private_from_creation(journal: JournalOnDisk) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in journal.path.parent.iterdir()}
    assert set(modes.values()) == {0o600}
    assert journal.path.parent.stat().st_mode & 0o777 == 0o700


def test_no_secret_of_the_installation_reaches_the_journal(tmp_path: Path) -> None:
    token = "f0" * 24
    present = replace(installation(), auth=AuthFacts("token", Secret(token)))
    private = replace(opened(), installation=without_secrets(present))
    journal = Journals(tmp_path / "journal").begin("t", private, b"{}", "")
    assert all(token.encode() not in path.read_bytes() for path in journal.path.parent.iterdir())


@given(st.lists(st.sampled_from(list(Step)), max_size=12), st.integers(0, 12))
def test_what_is_owed_is_every_intention_not_undone_last_first(steps: list[Step], done: int) -> None:
    entries = [Entry(0, Mark.OPEN)]
    for step in steps:
        entries.append(Entry(len(entries), Mark.INTEND, step))
    intentions = [entry.sequence for entry in entries[1:]]
    undone = list(reversed(intentions))[:done]
    for sequence in undone:
        entries.append(Entry(len(entries), Mark.UNDONE, note=str(sequence)))
    left = [each.sequence for each in owed(tuple(entries))]
    assert left == [each for each in reversed(intentions) if each not in undone]
    assert is_open(tuple(entries))
    assert not is_committed(tuple(entries))


def test_a_rollback_begun_after_the_commit_is_still_a_rollback(journal: JournalOnDisk) -> None:
    """An interrupt in the very moment of the commit: what is half undone must not be taken for a finished move."""
    journal.append(Mark.COMMITTED)
    assert is_committed(journal.entries())
    journal.append(Mark.ROLLBACK)
    assert not is_committed(journal.entries())


def test_damage_in_an_ended_move_keeps_nobody_from_the_next(tmp_path: Path) -> None:
    journals = Journals(tmp_path / "journal")
    old = journals.begin("20261121T120000Z", opened(), b"{}", "")
    old.append(Mark.COMMITTED)
    old.append(Mark.CLOSED)
    (old.path.parent / "opened.json").write_text("{")
    with old.path.open("r+b") as file:
        file.seek(5)
        file.write(b"X")
    assert journals.open_run() is None
    assert (journals.left_as(opened().present.id), journals.committed()) == ((), ())


def test_room_for_the_way_back_is_set_aside_and_without_it_no_move_begins(
    journal: JournalOnDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ballast = journal.path.with_name("ballast")
    assert ballast.stat().st_blocks * 512 >= 16 * 1024 * 1024
    journal.free_ballast()
    journal.free_ballast()
    assert not ballast.exists()

    def full(*_arguments: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space"):
        Journals(tmp_path / "other").begin("20261121T120000Z", opened(), b"{}", "by hand")
    assert list((tmp_path / "other").iterdir()) == []


def test_a_clock_that_was_set_back_puts_no_move_before_an_older_one(tmp_path: Path) -> None:
    journals, now = Journals(tmp_path / "journal"), datetime(2026, 11, 21, tzinfo=UTC)
    names = []
    for back in (0, 1, 0, 500):
        names.append(journals.new_name(now - timedelta(days=back)))
        journals.begin(names[-1], opened(), b"{}", "by hand")
    assert [each.path.parent.name for each in journals.all()] == names
