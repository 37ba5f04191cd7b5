"""When a gateway began to listen, by its own log."""

import re
from datetime import datetime

from upgrader.services.openclaw.logs.signatures import parse_line

# "listening on ws://HOST:PORT (PID N)" of 2026.2.17, "http server listening (N plugins: …; SECONDS)" of 2026.9.5 and 9.6 (logs
# of runs); both before channels and sidecars, which a canary leaves out.
_LISTENING = re.compile(rb"\blistening on ws://|\bhttp server listening \(")


def listening_since(raw: bytes, since: datetime) -> datetime | None:
    """The moment of the first such line at or after `since` in this log; None where there is none."""
    for line in raw.splitlines():
        if _LISTENING.search(line):
            parsed = parse_line(line)
            if parsed is not None and parsed.at is not None and parsed.at >= since:
                return parsed.at
    return None
