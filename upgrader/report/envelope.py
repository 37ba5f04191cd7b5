"""The versioned JSON envelope: the same keys for every command and for what fails before a command runs."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from pathlib import PurePath
from typing import Any

from upgrader.domain.outcome import Failure, Outcome, Status
from upgrader.domain.secret import Fingerprint, Secret
from upgrader.domain.version import Version
from upgrader.errors import UpgraderError

SCHEMA = "upgrader/1"


def to_json(outcome: Outcome[Any]) -> str:
    """The envelope of an outcome, one document, indented."""
    return _document(outcome.command, outcome.status, outcome.exit_code, plain(outcome.data), outcome.failures, outcome.notices)


def error_json(command: str, error: UpgraderError, exit_code: int) -> str:
    """The envelope of a command that ended in an error, with this code."""
    failure = Failure(error.code, error.message, error.why, error.hint, error.unchanged)
    return _document(command, Status.FAILED, exit_code, None, (failure,), ())


def line(value: object) -> str:
    """One value as one line of JSON, for what is told as it happens."""
    return json.dumps(plain(value), ensure_ascii=False)


def plain(value: Any) -> Any:
    """A value as JSON knows it. A secret is refused: what is shown of one is its fingerprint.

    Raises TypeError on a secret and on a type that has no plain form.
    """
    match value:
        case Secret():
            raise TypeError("a secret reached the renderer")
        case None | bool() | int() | float() | str():
            return value
        case Enum():
            return value.value
        case Fingerprint() | Version() | PurePath():
            return str(value)
        case datetime() | date():
            return value.isoformat()
        case timedelta():
            return round(value.total_seconds(), 3)
        case Mapping():
            return {str(key): plain(each) for key, each in value.items()}
        case tuple() | list() | frozenset() | set():
            return [plain(each) for each in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    raise TypeError(f"{type(value).__name__} has no plain form")


def _document(
    command: str, status: Status, exit_code: int, data: Any, errors: tuple[Failure, ...], notices: tuple[str, ...]
) -> str:
    document = {
        "schema": SCHEMA,
        "command": command,
        "status": status.value,
        "exit_code": exit_code,
        "data": data,
        "errors": [plain(each) for each in errors],
        "notices": list(notices),
    }
    return json.dumps(document, indent=2, ensure_ascii=False)
