"""Reads OpenClaw's log file: one JSON object a line, the words in numbered keys."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class LogLine:
    """One line. `parts` are the values of its numbered keys, in order; the first is the binding where there is one."""

    parts: tuple[Any, ...]
    level: str
    keys: tuple[str, ...]

    @property
    def subsystem(self) -> str:
        """gateway, gateway/ws, …; empty without a binding."""
        try:
            return str(json.loads(self.parts[0])["subsystem"])
        except (ValueError, TypeError, KeyError, IndexError):
            return ""

    @property
    def message(self) -> str:
        """The words: every text part after the binding."""
        parts = self.parts[1:] if self.subsystem else self.parts
        return " ".join(part for part in parts if isinstance(part, str))

    def field(self, name: str) -> str:
        """A value of the object logged beside the words."""
        return next((str(part[name]) for part in self.parts if isinstance(part, dict) and name in part), "")

    def word(self, name: str) -> str:
        """The value of `name=value` among the words."""
        found = re.search(rf"\b{name}=(\S+)", self.message)
        return found[1] if found else ""


def read_log(path: Path, offset: int = 0) -> list[LogLine]:
    """Every whole line after `offset` bytes; a file that is not there yet has none."""
    if not path.exists():
        return []
    lines = path.read_bytes()[offset:].split(b"\n")[:-1]
    return [_line(json.loads(text)) for text in lines if text.strip()]


def _line(raw: dict[str, Any]) -> LogLine:
    numbers = sorted((key for key in raw if key.isdigit()), key=int)
    keys = tuple(sorted(key for key in raw if not key.isdigit()))
    return LogLine(tuple(raw[n] for n in numbers), str(raw.get("_meta", {}).get("logLevelName", "")), keys)
