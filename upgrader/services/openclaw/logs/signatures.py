"""Known signatures in OpenClaw's log: stable name, what it means, what to do.

Format of the file log: one JSON object a line, positional arguments under numeric keys, `time` in ISO form, `_meta`; no pid in
any release read (2.17, 9.5, 9.6). A line that does name one (`pid` or `_meta.pid`) of another process is not counted.
Texts: src/gateway/server/ws-connection/*, auth-messages.ts, gateway-lock.ts, device-pairing.ts (reference of releases 2.17 to
9.6), device lines seen in the logs of 9.5 and 9.6.
"""

import json
import re
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from upgrader.domain.pairing.observation import Act, ActKind, LogFinding, Weight
from upgrader.domain.pairing.ports import LogWindow

_SAMPLE = 160  # characters of a sample
_SECRETS = re.compile(r"\b[A-Za-z0-9_-]{32,}\b")
_NAMED = re.compile(r"\b(device|conn|instance|requestId|ip|remote|peer|ua)=\S+")
# The version and the user agent that our connects name (gateway/handshake.py), as 2.22 and 9.6 log them.
_OURS = re.compile(r"\bvupgrader\b|\bua=upgrader\b")
_FAULT, _NOTICE = Weight.FAULT, Weight.NOTICE


@dataclass(frozen=True)
class Signature:
    """One known condition. A FAULT is a line that the gateway writes about itself or its own agents."""

    name: str
    pattern: re.Pattern[str]
    weight: Weight
    meaning: str
    remedy: str


def _signature(name: str, pattern: str, weight: Weight, meaning: str, remedy: str) -> Signature:
    return Signature(name, re.compile(pattern, re.IGNORECASE), weight, meaning, remedy)


_REPAIR = "`upgrader verify` shows which record it is about"
_ASK = "`openclaw devices list` shows who asks; approve or reject it"
# The first that fits a line counts.
SIGNATURES = (
    _signature(
        "agent-pairing-required",
        r"gateway (?:connect failed|closed \(1008\)).{0,40}pairing required",
        _FAULT,
        "an agent's tool was not let in by its own gateway",
        _REPAIR,
    ),
    _signature(
        "agent-unauthorized",
        r"gateway (?:connect failed|closed \(1008\)).{0,40}unauthorized",
        _FAULT,
        "an agent's tool presented a token its own gateway does not know",
        "reinstall the service so that its environment holds the present token: `openclaw gateway install --force`",
    ),
    _signature(
        "identity-not-imported",
        r"Legacy device identity exists",
        _FAULT,
        "the identity file of the older release was not imported",
        "stop the gateway and run `openclaw doctor --fix --non-interactive`",
    ),
    _signature(
        "schema-too-new",
        r"uses newer schema version \d+",
        _FAULT,
        "a database was migrated by a newer release",
        "`upgrader rollback` restores the state that belongs to this release",
    ),
    _signature(
        "state-owned-by-another",
        r"already owns this state directory|gateway owner lease is still active|failed to acquire gateway state ownership"
        r"|another OpenClaw process owns gateway-lifecycle|gateway already running \(pid",
        _FAULT,
        "another gateway holds this state directory",
        "find and stop the other gateway",
    ),
    _signature(
        "credential-redacted",
        r"gateway credential is a redaction sentinel",
        _FAULT,
        "the configuration holds a placeholder instead of the token",
        "restore the configuration, or run `openclaw doctor --fix`",
    ),
    _signature(
        "identity-invalid",
        r"invalid persisted device identity",
        _FAULT,
        "the stored identity does not fit its key",
        "`upgrader rollback` brings the former identity back",
    ),
    _signature(
        "device-token-mismatch",
        r"device[_ ]token[_ ]mismatch|AUTH_DEVICE_TOKEN_MISMATCH",
        _NOTICE,
        "a device presented a token that is not the recorded one",
        "pair that device again, or `openclaw devices rotate` it",
    ),
    _signature(
        "device-token-scope-mismatch",
        r"device token scope mismatch|reason=scope_mismatch|AUTH_SCOPE_MISMATCH",
        _NOTICE,
        "a device asked for more than its token holds",
        _ASK,
    ),
    _signature(
        "pairing-required",
        r"cause\W{1,4}pairing-required|reason=pairing required|\bpairing required\b",
        _NOTICE,
        "a client was refused because its pairing does not cover it",
        _ASK,
    ),
    _signature(
        "access-upgrade-requested",
        r"security audit: device (?:access|metadata) upgrade requested",
        _NOTICE,
        "a paired device asked for more than its record allows",
        _ASK,
    ),
    _signature(
        "shared-token-mismatch",
        r"reason=(?:token|password)_mismatch|gateway (?:token|password) mismatch",
        _NOTICE,
        "a client presented another shared secret than the gateway's",
        "compare the service's environment with gateway.auth in openclaw.json",
    ),
    _signature(
        "protocol-mismatch",
        r"\bprotocol mismatch\b",
        _NOTICE,
        "a client speaks another protocol than the gateway",
        "update that client",
    ),
    _signature(
        "device-auth-invalid",
        r"device (?:identity mismatch|signature invalid|signature expired|nonce mismatch|public key invalid)",
        _NOTICE,
        "a client's proof of its identity was not accepted",
        "check that client's clock and identity",
    ),
)
_ACTS = (
    (re.compile(r"device pairing removed device=(?P<device>[0-9a-f]+)"), ActKind.REMOVED),
    (re.compile(r"device token revoked device=(?P<device>[0-9a-f]+) role=(?P<role>\w+)"), ActKind.REVOKED),
    (re.compile(r"device token rotated device=(?P<device>[0-9a-f]+) role=(?P<role>\w+)"), ActKind.ROTATED),
    (re.compile(r"device pairing pruned superseded silent pairing device=(?P<device>[0-9a-f]+)"), ActKind.PRUNED),
)


