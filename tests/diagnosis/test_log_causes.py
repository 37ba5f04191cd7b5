"""What the log tells: the loop with its rate and scopes, in rotated and very large logs; look-alikes; bad lines."""

import json
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.diagnosis.told import cause, causes, said
from tests.world.devices import write_file
from tests.world.fixtures import WorldOf
from tests.world.world import World
from upgrader.adapters.probes.log_lines import LogLines, LogTail
from upgrader.domain.pairing.sighting import LogEvent, condense
from upgrader.services.openclaw.logs import log_events

NOW = datetime.now(UTC)
START = datetime(2026, 11, 1, tzinfo=UTC)


def line(text: str, at: datetime) -> bytes:
    return json.dumps({"0": '{"subsystem":"gateway"}', "1": text, "time": at.isoformat()}).encode() + b"\n"


def upgrade(device: str, at: datetime) -> bytes:
    scopes = "scopesFrom=operator.admin,operator.approvals,operator.pairing scopesTo=operator.write"
    text = f"security audit: device access upgrade requested reason=scope-upgrade device={device} ip=unknown-ip auth=token "
    return line(text + f"roleFrom=operator roleTo=operator {scopes} client=gateway-client conn=1", at)


def test_the_loop_is_named_with_rate_device_client_and_scopes(world_of: WorldOf) -> None:
    world = world_of()
    lines = (upgrade(world.phone.id, NOW - timedelta(seconds=90 - each)) for each in range(90))
    world.log.write_bytes(b"\x00\xff binary\n{broken\n" + b"".join(lines))
    found = causes(world)[0]
    assert (found["code"], found["device"]) == ("scope-upgrade-loop", world.phone.id[:12])
    assert "60 times a minute" in found["title"]
    told = " ".join(found["evidence"])
    assert "client gateway-client" in told
    assert "has operator.admin, operator.approvals, operator.pairing" in told
    assert "asks for operator.write" in told


def test_the_loop_of_this_machine_is_offered_for_repair_from_a_rotated_log(world_of: WorldOf) -> None:
    world = world_of()
    archive = world.log.with_name("openclaw.2.log")
    archive.write_bytes(b"".join(upgrade(world.own.id, NOW - timedelta(seconds=50 - each)) for each in range(50)))
    world.log.write_bytes(line("ready", NOW))
    found = cause(world, "scope-upgrade-loop")
    assert found["device"] == world.own.id[:12]
    assert found["rungs"]


def test_a_few_requests_are_no_loop(world_of: WorldOf) -> None:
    world = world_of()
    world.log.write_bytes(b"".join(upgrade(world.phone.id, NOW - timedelta(minutes=each)) for each in range(9)))
    assert "scope-upgrade-loop" not in [each["code"] for each in causes(world)]


def test_a_request_that_comes_back_after_its_approval_is_told(world_of: WorldOf) -> None:
    world = world_of()
    approved = line(f"device pairing approved device={world.phone.id} role=operator", NOW - timedelta(minutes=8))
    asked = [upgrade(world.phone.id, NOW - timedelta(minutes=each)) for each in (9, 6, 3)]
    world.log.write_bytes(asked[0] + approved + asked[1] + asked[2])
    assert cause(world, "request-comes-back")["device"] == world.phone.id[:12]


LOOK_ALIKES = {
    "Message ordering conflict - please try again. If this persists, use /new to start a fresh session.": "message-order",
    "Agent-to-agent messaging is disabled. Set tools.agentToAgent.enabled=true to allow it.": "agent-to-agent-off",
    "Session send visibility is restricted. Set tools.sessions.visibility=all to allow it.": "visibility-restricted",
    "OpenClaw: access not configured.": "channel-pairing",
    "unauthorized: too many failed authentication attempts (retry later)": "rate-limited",
    "embedded run agent end: HTTP 401 invalid x-api-key": "provider-unauthorized",
    "unauthorized conn=1 remote=1.2.3.4 client=acp cli v1 reason=token_mismatch": "shared-token-refused",
}


def test_look_alikes_are_named_as_no_device_pairing(world_of: WorldOf) -> None:
    world = world_of()
    world.log.write_bytes(b"".join(line(text, NOW - timedelta(minutes=1)) for text in LOOK_ALIKES))
    found = {each["code"]: each for each in causes(world)}
    assert set(LOOK_ALIKES.values()) <= set(found)
    assert all(found[name]["nature"] == "not device pairing" for name in LOOK_ALIKES.values())


def test_what_the_log_tells_of_before_the_record_was_written_anew_is_no_fault_of_now(world_of: WorldOf) -> None:
    world = world_of()
    refused = line("gateway connect failed: Error: pairing required", NOW - timedelta(minutes=1))
    world.log.write_bytes(refused + b"".join(upgrade(world.own.id, NOW - timedelta(seconds=60 - each)) for each in range(30)))
    assert {"scope-upgrade-loop", "agent-pairing-required"} <= {each["code"] for each in causes(world)}
    tokens = world.own.record()["tokens"]
    tokens["operator"]["rotatedAtMs"] = int(NOW.timestamp() * 1000)
    world.change("UPDATE device_pairing_paired SET tokens_json = ? WHERE device_id = ?", json.dumps(tokens), world.own.id)
    assert [each["code"] for each in causes(world)] == ["no-gateway"]
    checks = {each["check"]: each["need"] for each in said(world, "--json", "verify").json["data"]["checks"]}
    assert checks["live.log.agent-pairing-required"] == "wanted"


