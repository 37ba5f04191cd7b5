"""The workspaces of a state: people and programs hold them open, so the very directories move when trees are exchanged."""

import json
from collections.abc import Iterator
from pathlib import Path

from upgrader.adapters.files.durable import make_private, replace_durably, sync_directory
from upgrader.adapters.files.exchange import exchange, present_id
from upgrader.adapters.settling.sql import told
from upgrader.domain.moves.exchange import ExchangeFailed
from upgrader.domain.moves.journal import FileId
from upgrader.domain.moves.settle import Action, NotSettled, Settled

_HOLDS_DATABASES = "this workspace holds databases of OpenClaw itself, so it was not moved; what changed in it was set aside"


def movable(
    workspaces: tuple[Path, ...], databases: tuple[str, ...], outgoing: Path
) -> tuple[tuple[Path, ...], tuple[Settled, ...]]:
    """The workspaces to move, outermost only (what lies inside moves along), and what is told of those that must not be.

    One that holds databases of OpenClaw would bring the newer ones to the older release.
    """
    holding = {each for each in workspaces if any(Path(database).is_relative_to(each) for database in databases)}
    moving = [each for each in dict.fromkeys(workspaces) if each not in holding]
    outermost = tuple(each for each in moving if not any(each != other and each.is_relative_to(other) for other in moving))
    return outermost, tuple(told(Action.LISTED, str(each), _HOLDS_DATABASES, outgoing / each) for each in sorted(holding))


def move_workspace(incoming: Path, outgoing: Path, workspace: Path, record: Path) -> Iterator[Settled]:
    """Give the incoming tree the very workspace directory people and programs hold open; the copy goes out with the rest.

    Which object lives is written down before the exchange: an exchange done twice would undo itself.
    """
    note = _note(record, workspace)
    source, target = outgoing / workspace, incoming / workspace
    living = _noted(note)
    if living is None or living not in (present_id(source), present_id(target)):  # an old note of an object long gone
        found = present_id(source)
        if found is None or source.is_symlink() or not source.is_dir():
            return
        living = found
        make_private(note.parent)
        replace_durably(note, json.dumps([living.device, living.inode]).encode())
    try:
        _bring(source, target, living)
    except (ExchangeFailed, OSError) as error:
        yield told(Action.LISTED, str(workspace), f"the newer workspace could not be moved ({_why(error)})", source)


def give_back(incoming: Path, outgoing: Path, workspace: Path, record: Path) -> None:
    """Take back what `move_workspace` did for the other direction, whose `record` this is. Raises NotSettled.

    What it never moved still lies where it belongs: the one in the outgoing tree is the copy.
    """
    living = _noted(_note(record, workspace))
    if living is None:
        return
    try:
        _bring(outgoing / workspace, incoming / workspace, living)
    except (ExchangeFailed, OSError) as error:
        raise NotSettled(
            f"the workspace {workspace} could not be moved back",
            why=_why(error),
            hint=f"it is {outgoing / workspace}; `upgrader status` tries again",
            unchanged="nothing was removed",
        ) from error


def _bring(source: Path, target: Path, living: FileId) -> None:
    """Bring the object `living` from `source` to `target`, durably; nothing where it is no longer there."""
    if present_id(source) != living:
        return
    if present_id(target) is None:
        make_private(target.parent)
        source.rename(target)
        sync_directory(target.parent)
        sync_directory(source.parent)
    else:
        exchange(source, target)


def _why(error: ExchangeFailed | OSError) -> str:
    return error.why if isinstance(error, ExchangeFailed) else str(error.strerror)


def _note(record: Path, workspace: Path) -> Path:
    return record / "workspaces" / f"{str(workspace).replace('/', '%')}.json"


def _noted(note: Path) -> FileId | None:
    try:
        device, inode = json.loads(note.read_bytes())
    except FileNotFoundError:
        return None
    return FileId(device, inode)
