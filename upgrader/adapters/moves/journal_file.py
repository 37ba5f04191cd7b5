"""The journal on disk: one line an entry, made durable before anything it speaks of may happen."""

import json
import os
import shutil
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from upgrader.adapters.files.durable import make_private, replace_durably, sync_directory
from upgrader.adapters.moves.open_marks import unmarked
from upgrader.domain.check import Judgement
from upgrader.domain.moves import journal
from upgrader.domain.moves.journal import FORMAT, Entry, Mark, Step, Undo
from upgrader.domain.moves.transaction import Opened
from upgrader.errors import RollbackIncomplete

_LAUNCH = "launch.json"
_RESERVED = 256 * 1024  # bytes set aside at the start: a full disk must not stop a journal in the middle
_BALLAST = 16 * 1024 * 1024  # bytes for a way back on a full disk: its records, databases, the first writes of a gateway
_UNDOS: dict[str, TypeAdapter[Any]] = {
    kind.__name__: TypeAdapter(kind)
    for kind in (
        journal.ExchangeBack,
        journal.RestoreState,
        journal.RestoreFile,
        journal.RemoveTree,
        journal.LowerFence,
        journal.StopGateways,
        journal.StartGateway,
    )
}
_OPENED = TypeAdapter(Opened)


class JournalDamaged(RollbackIncomplete):
    """A journal that cannot be read to its end. Nothing is guessed."""

    default_code = "journal_damaged"


@dataclass(frozen=True)
class TransactionFolder:
    """`<data>/installations/<key>/journal/<transaction>`: journal.log, opened.json, launch.json, by-hand.txt."""

    path: Path

    @property
    def log(self) -> Path:
        """The journal itself."""
        return self.path / "journal.log"


class JournalOnDisk:
    """Port JournalFile over one transaction folder."""

    def __init__(self, folder: TransactionFolder) -> None:
        self.path = folder.log
        self._folder = folder

    def opened(self) -> Opened:
        """What the transaction was opened with. Raises JournalDamaged."""
        try:
            return _OPENED.validate_json((self._folder.path / "opened.json").read_bytes())
        except (OSError, ValidationError) as error:
            raise self._damaged(f"opened.json: {type(error).__name__}") from error

    def launch(self) -> bytes:
        """The kept launch record: argv, directory and environment of the gateway as it ran before. Private."""
        return (self._folder.path / _LAUNCH).read_bytes()

    def entries(self) -> tuple[Entry, ...]:
        """All durable entries. A torn last line never was durable and does not count. Raises JournalDamaged."""
        lines = self._lines()
        found: list[Entry] = []
        for number, line in enumerate(lines):
            entry = _decode(line)
            if entry is None:
                if number + 1 < len(lines):
                    raise self._damaged(f"line {number + 1} does not match its checksum")
                break
            if entry.sequence != len(found):
                raise self._damaged(f"entry {len(found)} is missing")
            found.append(entry)
        return tuple(found)

    def append(self, mark: Mark, step: Step | None = None, undos: tuple[Undo, ...] = (), note: str = "") -> Entry:
        """Make one entry durable and return it; the closing one ends the launch record too.

        Raises OSError when the disk fails, before anything has happened.
        """
        present = self.entries()
        entry = Entry(len(present), mark, step, undos, note)
        offset = sum(len(line) + 1 for line in self._lines()[: len(present)])
        descriptor = os.open(self.path, os.O_WRONLY)
        try:
            os.pwrite(descriptor, _encode(entry), offset)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if mark is Mark.CLOSED:
            with suppress(OSError):  # it is closed all the same
                (self._folder.path / _LAUNCH).unlink(missing_ok=True)  # an environment, with tokens: needed by no one now
        return entry

    def is_ended(self) -> bool:
        """Whether the last line says that nothing is owed any more; what stands before it is history then, damaged or not."""
        lines = self._lines()
        last = _decode(lines[-1]) if lines else None
        return last is not None and last.mark is Mark.CLOSED

    def _lines(self) -> list[bytes]:
        return [line for line in self.path.read_bytes().split(b"\0", 1)[0].split(b"\n") if line]

    def free_ballast(self) -> None:
        """Give back the room that was set aside for a way back; it is needed now, or no more. Safe to run again."""
        (self._folder.path / "ballast").unlink(missing_ok=True)

    def _damaged(self, why: str) -> JournalDamaged:
        return JournalDamaged(
            "the journal of an unfinished run cannot be read",
            why=f"{self.path}: {why}",
            hint=f"follow `{self._folder.path / 'by-hand.txt'}`; nothing was guessed",
        )


