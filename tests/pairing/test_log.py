"""The gateway's log: which lines count, what they are called, and that they give nobody away."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.pairing.stores import KNOWLEDGE
from upgrader.domain.pairing.observation import ActKind, Weight
from upgrader.domain.pairing.ports import LogWindow

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
WINDOW = LogWindow(NOON, pid=4242)
DEVICE = "ab" * 32


def line(*texts: object, at: datetime = NOON, **more: object) -> bytes:
    """One line as the file log has it, positional arguments under numeric keys."""
    return json.dumps({**{str(i): t for i, t in enumerate(texts)}, "time": at.isoformat(), **more}).encode() + b"\n"


def names(raw: bytes, window: LogWindow = WINDOW) -> dict[str, int]:
    return {finding.signature: finding.count for finding in KNOWLEDGE.log(raw, window)}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("tool failed: gateway closed (1008): pairing required", "agent-pairing-required"),
        ("gateway connect failed: Error: unauthorized: gateway token mismatch (set it)", "agent-unauthorized"),
        ("Legacy device identity exists at /x. Run doctor", "identity-not-imported"),
        ("state database /x uses newer schema version 18; this build supports 17.", "schema-too-new"),
        ("Another gateway (pid 7) already owns this state directory; refusing", "state-owned-by-another"),
        ("unauthorized conn=1 remote=127.0.0.1 client=cli cli v1 reason=device_token_mismatch", "device-token-mismatch"),
        ("unauthorized conn=1 role=operator reason=scope_mismatch guidance=…", "device-token-scope-mismatch"),
        ("security audit: device access upgrade requested reason=scope-upgrade device=ab", "access-upgrade-requested"),
        ("unauthorized conn=1 remote=127.0.0.1 client=cli cli v1 reason=token_mismatch", "shared-token-mismatch"),
        ("protocol mismatch conn=1 remote=::1 client=cli", "protocol-mismatch"),
        ("device signature expired", "device-auth-invalid"),
    ],
)
def test_a_known_line_gets_its_name(text: str, name: str) -> None:
    assert names(line('{"subsystem":"gateway/ws"}', text)) == {name: 1}


def test_the_cause_in_an_object_counts_as_well() -> None:
    closed = {"cause": "pairing-required", "handshake": "failed"}
    raw = line('{"subsystem":"gateway/ws"}', closed, "closed before connect conn=1")
    assert names(raw) == {"pairing-required": 1}


def test_lines_before_the_window_without_a_time_or_of_another_process_do_not_count() -> None:
    said = "device signature expired"
    raw = b"".join(
        (
            line(said, at=NOON - timedelta(seconds=1)),
            line(said, pid=1),
            line(said, _meta={"pid": 1}),
            json.dumps({"0": said}).encode() + b"\n",
            b"not json: device signature expired\n",
            line(said, pid=4242),
            line(said, at=NOON + timedelta(hours=1)),
        )
    )
    assert names(raw) == {"device-auth-invalid": 2}


def test_lines_of_agents_are_faults_and_those_of_strangers_are_notices() -> None:
    raw = line("gateway closed (1008): pairing required") + line("protocol mismatch conn=1")
    weights = {finding.signature: finding.weight for finding in KNOWLEDGE.log(raw, WINDOW)}
    assert weights == {"agent-pairing-required": Weight.FAULT, "protocol-mismatch": Weight.NOTICE}


def test_a_sample_gives_away_neither_ids_nor_tokens_nor_addresses() -> None:
    raw = line(f"unauthorized conn=77 device={DEVICE} remote=192.0.2.7 token {'t' * 43} reason=device_token_mismatch")
    sample = KNOWLEDGE.log(raw, WINDOW)[0].sample
    assert DEVICE not in sample
    assert "t" * 43 not in sample
    assert "192.0.2.7" not in sample


@pytest.mark.parametrize(
    ("text", "kind", "role"),
    [
        (f"device pairing removed device={DEVICE}", ActKind.REMOVED, ""),
        (f"device token revoked device={DEVICE} role=operator", ActKind.REVOKED, "operator"),
        (f"device token rotated device={DEVICE} role=node scopes=", ActKind.ROTATED, "node"),
        (f"device pairing pruned superseded silent pairing device={DEVICE} roles=operator", ActKind.PRUNED, ""),
    ],
)
def test_an_act_is_read_with_its_device_and_time(text: str, kind: ActKind, role: str) -> None:
    (act,) = KNOWLEDGE.acts(line('{"subsystem":"gateway"}', text), WINDOW)
    assert (act.kind, act.device_id, act.role) == (kind, DEVICE, role)
    assert act.at_ms == int(NOON.timestamp() * 1000)


def test_a_configured_log_file_is_the_only_one() -> None:
    assert KNOWLEDGE.log_paths(Path("/var/log/oc.log"), "work", 1000, (date(2026, 11, 21),)) == (Path("/var/log/oc.log"),)


def test_a_profile_may_be_part_of_the_file_name() -> None:
    found = [str(path) for path in KNOWLEDGE.log_paths(None, "work", 1000, (date(2026, 11, 21),))]
    assert found[:2] == ["/tmp/openclaw/openclaw-work-2026-11-21.log", "/tmp/openclaw/openclaw-2026-11-21.log"]
