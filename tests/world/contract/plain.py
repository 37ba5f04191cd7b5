"""Values made comparable between runs and machines: names of the moment become marks."""

import re
from typing import Any

_MARKS = (
    (re.compile(r"requestId: [0-9a-f-]+"), "requestId: <uuid>"),  # a close reason may be cut in the middle
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<uuid>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<id>"),
    (re.compile(r"\b1[0-9]{12}\b"), "<ms>"),
    (re.compile(r"\bpid [0-9]+"), "pid <pid>"),
    (re.compile(r"127\.0\.0\.1:[0-9]+"), "127.0.0.1:<port>"),
    (re.compile(r"\b[Pp]ort [0-9]{4,5}\b"), "port <port>"),
)


def plain(value: Any, *names: tuple[str, str]) -> Any:
    """The value with ids, times, pids and ports replaced, and each (text, mark) of `names` first."""
    if isinstance(value, str):
        for text, mark in names:
            value = value.replace(text, mark)
        for pattern, mark in _MARKS:
            value = pattern.sub(mark, value)
        return value
    if isinstance(value, dict):
        return {key: plain(item, *names) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, *names) for item in value]
    return value