@dataclass(frozen=True)
class LogLine:
    """One line: its text (all positional arguments joined), when it was written, by which process where it says so."""

    text: str
    at: datetime | None
    pid: int | None


def read_log(raw: bytes, window: LogWindow) -> tuple[LogFinding, ...]:
    """The known signatures in these lines, in the order of the table. Lines without a time do not count."""
    counts: dict[str, int] = {}
    samples: dict[str, str] = {}
    last: dict[str, int] = {}
    for line in _lines(raw, window):
        found = next((s for s in SIGNATURES if s.pattern.search(line.text)), None)
        if found is not None:
            counts[found.name] = counts.get(found.name, 0) + 1
            last[found.name] = int(line.at.timestamp() * 1000) if line.at else last.get(found.name, 0)
            samples.setdefault(found.name, redacted(_around(found.pattern, line.text)))
    return tuple(
        LogFinding(s.name, counts[s.name], samples[s.name], s.weight, s.meaning, s.remedy, last[s.name])
        for s in SIGNATURES
        if s.name in counts
    )


def read_acts(raw: bytes, window: LogWindow) -> tuple[Act, ...]:
    """What operators and the gateway did to pairings on purpose, as the log tells it."""
    acts = []
    for line in _lines(raw, window):
        for pattern, kind in _ACTS:
            if match := pattern.search(line.text):
                at = int(line.at.timestamp() * 1000) if line.at else None
                acts.append(Act(kind, match["device"], match.groupdict().get("role") or "", at))
    return tuple(acts)


def parse_line(line: bytes) -> LogLine | None:
    """One line of the file log, None for what is not one."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    numbered = sorted((int(key), each) for key, each in value.items() if key.isdigit())
    texts = [each if isinstance(each, str) else json.dumps(each) for _, each in numbered]
    meta = value.get("_meta")
    meta = meta if isinstance(meta, dict) else {}
    pid = value.get("pid", meta.get("pid"))
    return LogLine(" ".join(texts), _time(value.get("time") or meta.get("date")), pid if isinstance(pid, int) else None)


def log_paths(configured: Path | None, profile: str, uid: int, days: tuple[date, ...]) -> tuple[Path, ...]:
    """Where the file log may lie: as configured, else one file a day under /tmp whatever HOME says.

    Source: src/infra/tmp-openclaw-dir.ts and src/logging/logger.ts; the profile is part of the name in 9.x, not in 2.x to 7.x.
    """
    if configured is not None:
        return (configured,)
    names = [f"openclaw-{day:%Y-%m-%d}.log" for day in days]
    if profile:
        names = [f"openclaw-{profile}-{day:%Y-%m-%d}.log" for day in days] + names
    folders = (Path("/tmp/openclaw"), Path(f"/tmp/openclaw-{uid}"))
    return tuple(folder / name for folder in folders for name in names)


def redacted(text: str) -> str:
    """A sample that names nobody: values of ids and addresses and everything as long as a token are left out."""
    return _SECRETS.sub("…", _NAMED.sub(r"\1=…", text))[:_SAMPLE]


def _lines(raw: bytes, window: LogWindow) -> list[LogLine]:
    parsed = (parse_line(line) for line in raw.splitlines())
    return [line for line in parsed if line is not None and _counts(line, window)]


def is_ours(text: str) -> bool:
    """Whether a line is about a connect of our own: looking at a gateway is no client's trouble."""
    return _OURS.search(text) is not None


def _counts(line: LogLine, window: LogWindow) -> bool:
    if is_ours(line.text):
        return False
    if line.pid is not None and window.pid is not None and line.pid != window.pid:
        return False
    return line.at is not None and line.at >= window.since


def _around(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    start = max(0, match.start() - 20) if match else 0
    return " ".join(text[start:].split())


def _time(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return at if at.tzinfo else None
