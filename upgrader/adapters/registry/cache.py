"""What a registry said, kept on disk. A cache: whatever is damaged or odd in it is as if it were not there."""

import hashlib
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from upgrader.adapters.files.durable import make_private

_FORMAT = 2
_LIMIT_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Cached:
    """One answer: the reduced document, the validators the registry gave (empty: none), when it was asked (UTC)."""

    document: object
    etag: str
    last_modified: str
    asked: datetime


class RegistryCache:
    """Answers by name below one directory, apart for each registry address."""

    def __init__(self, directory: Path, registry: str) -> None:
        self._directory = directory / hashlib.sha256(registry.encode()).hexdigest()[:16]

    def get(self, name: str) -> Cached | None:
        """What was kept under `name`, None when there is nothing usable."""
        path = self._path(name)
        try:
            if path.stat().st_size > _LIMIT_BYTES:
                return None
            kept = json.loads(path.read_bytes())
            asked = datetime.fromisoformat(kept["asked"])
            if kept["format"] != _FORMAT or kept["name"] != name or asked.tzinfo is None:
                return None
            return Cached(kept["document"], str(kept["etag"]), str(kept["last_modified"]), asked.astimezone(UTC))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def put(self, name: str, cached: Cached) -> None:
        """Keep an answer; a disk that does not take it makes the next run ask again, no more."""
        kept = {
            "format": _FORMAT,
            "name": name,
            "asked": cached.asked.isoformat(),
            "etag": cached.etag,
            "last_modified": cached.last_modified,
            "document": cached.document,
        }
        path = self._path(name)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:  # not made durable: what a power cut takes is asked for again
            make_private(self._directory)
            temporary.write_text(json.dumps(kept))
            temporary.chmod(0o600)
            temporary.replace(path)
        except OSError:
            return

    def _path(self, name: str) -> Path:
        return self._directory / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.json"