def test_our_own_looks_are_no_clients_trouble(world_of: WorldOf) -> None:
    world = world_of()
    said_of_us = "unauthorized conn=1 remote=127.0.0.1 client=gateway-client backend vupgrader reason=token_mismatch"
    closed = "closed before connect conn=1 remote=127.0.0.1 ua=upgrader code=1008 reason=unauthorized: gateway token mismatch"
    world.log.write_bytes(line(said_of_us, NOW) + line(closed, NOW))
    assert [each["code"] for each in causes(world)] == ["no-gateway"]


def test_a_changed_platform_is_named(world_of: WorldOf) -> None:
    world = world_of()
    text = "security audit: device metadata upgrade requested reason=metadata-upgrade"
    world.log.write_bytes(line(f"{text} device={world.phone.id} claimedPlatform=darwin pinnedPlatform=ios", NOW))
    assert cause(world, "metadata-upgrade")["device"] == world.phone.id[:12]


def test_a_very_large_log_is_read_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "openclaw.log"
    noise = line("x" * 900, NOW) * 1000
    with path.open("wb") as file:
        for _ in range(20):
            file.write(noise)
        file.write(b"y" * 5_000_000 + b"\n" + upgrade("ab" * 32, NOW) * 3)
    tracemalloc.start()
    found = condense(log_events.events(LogLines().lines((path,)), NOW - timedelta(hours=1)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [each.count for each in found] == [3]
    assert peak < path.stat().st_size / 4


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_no_bytes_in_a_log_are_an_error(lines: list[bytes]) -> None:
    list(log_events.events([*lines, b'{"0": "pairing required", "time": 7}', b"[" * 5000 + b"pairing"], START))


@given(st.lists(st.integers(0, 3600), min_size=1, max_size=200))
def test_the_peak_is_at_least_the_mean_and_at_most_the_count(seconds: list[int]) -> None:
    events = [LogEvent("x", START + timedelta(seconds=each)) for each in sorted(seconds)]
    (seen,) = condense(events)
    assert seen.count == len(seconds)
    assert seen.peak_per_minute <= seen.count
    assert seen.peak_per_minute * 61 >= seen.count


def test_many_kinds_of_lines_keep_the_memory_bounded() -> None:
    events = (LogEvent("x", START, device=f"{each:064x}") for each in range(5000))
    assert len(condense(events)) < 500


@pytest.mark.parametrize("way", ["appended", "replaced", "cut"])
def test_what_comes_to_a_log_is_told_once_however_it_is_rotated(tmp_path: Path, way: str) -> None:
    path = tmp_path / "openclaw.log"
    path.write_bytes(b"an older line\n")
    tail = LogTail(path)
    if way == "replaced":
        path.rename(tmp_path / "openclaw.1.log")
    if way == "cut":
        path.write_bytes(b"")
    with path.open("ab") as file:
        file.write(b"new\nhalf")
    assert tail.more() == (b"new",)
    with path.open("ab") as file:
        file.write(b" done\n")
    assert tail.more() == (b"half done",)


def logins(world: World, agent: str, **profiles: dict[str, object]) -> Path:
    """An agent's store of logins (file era)."""
    path = world.state / "agents" / agent / "agent" / "auth-profiles.json"
    usage = {name: profile.pop("usage") for name, profile in profiles.items() if "usage" in profile}
    stats = {f"{name}:default": each for name, each in usage.items()}
    stored = {f"{name}:default": {"type": "api_key", "provider": name, **each} for name, each in profiles.items()}
    write_file(path, {"version": 1, "profiles": stored, "usageStats": stats})
    return path


def test_a_401_is_told_with_agent_and_profile_and_whether_the_key_was_lost_since_the_snapshot(world_of: WorldOf) -> None:
    world = world_of("2026.2.22")
    refused: dict[str, object] = {"failureCounts": {"auth": 3}, "lastFailureAt": 1_788_000_000_000}
    logins(world, "main", openai={"key": "sk-before"}, zai={"key": "sk-z", "usage": dict(refused)}, groq={"key": "sk-g"})
    world.change_token(world.own)
    assert said(world, "--json", "--yes", "repair").exit_code == 0  # takes a snapshot
    now: dict[str, dict[str, object]] = {
        "openai": {"key": "sk-another", "usage": dict(refused)},
        "zai": {"key": "sk-z", "usage": dict(refused)},
        "mistral": {"key": "sk-m", "usage": dict(refused)},
    }
    logins(world, "main", **now)
    found = {each["title"].split(" of profile ")[-1].split()[0]: each for each in causes(world)}
    told = {name: " ".join(each["evidence"]) for name, each in found.items() if each["code"] == "provider-unauthorized"}
    assert "it held another key, which was changed or lost since" in told["openai:default"]
    assert "its key is the same and was refused then already" in told["zai:default"]
    assert "nothing was lost" in told["mistral:default"]
    lost = cause(world, "provider-login-lost")
    assert lost["title"].startswith("agent main has lost its login groq:default")
    assert "release 2026.2.22" in lost["evidence"][0]
    text = json.dumps(found)
    assert "sk-" not in text


def test_a_401_as_2_22_writes_it_is_given_to_the_profile_that_failed_at_that_moment(world_of: WorldOf) -> None:
    """The line and the store of a real 2.22 whose provider answered 401: no agent in the one, no count in the other."""
    world = world_of("2026.2.22")
    at = datetime.now(UTC)
    said_so = "embedded run agent end: runId=651b59e1-3711-45e7 isError=true error=401 Incorrect API key provided: sk-abc"
    world.log.write_bytes(line(said_so, at))
    noted: dict[str, object] = {"errorCount": 0, "lastFailureAt": int(at.timestamp() * 1000), "lastUsed": 1}
    logins(world, "main", stub={"key": "sk-stub", "usage": noted}, other={"key": "sk-o"})
    found = cause(world, "provider-unauthorized")
    assert "profile stub:default of agent main" in found["title"]
    assert "no snapshot tells" in found["evidence"][1]
