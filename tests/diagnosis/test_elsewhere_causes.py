"""Containers, other machines, owners that are gone: judged from environment, configuration and files."""

import signal
import sqlite3
from contextlib import closing

from tests.diagnosis.told import cause, causes, codes
from tests.world.devices import Device, write_file
from tests.world.fixtures import WorldOf


def test_a_bind_that_the_environment_overrides_is_named_with_what_it_entails(world_of: WorldOf) -> None:
    world = world_of()
    found = {each["code"]: each for each in causes(world, OPENCLAW_GATEWAY_BIND="lan")}
    assert "gateway.bind=loopback" in found["bind-overridden"]["title"]
    assert "wss://" in found["lan-plain-ws"]["remedy"]


def test_a_device_that_paired_itself_in_a_container_may_only_read(world_of: WorldOf) -> None:
    world = world_of()
    world.pair(Device.new("cli in a container", scopes=("operator.read",)))
    assert cause(world, "paired-read-only", OPENCLAW_GATEWAY_BIND="lan")["impact"] == "breaks now"
    assert "paired-read-only" not in codes(world)


def test_a_plain_address_of_another_machine_is_refused_by_clients(world_of: WorldOf) -> None:
    world = world_of()
    world.edit_config(lambda c: c["gateway"].update(remote={"url": "ws://gateway.example:18789"}))
    assert cause(world, "remote-plain-ws")["impact"] == "breaks now"
    world.edit_config(lambda c: c["gateway"].update(remote={"url": "ws://127.0.0.1:18789"}))
    assert "remote-plain-ws" not in codes(world)


def test_the_lock_of_a_gateway_that_was_killed_is_told_and_is_no_fault(world_of: WorldOf) -> None:
    world = world_of()
    world.start_gateway()
    killed = world.gateways()[0]
    killed.signal(signal.SIGKILL)
    world.wait(lambda: not killed.alive, "the end of the killed gateway")
    world.end_left_over()
    found = [each for each in causes(world) if each["code"] == "stale-lock"]
    assert all(str(killed.pid) in each["title"] and each["impact"] == "told" for each in found)
    assert any("state_leases" in each["title"] for each in found)
    assert any("gateway.state.lock" in each["title"] for each in found)


def test_a_gateway_that_is_not_restarted_after_an_update_is_named(world_of: WorldOf) -> None:
    world = world_of()
    world.start_gateway()
    manifest = world.package / "package.json"
    manifest.write_text(manifest.read_text().replace("2026.9.5", "2026.9.6"))
    assert cause(world, "gateway-not-restarted")["remedy"] == "`openclaw gateway restart`"


def test_transcripts_without_their_index_are_no_pairing_trouble(world_of: WorldOf) -> None:
    world = world_of("2026.2.22")
    folder = world.state / "agents" / "main" / "sessions"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "one.jsonl").write_text("{}\n")
    (folder / "sessions.json").unlink(missing_ok=True)
    found = cause(world, "session-store-in-part")
    assert found["nature"] == "not device pairing"
    (folder / "sessions.json").write_text("{}\n")
    assert "session-store-in-part" not in codes(world)


def test_requests_of_ever_new_devices_of_one_client_are_counted(world_of: WorldOf) -> None:
    world = world_of("2026.2.22")
    asked = {f"r{n}": {"requestId": f"r{n}", "deviceId": f"{n:064x}", "clientId": "acp", "ts": 1} for n in range(9)}
    write_file(world.state / "devices" / "pending.json", asked)
    assert cause(world, "requests-pile-up")["title"].startswith("9 different devices of client acp")


def test_an_agents_database_of_another_moment_is_named_by_its_file(world_of: WorldOf) -> None:
    world = world_of()
    path = world.state / "agents" / "main" / "agent" / "openclaw-agent.sqlite"
    path.parent.mkdir(parents=True, exist_ok=True)
    for schema, code in ((1, "agent-schema-older"), (99, "agent-schema-too-new")):
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("CREATE TABLE IF NOT EXISTS rows_of_another_day (id)")
            connection.execute(f"PRAGMA user_version = {schema}")
        assert cause(world, code)["place"] == str(path.relative_to(world.state))
