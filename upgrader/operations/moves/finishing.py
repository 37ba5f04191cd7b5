"""After the commit: the tree that was left becomes a snapshot, and the journal is closed."""

from dataclasses import dataclass

from upgrader.domain.kept.snapshot import OutsideFile, Snapshot
from upgrader.domain.moves.journal import Mark, RestoreFile
from upgrader.domain.moves.ports import JournalFile, Pointer
from upgrader.domain.ports import Snapshots


@dataclass(frozen=True)
class Finisher:
    """Tidies a committed move. A failure here never takes the serving gateway down."""

    snapshots: Snapshots
    pointer: Pointer

    def finish(self, journal: JournalFile) -> Snapshot | None:
        """Keep the stopped tree of the release that was left, with its service files; close. Safe to run again."""
        journal.free_ballast()
        opened = journal.opened()
        outside = tuple(
            OutsideFile(undo.path, undo.digest, undo.mode)
            for entry in journal.entries()
            for undo in entry.undos
            if isinstance(undo, RestoreFile)
        )
        kept = None
        if self.pointer.identity(opened.standby) is not None:
            kept = self.snapshots.keep(opened.installation, opened.present.id, opened.standby, outside)
        self.snapshots.drop_left(opened.standby)
        self.pointer.discard(opened.side)
        journal.append(Mark.CLOSED)
        return kept
