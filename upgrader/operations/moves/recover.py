"""Every command looks for an unfinished move first, and finishes or undoes it with the code that rolls back."""

from dataclasses import dataclass

from upgrader.domain.moves.journal import Mark, is_committed
from upgrader.domain.moves.ports import JournalFile, Journals, Leftovers
from upgrader.domain.ports import Progress
from upgrader.domain.told import Recovery
from upgrader.operations.moves.finishing import Finisher
from upgrader.operations.moves.undoing import Undoer


@dataclass(frozen=True)
class Recover:
    """Ends what a dead run left open."""

    journals: Journals
    undoer: Undoer
    finisher: Finisher
    leftovers: Leftovers
    progress: Progress

    def run(self) -> Recovery | None:
        """None where nothing is open. After `committed` a move is finished, before it undone.

        Raises JournalDamaged, StopFailed.
        """
        journal = self.journals.open_run()
        if journal is None:
            return None
        self.progress.note("an earlier run did not end: recovering it first")
        self.leftovers.end(journal.opened().installation.state.path)
        if is_committed(journal.entries()):
            self.finisher.finish(journal)
            return self._told(journal, "finished")
        way = self.undoer.run(journal)
        if way.problems:
            return self._told(journal, "left open", way.problems)
        journal.append(Mark.CLOSED)
        return self._told(journal, "undone")

    def _told(self, journal: JournalFile, ending: str, problems: tuple[str, ...] = ()) -> Recovery:
        opened = journal.opened()
        return Recovery(opened.transaction, opened.move.value, str(opened.target.version), ending, problems)
