"""Joins what runs that have not ended left behind, wherever they keep their records."""

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from upgrader.adapters.moves.lock import alone_on
from upgrader.adapters.moves.open_marks import Marked, MarkUnreadable, OpenMarks, beside_state, read_mark
from upgrader.adapters.moves.pointer import PackagePointer
from upgrader.context.keeping import Keeping, installation_home, open_records
from upgrader.context.machine import Machine
from upgrader.errors import Blocked, RollbackIncomplete


class RecordsGone(RollbackIncomplete):
    """A run has not ended, and the directory that holds its records is not there any more."""

    default_code = "records_gone"


def elsewhere(machine: Machine, state: Path) -> Machine | None:
    """This machine with the data directory of a run on `state` that has not ended, None where there is none but our own.

    Raises MarkUnreadable, RecordsGone.
    """
    state = state.resolve()
    try:
        if state.stat().st_uid != machine.uid:
            return None  # the discovery tells it
    except OSError:
        return None
    found = read_mark(beside_state(state))
    if found is None:
        return None
    _home(machine, found)
    return None if found.data == machine.data.resolve() else replace(machine, data=found.data)


@contextmanager
def held_alone(keeping: Keeping) -> Iterator[None]:
    """No run of any data directory works on this state, nor on this package where we could change it. Raises Busy."""
    beside = keeping.installation.package.pointer.parent
    with alone_on(keeping.installation.state.path):
        if os.access(beside, os.W_OK):
            with alone_on(beside):
                yield
        else:
            yield


def refuse_others(keeping: Keeping) -> None:
    """Nothing is begun while a run about another state has this package half moved, or one with another data directory owes
    an end. What owes none any more is forgotten. Raises Blocked, MarkUnreadable, RecordsGone."""
    for found in keeping.marks.others():
        home = _home(keeping.machine, found)
        if not _owes(home):
            OpenMarks(found.data, found.state, (found.place,)).clear()
            continue
        where = "" if found.data == keeping.machine.data.resolve() else f"XDG_DATA_HOME={shlex.quote(str(found.data.parent))} "
        raise Blocked(
            "a move of another run is unfinished, and what it works on is not touched",
            why=f"that of the state {found.state}, its records in {home}",
            hint=f"`{where}upgrader --state-dir {shlex.quote(str(found.state))} status` ends it",
            code="unfinished_move",
        )


def forget_ended(keeping: Keeping) -> None:
    """Remove our marks where nothing is owed any more, and the links beside the package that a killed `restore` made: while no
    move is open none has a meaning. What cannot be read or removed stays for the next run."""
    with suppress(RollbackIncomplete, OSError):
        if not _owes(keeping.home):
            keeping.marks.clear()
            if not keeping.marks.others():
                PackagePointer().tidy(keeping.installation.package.pointer)


def open_move(keeping: Keeping) -> str:
    """Where a move (of another data directory: a run) is recorded that has not ended, at work or dead; empty for none."""
    try:
        journal = keeping.journals().open_run()
        others = [each for each in keeping.marks.others() if _owes(_home(keeping.machine, each))]
    except RollbackIncomplete as error:
        return error.why
    return str(journal.path.parent) if journal is not None else str(others[0].records) if others else ""


def _owes(home: Path) -> bool:
    from upgrader.adapters.moves.journal_file import Journals  # pydantic

    return Journals(home / "journal").open_run() is not None or bool(open_records(home))


def _home(machine: Machine, found: Marked) -> Path:
    """Where its records lie. Raises RecordsGone, and MarkUnreadable for a directory that others may write."""
    home = installation_home(replace(machine, data=found.data), found.state)
    if not found.records.is_dir() or not home.is_dir():
        raise RecordsGone(
            "a run has not ended here, and its records are gone",
            why=f"{found.place} names {found.records}, which is not there",
            hint=f"bring {found.data} back; or see by `upgrader verify` that all is whole, then remove {found.place}",
        )
    seen = home.stat()
    if seen.st_uid != machine.uid or seen.st_mode & 0o022:
        raise MarkUnreadable(
            "a mark says that a run has not ended here, and its records are not to be believed",
            why=f"{home} can be written by others",
            hint=f"see by `upgrader verify` that all is whole, then remove {found.place}",
        )
    return home
