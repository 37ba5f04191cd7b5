"""Facts of a state directory, read without changing it: no database is opened through SQLite."""

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from upgrader.adapters.files.disk import allocated_bytes
from upgrader.domain.installation.configuration import Configuration
from upgrader.domain.installation.discovery import StateUnreadable
from upgrader.domain.installation.facts import PairingEra, State
from upgrader.domain.installation.selection import Location

_MAGIC = b"SQLite format 3\x00"
_HEADER_BYTES = 100
_USER_VERSION_AT = 60
_WAL_MAGIC = (0x377F0682, 0x377F0683)
_WAL_HEADER = struct.Struct(">8I")
_FRAME_HEADER = struct.Struct(">6I")


@dataclass(frozen=True)
class StateFacts:
    """Port States. `database` is the state database's place, `agents` the pattern of agent databases, both relative.

    `era` says where pairing data lives, from the state database's schema version.
    """

    database: str
    agents: str
    era: Callable[[int | None], PairingEra]

    def survey(self, location: Location, configuration: Configuration) -> State:
        """Schema versions, sizes, workspaces and paths outside. Raises StateUnreadable."""
        try:
            root = location.state.resolve(strict=True)
            owner = root.stat().st_uid
            files, size = _counted(root)
            schema = schema_version(root / self.database)
            agents = tuple((path.relative_to(root), schema_version(path)) for path in sorted(root.glob(self.agents)))
        except OSError as error:
            raise StateUnreadable(
                f"cannot read {error.filename or location.state}",
                why=error.strerror or str(error),
                hint="run it as the user OpenClaw runs as",
            ) from error
        workspaces = _real(tuple(place for agent in configuration.agents for place in (agent.workspace, *agent.maybe)))
        return State(
            path=root,
            config=location.config.resolve(),
            owner_uid=owner,
            era=self.era(schema),
            state_schema=schema,
            agent_schemas=tuple((path, version) for path, version in agents if version is not None),
            external=_outside(configuration, workspaces, (root, location.state)),
            workspaces=workspaces,
            size_bytes=size,
            files=files,
            last_touched=configuration.last_touched,
            named=location.state if location.state != root else None,
        )


def _outside(configuration: Configuration, workspaces: tuple[Path, ...], within: tuple[Path, ...]) -> tuple[Path, ...]:
    """Paths that the configuration names and that lie in none of `within`: as they really lie, and as they are named."""
    named = tuple(place for place in (*configuration.external, *configuration.mentioned) if place.exists())
    places = (*_real((*named, *workspaces)), *named)
    return tuple(dict.fromkeys(place for place in places if not any(place.is_relative_to(each) for each in within)))


def schema_version(database: Path) -> int | None:
    """`user_version` of an SQLite database: of its header, or of the newest committed page 1 in its write-ahead log.

    None where there is no database. Plain reads only: opening it through SQLite would create or remove its side files.
    Closing a plain descriptor drops POSIX locks this process holds on the file, so this does not run while a copy is taken.
    """
    header = _head(database, _HEADER_BYTES)
    if not header.startswith(_MAGIC):
        return None
    page = _newest_first_page(database.with_name(database.name + "-wal"))
    return int.from_bytes((page or header)[_USER_VERSION_AT : _USER_VERSION_AT + 4], "big")


def _newest_first_page(log: Path) -> bytes:
    """The head of page 1 as of the last commit in a write-ahead log, empty when it holds none.

    Frames of an earlier round of the log carry another salt and end the walk. https://sqlite.org/fileformat2.html#walformat
    """
    try:
        file = log.open("rb")
    except FileNotFoundError:
        return b""
    with file:
        start = file.read(_WAL_HEADER.size)
        if len(start) < _WAL_HEADER.size:
            return b""
        magic, _, page_size, _, *salt, _, _ = _WAL_HEADER.unpack(start)
        if magic not in _WAL_MAGIC:
            return b""
        pending = committed = b""
        while len(frame := file.read(_FRAME_HEADER.size)) == _FRAME_HEADER.size:
            page, commit, *frame_salt, _, _ = _FRAME_HEADER.unpack(frame)
            head = file.read(_HEADER_BYTES)
            if frame_salt != salt or len(head) < _HEADER_BYTES:
                break
            file.seek(page_size - _HEADER_BYTES, os.SEEK_CUR)
            if page == 1:
                pending = head
            if commit:
                committed = pending or committed
        return committed


def _head(path: Path, count: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(count)
    except FileNotFoundError:
        return b""


def _counted(root: Path) -> tuple[int, int]:
    """Files and their bytes below a directory, links not followed; what vanishes meanwhile is not counted."""
    files = size = 0
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            entries = os.scandir(folder)
        except FileNotFoundError:
            continue
        with entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry.path))
                elif entry.is_file(follow_symlinks=False):
                    files += 1
                    size += _size(entry)
    return files, size


def _size(entry: "os.DirEntry[str]") -> int:
    try:
        return allocated_bytes(entry.stat(follow_symlinks=False))
    except FileNotFoundError:
        return 0


def _real(places: tuple[Path, ...]) -> tuple[Path, ...]:
    """The real paths of those that exist, each once."""
    return tuple(dict.fromkeys(place.resolve() for place in places if place.exists()))
