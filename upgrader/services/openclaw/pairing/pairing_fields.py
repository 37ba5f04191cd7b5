"""One pairing record as named, digested fields, named alike in both eras."""

import json
import re
from collections.abc import Mapping
from typing import Any

from upgrader.domain.secret import Fingerprint

Record = Mapping[str, Any]

_CAMEL = re.compile(r"(?<=[a-z0-9])([A-Z])")


def load_object(raw: bytes | None, name: str, problems: list[str]) -> Record | None:
    """A JSON object out of a file's bytes; None where the file is absent. What cannot be read is added to `problems`."""
    if raw is None:
        return None
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        problems.append(f"{name} is not JSON")
        return None
    if not isinstance(value, dict):
        problems.append(f"{name} is not an object")
        return None
    return value


def load_cell(cell: object, name: str, problems: list[str]) -> object:
    """The JSON value in a column; None where the column is null or cannot be read."""
    if cell is None:
        return None
    try:
        return json.loads(cell) if isinstance(cell, str | bytes) else None
    except (ValueError, RecursionError):
        problems.append(f"{name} is not JSON")
        return None


def record_fields(record: Record) -> tuple[tuple[str, str], ...]:
    """(name, digest) of every value, sorted by name.

    Null and empty lists count as absent: releases differ in whether they write them. Lists of words are sorted, tokens are
    taken apart by role. Digests are fingerprints: a token is never in them in clear.
    """
    found: dict[str, str] = {}
    for key, value in record.items():
        if key == "tokens" and isinstance(value, Mapping):
            for role, entry in value.items():
                inner = entry if isinstance(entry, Mapping) else {"entry": entry}
                found.update({f"tokens.{role}.{snake(k)}": digest(v) for k, v in inner.items() if not _absent(v)})
        elif not _absent(value):
            found[snake(key)] = digest(value)
    return tuple(sorted(found.items()))


def digest(value: object) -> str:
    """The fingerprint of a value's canonical JSON."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        value = sorted(set(value))
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, separators=(",", ":"))
    return str(Fingerprint.of(text))


def snake(name: str) -> str:
    """`approvedAtMs` as `approved_at_ms`, the name of its column."""
    return _CAMEL.sub(r"_\1", name).lower()


def word(record: Record, key: str) -> str:
    """A text, empty for anything else."""
    value = record.get(key)
    return value if isinstance(value, str) else ""


def texts(value: object) -> tuple[str, ...]:
    """A list of texts, in its order, without doubles; anything else is empty."""
    if not isinstance(value, list):
        return ()
    return tuple(dict.fromkeys(each.strip() for each in value if isinstance(each, str) and each.strip()))


def numbers(record: Record, key: str) -> int | None:
    """A whole number, None for anything else."""
    value = record.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def flags(record: Record, key: str) -> bool:
    """A boolean of JSON, or SQLite's 0 and 1."""
    return record.get(key) in (True, 1)


def _absent(value: object) -> bool:
    return value is None or value in ([], {}) or value == ""