class Journals:
    """The journals of one installation, newest last. `mark` tells runs with another data directory of one that begins."""

    def __init__(self, root: Path, mark: Callable[[Path], None] = unmarked) -> None:
        self._root = root
        self._mark = mark

    def new_name(self, now: datetime) -> str:
        """A name for the next transaction that sorts after all others, also when the clock was set back."""
        last = max((each.path.parent.name for each in self.all()), default="")
        name = now.strftime("%Y%m%dT%H%M%S%fZ")
        return name if name > last else f"{last}1"

    def begin(self, transaction: str, opened: Opened, launch: bytes, by_hand: str) -> JournalOnDisk:
        """Create a transaction's folder with all it needs to be undone, then its first entry. Private and durable.

        Raises OSError where the disk has not even the room to go back by.
        """
        folder = TransactionFolder(make_private(self._root / transaction))
        replace_durably(folder.path / "opened.json", _OPENED.dump_json(opened))
        replace_durably(folder.path / _LAUNCH, launch)
        replace_durably(folder.path / "by-hand.txt", by_hand.encode())
        temporary = folder.path / "journal.new"
        try:
            _allocate(folder.path / "ballast", _BALLAST, b"")
            _allocate(temporary, _RESERVED, _encode(Entry(0, Mark.OPEN, note=transaction)))
            self._mark(folder.path)
        except OSError:
            shutil.rmtree(folder.path)  # no move yet; what was written of its start is private and of no use
            raise
        temporary.replace(folder.log)
        sync_directory(folder.path)
        return JournalOnDisk(folder)

    def all(self) -> tuple[JournalOnDisk, ...]:
        """Every journal whose first entry was durable, oldest first (names sort by time)."""
        if not self._root.is_dir():
            return ()
        folders = sorted(each for each in self._root.iterdir() if (each / "journal.log").is_file())
        return tuple(JournalOnDisk(TransactionFolder(each)) for each in folders)

    def left_as(self, slot_id: str) -> tuple[Judgement, ...]:
        """What the checks said of the install `slot_id` when a committed move left it last; empty when none did."""
        return next((opened.before for opened in reversed(self.committed()) if opened.present.id == slot_id), ())

    def committed(self) -> tuple[Opened, ...]:
        """What each committed move was opened with, oldest first.

        A record of an ended move that cannot be read any more is passed over: it must not keep anybody from the next.
        """
        found = []
        for journal_file in self.all():
            with suppress(JournalDamaged):
                if journal.is_committed(journal_file.entries()):
                    found.append(journal_file.opened())
        return tuple(found)

    def open_run(self) -> JournalOnDisk | None:
        """The transaction that still owes an end, or None. Raises JournalDamaged."""
        return next((each for each in self.all() if not each.is_ended() and journal.is_open(each.entries())), None)


def _allocate(path: Path, size: int, content: bytes) -> None:
    """A new private file with room set aside for `size` bytes, durable."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, size)
        os.pwrite(descriptor, content, 0)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _encode(entry: Entry) -> bytes:
    body = json.dumps(
        {
            "format": FORMAT,
            "sequence": entry.sequence,
            "mark": entry.mark.value,
            "step": entry.step.value if entry.step else None,
            "undos": [
                {"kind": type(undo).__name__, "value": _UNDOS[type(undo).__name__].dump_python(undo, mode="json")}
                for undo in entry.undos
            ],
            "note": entry.note,
        },
        separators=(",", ":"),
    ).encode()
    return b"%s %08x\n" % (body, zlib.crc32(body))


def _decode(line: bytes) -> Entry | None:
    """The entry of one line, None when its checksum does not match. Raises JournalDamaged on an unknown format."""
    body, _, checksum = line.rpartition(b" ")
    if checksum != b"%08x" % zlib.crc32(body):
        return None
    raw: dict[str, Any] = json.loads(body)
    if raw["format"] != FORMAT:
        raise JournalDamaged(
            "an unfinished run was written by another version of upgrader",
            why=f"journal format {raw['format']}, this version knows {FORMAT}",
            hint="finish it with the version that began it, or follow by-hand.txt beside the journal",
            code="journal_format",
        )
    undos = tuple(_UNDOS[each["kind"]].validate_python(each["value"]) for each in raw["undos"])
    step = Step(raw["step"]) if raw["step"] else None
    return Entry(raw["sequence"], Mark(raw["mark"]), step, undos, raw["note"])
