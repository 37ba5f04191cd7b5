"""Lines of OpenClaw's log as events: which condition, which device and client, from and to which scopes.

Sources: the texts of signatures.py; `security audit: …` of 2026.2.19 and later (scopesFrom, scopesTo, device, client);
`device pairing approved|auto-approved device=…` (all read); the agents' tools' texts (agentToAgent, session visibility) and
`Message ordering conflict` of 2026.2.17 and 2026.9.6 (string scan of `dist`); DM pairing `access not configured` (both).
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from upgrader.domain.pairing.sighting import LogEvent
from upgrader.services.openclaw.logs.signatures import SIGNATURES, LogLine, is_ours, parse_line, redacted

_ARCHIVES = 5  # `rotatedLogPath` of 2026.9.6 keeps name.1.log to name.5.log
_LINE_BYTES = 256 * 1024
# Looked for in the raw bytes first, without regard to a first letter: reading every line as JSON, or regarding no case at all,
# takes five times as long.
_WORTH = re.compile(
    rb"airing|ateway (?:c|already)|nauthorized|ismatch|ecurity audit|evice (?:identity|signature|nonce|public|token)|"
    rb"egacy device|device identity|schema version|this state|owner lease|state ownership|redaction|uthentication attempts|"
    rb"gent-to-agent|isibility is|ordering conflict|not configured|HTTP 401|401 .?(?:[Uu]nauth|[Ii]nvalid|[Ii]ncorrect)|"
    rb"rocess owns|SECURITY ERROR|nvalid.api.key|rate_limited|NAUTHORIZED|MISMATCH|AIRING"
)
_MORE: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("metadata-upgrade-requested", re.compile(r"security audit: device metadata upgrade requested")),
    ("approved", re.compile(r"device pairing (?:auto-)?approved device=", re.IGNORECASE)),
    ("rate-limited", re.compile(r"too many failed authentication attempts|reason=rate_limited", re.IGNORECASE)),
    ("agent-to-agent-off", re.compile(r"agent-to-agent \w+(?: \w+)? (?:is disabled|denied by tools\.)", re.IGNORECASE)),
    ("visibility-restricted", re.compile(r"session \w*\s?visibility is restricted", re.IGNORECASE)),
    ("plain-ws", re.compile(r"SECURITY ERROR: .{0,200}plaintext ws://")),
    ("message-order", re.compile(r"Message ordering conflict", re.IGNORECASE)),
    ("channel-pairing", re.compile(r"access not configured\.|\bPairing code: ", re.IGNORECASE)),
    (
        "provider-unauthorized",
        re.compile(r"\bHTTP 401\b|\b401 \W?(?:unauth|invalid|incorrect)|invalid[_ ]api[_ ]key", re.IGNORECASE),
    ),
)
_DEVICE = re.compile(r"\bdevice=([0-9a-f]{64})\b|\"deviceId\":\s?\"([0-9a-f]{64})\"")
_CLIENT = re.compile(r"\bclient=([\w.-]+)")
_AGENT = re.compile(r"\bagent:([a-z0-9][a-z0-9_-]{0,63}):|\"agentId\":\s?\"([a-z0-9][a-z0-9_-]{0,63})\"")
_REASON = re.compile(r"\breason=([\w-]+)")
_FROM, _TO = re.compile(r"\bscopesFrom=([\w.,-]*)"), re.compile(r"\bscopesTo=([\w.,-]*)")


def events(lines: Iterable[bytes], since: datetime) -> Iterator[LogEvent]:
    """The events at or after `since`, in the order of the lines; broken JSON and lines without a time are passed over."""
    for raw in lines:
        if len(raw) <= _LINE_BYTES and _WORTH.search(raw):
            event = event_of(raw)
            if event is not None and event.at >= since:
                yield event


def event_of(raw: bytes) -> LogEvent | None:
    """One line as an event, None where it tells nothing."""
    line = parse_line(raw)
    if line is None or line.at is None or is_ours(line.text):
        return None
    name = _name(line)
    if not name:
        return None
    text = line.text
    return LogEvent(
        signature=name,
        at=line.at,
        device=_device(text),
        client=_first(_CLIENT, text),
        detail=_first(_REASON, text),
        scopes_from=_scopes(_FROM, text),
        scopes_to=_scopes(_TO, text),
        sample=redacted(" ".join(text.split())),
        agent=_agent(text) if name == "provider-unauthorized" else "",
    )


def archives(path: Path) -> tuple[Path, ...]:
    """A log file with its rotated predecessors, oldest first: `name.5.log` … `name.1.log`, `name.log`."""
    return (*(path.with_name(f"{path.stem}.{number}{path.suffix}") for number in range(_ARCHIVES, 0, -1)), path)


def _name(line: LogLine) -> str:
    """The more particular signatures first."""
    more = next((name for name, pattern in _MORE if pattern.search(line.text)), "")
    return more or next((s.name for s in SIGNATURES if s.pattern.search(line.text)), "")


def _device(text: str) -> str:
    match = _DEVICE.search(text)
    return (match[1] or match[2]) if match else ""


def _agent(text: str) -> str:
    """The agent of a session key, `agent:NAME:…`, or the one named."""
    match = _AGENT.search(text)
    return (match[1] or match[2]) if match else ""


def _first(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[1] if match else ""


def _scopes(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    return tuple(scope for scope in _first(pattern, text).split(",") if scope and scope != "none")
