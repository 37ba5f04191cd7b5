"""history.jsonl of one installation: appended, durable, private. A line that cannot be read is passed over."""

import json
import os
from dataclasses import asdict
from pathlib import Path

from upgrader.adapters.files.durable import make_private, sync_directory
from upgrader.domain.decisions.history import Event, EventKind

NAME = "history.jsonl"
_LIMIT_BYTES = 16 * 1024 * 1024


class HistoryFile:
    """Port History."""

    def __init__(self, home: Path) -> None:
        self._path = home / NAME

    def append(self, event: Event) -> None:
        """Make one more durable. Raises OSError."""
        line = json.dumps({**asdict(event), "kind": event.kind.value}, ensure_ascii=False) + "\n"
        make_private(self._path.parent)
        fresh = not self._path.exists()
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            os.write(descriptor, (b"\n" if torn else b"") + line.encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if fresh:
            sync_directory(self._path.parent)

    def events(self) -> tuple[Event, ...]:
        """All that can be read, oldest first."""
        try:
            with self._path.open("rb") as file:
                lines = file.read(_LIMIT_BYTES).splitlines()
        except OSError:
            return ()
        return tuple(found for line in lines if (found := _event(line)) is not None)


def _event(line: bytes) -> Event | None:
    try:
        raw = json.loads(line)
        texts = {name: str(raw[name]) for name in ("present", "target", "result", "rule", "why", "reason", "transaction")}
        outage = raw["outage_seconds"]
        seconds = float(outage) if outage is not None else None
        return Event(str(raw["at"]), EventKind(raw["kind"]), outage_seconds=seconds, **texts)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
