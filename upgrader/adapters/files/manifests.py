"""Manifests on disk: one JSON line per path, sorted as a walk is, read and written as streams; and the header beside them.

Layout of a snapshot: `manifest.json` (the header, written last), `files.jsonl` (the lines), `tree/` (the copy).
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from upgrader.domain.kept.snapshot import ManifestLine, Moment, OutsideFile, Snapshot, SnapshotDamaged
from upgrader.domain.kept.tree import EntryKind, Passed, Seen, TreeEntry, order_of
from upgrader.domain.version import Version

FORMAT = 1
_ENCODER = json.JSONEncoder(separators=(",", ":"))
HEADER, LINES, TREE = "manifest.json", "files.jsonl", "tree"


class HasPath(Protocol):
    """Anything that stands for one path of a tree."""

    @property
    def path(self) -> str:
        """Relative, `/` between parts."""


P = TypeVar("P", bound=HasPath)


class Cursor(Generic[P]):
    """Finds paths in a sorted stream when they are asked for in the same order: one pass, one line in memory."""

    def __init__(self, lines: Iterator[P]) -> None:
        self._lines = lines
        self._next: P | None = next(lines, None)

    def find(self, path: str) -> P | None:
        """The line of this path, or None. Paths must be asked for in ascending order."""
        wanted = order_of(path)
        while self._next is not None and order_of(self._next.path) < wanted:
            self._next = next(self._lines, None)
        return self._next if self._next is not None and self._next.path == path else None


class LineWriter:
    """Writes lines to a new private file; use as a context. The caller makes it durable."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii")

    def __enter__(self) -> "LineWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, line: ManifestLine | Seen) -> None:
        """Append one line."""
        fields = {name: getattr(line, name) for name in line.__slots__}  # asdict copies deeply: a quarter of the time
        if isinstance(line, ManifestLine):
            fields["kind"] = line.kind.value
        self._file.write(_ENCODER.encode(fields) + "\n")


def read_lines(path: Path) -> Iterator[ManifestLine]:
    """The lines of a manifest. Raises SnapshotDamaged naming the line that cannot be read."""
    for fields in _objects(path):
        try:
            yield ManifestLine(**{**fields, "kind": EntryKind(fields["kind"])})  # type: ignore[arg-type]
        except (TypeError, ValueError, KeyError) as error:
            raise _unreadable(path, error) from error


def read_seen(path: Path) -> Iterator[Seen]:
    """The lines of a record of what was copied; nothing where there is no record. Raises SnapshotDamaged."""
    if not path.exists():
        return
    for fields in _objects(path):
        try:
            yield Seen(**fields)  # type: ignore[arg-type]
        except TypeError as error:
            raise _unreadable(path, error) from error


def seen_of(line: ManifestLine) -> Seen:
    """What a manifest line says of its source file."""
    return Seen(line.path, line.inode, line.size, line.mtime_ns, line.ctime_ns, line.began_ns, line.database)


def note_of(seen: Seen) -> ManifestLine:
    """What is known of a copied file before it was read: no digest yet."""
    return ManifestLine(
        seen.path, EntryKind.FILE, 0, seen.mtime_ns, seen.size, "", "", seen.inode, seen.ctime_ns, seen.began_ns, seen.database
    )


def line_of(entry: TreeEntry, digest: str, seen: Seen | None) -> ManifestLine:
    """The manifest line of a copied path, and what was seen of its source where that is known."""
    return ManifestLine(
        path=entry.path,
        kind=entry.kind,
        mode=entry.mode,
        mtime_ns=entry.mtime_ns,
        size=entry.size,
        digest=digest,
        target=entry.target,
        inode=seen.inode if seen else 0,
        ctime_ns=seen.ctime_ns if seen else 0,
        began_ns=seen.began_ns if seen else 0,
        database=seen.database if seen else False,
    )


def header_bytes(snapshot: Snapshot) -> bytes:
    """The header of a snapshot. Where it lies is not written down: a snapshot may be moved."""
    fields = {
        "format": FORMAT,
        "id": snapshot.id,
        "created": snapshot.created,
        "moment": snapshot.moment.value,
        "version": snapshot.version.text,
        "slot_id": snapshot.slot_id,
        "files": snapshot.files,
        "size_bytes": snapshot.size_bytes,
        "digest": snapshot.digest,
        "reason": snapshot.reason,
        "source": str(snapshot.source),
        "opened_ms": snapshot.opened_ms,
        "one_instant": snapshot.one_instant,
        "outside": [{"path": str(o.path), "digest": o.digest, "mode": o.mode} for o in snapshot.outside],
        "passed": [asdict(p) for p in snapshot.passed],
    }
    return json.dumps(fields, indent=1).encode("ascii")


def read_header(folder: Path) -> Snapshot:
    """The snapshot kept in `folder`. Raises SnapshotDamaged when its header cannot be read or is of a later format."""
    path = folder / HEADER
    try:
        fields = json.loads(path.read_bytes())
        if fields["format"] != FORMAT:
            raise ValueError(f"format {fields['format']} is not known to this release of upgrader")
        return Snapshot(
            id=fields["id"],
            created=fields["created"],
            moment=Moment(fields["moment"]),
            version=Version.parse(fields["version"]),
            slot_id=fields["slot_id"],
            tree=folder / TREE,
            files=fields["files"],
            size_bytes=fields["size_bytes"],
            digest=fields["digest"],
            outside=tuple(OutsideFile(Path(o["path"]), o["digest"], o["mode"]) for o in fields["outside"]),
            reason=fields["reason"],
            source=Path(fields["source"]),
            passed=tuple(Passed(p["path"], p["why"]) for p in fields["passed"]),
            opened_ms=fields["opened_ms"],
            one_instant=fields["one_instant"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unreadable(path, error) from error


def _objects(path: Path) -> Iterator[dict[str, object]]:
    try:
        with path.open(encoding="ascii") as file:
            for text in file:
                yield json.loads(text)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> SnapshotDamaged:
    return SnapshotDamaged(
        f"cannot read {path}",
        why=str(error) or type(error).__name__,
        hint="`upgrader status` shows the others",
    )
