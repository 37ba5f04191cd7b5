"""When a gateway listened, by lines that its log of real runs held."""

from datetime import UTC, datetime, timedelta

import pytest

from upgrader.services.openclaw.logs.starts import listening_since

AT = datetime(2026, 11, 21, 15, 36, tzinfo=UTC)


def line(text: str, seconds: float) -> bytes:
    at = (AT + timedelta(seconds=seconds)).isoformat()
    return f'{{"0":"{{\\"subsystem\\":\\"gateway\\"}}","1":"{text}","time":"{at}","_meta":{{"date":"{at}"}}}}\n'.encode()


@pytest.mark.parametrize(
    "text", ["listening on ws://127.0.0.1:21618 (PID 16275)", "http server listening (13 plugins: anthropic, xai; 14.1s)"]
)
def test_the_first_line_after_the_start_tells_when_it_listened(text: str) -> None:
    log = line(text, -60) + line("starting HTTP server...", 1) + b'{"broken\n' + line(text, 8) + line(text, 90)
    assert listening_since(log, AT) == AT + timedelta(seconds=8)


def test_a_log_without_such_a_line_tells_nothing() -> None:
    assert listening_since(line("gateway ready", 3), AT) is None
