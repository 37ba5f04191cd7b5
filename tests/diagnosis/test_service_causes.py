"""Faults around the gateway: what its unit knows and starts, what the shell says, who else runs, what merely looks like one."""

import json

from tests.diagnosis.told import cause, causes, codes, diagnosed
from tests.world.fixtures import WorldOf
from tests.world.processes import start_detached
from tests.world.units import service_unit
from tests.world.world import free_port

OTHER = "another-token-of-a-former-day-0123456789"


def test_a_unit_that_fits_is_no_cause(world_of: WorldOf) -> None:
    world = world_of()
    service_unit(world, more=f"Environment=OPENCLAW_GATEWAY_TOKEN={world.token}")
    assert codes(world) == ["no-gateway"]


def test_an_old_token_in_unit_drop_in_or_environment_file_is_named_with_its_file(world_of: WorldOf) -> None:
    world = world_of()
    path = service_unit(world, more=f"Environment=OPENCLAW_GATEWAY_TOKEN={OTHER}")
    found = cause(world, "service-token-differs")
    assert found["place"] == str(path)
    assert OTHER not in json.dumps(found)
    service_unit(world)
    drop_in = path.with_name(path.name + ".d") / "10-token.conf"
    drop_in.parent.mkdir()
    drop_in.write_text(f"[Service]\nEnvironment=OPENCLAW_GATEWAY_TOKEN={OTHER}\n")
    assert cause(world, "service-token-differs")["place"] == str(drop_in)
    drop_in.unlink()
    file = world.state / "gateway.systemd.env"
    file.write_text(f"OPENCLAW_GATEWAY_TOKEN={OTHER}\n")
    service_unit(world, more=f"EnvironmentFile=-{file}")
    assert cause(world, "service-token-differs")["place"] == str(file)


def test_the_shells_own_token_is_told_apart_from_the_gateways(world_of: WorldOf) -> None:
    for release, impact in (("2026.2.22", "breaks now"), ("2026.9.5", "told")):  # 9.5 goes by the configuration
        found = cause(world_of(release), "shell-token-differs", OPENCLAW_GATEWAY_TOKEN=OTHER)
        assert (found["nature"], found["impact"]) == ("service and processes", impact)


def test_a_unit_that_starts_an_older_install_or_a_node_that_is_gone_is_named(world_of: WorldOf) -> None:
    world = world_of()
    older = world.home / "old" / "lib" / "node_modules" / "openclaw"
    older.mkdir(parents=True)
    (older / "package.json").write_text('{"name": "openclaw", "version": "2026.8.1"}')
    (older / "openclaw.mjs").write_text("")
    path = service_unit(world, package=older)
    assert "2026.8.1" in cause(world, "service-starts-another")["title"]
    path.write_text(path.read_text().replace(str(world.node.node), "/opt/gone/node").replace(str(older), str(world.package)))
    assert "service-node-gone" in codes(world)


def test_a_service_on_another_state_than_the_shell_is_the_first_cause(world_of: WorldOf) -> None:
    world = world_of()
    (world.home / "elsewhere").mkdir()
    service_unit(world, more=f"Environment=OPENCLAW_STATE_DIR={world.home / 'elsewhere'}")
    said = diagnosed(world)
    assert said.exit_code == 3
    assert said.json["data"]["causes"][0]["code"] == "service_elsewhere"


def test_units_that_merely_mention_openclaw_get_their_cleanup_hint_quoted_and_forbidden(world_of: WorldOf) -> None:
    world = world_of()
    service_unit(world)
    folder = world.home / ".config" / "systemd" / "user"
    (folder / "auto_summarize.service").write_text("[Service]\nExecStart=/usr/bin/python3 /srv/openclaw-notes/summarize.py\n")
    (folder / "token_logger.service").write_text("[Service]\nExecStart=/usr/bin/logger -f /tmp/openclaw/tokens.log\n")
    (folder / "backup.service").write_text("[Service]\nExecStart=/usr/bin/true\n")
    hints = [each for each in causes(world) if each["code"] == "cleanup-hint"]
    assert {"auto_summarize.service", "token_logger.service"} == {each["title"].split()[0] for each in hints}
    for each in hints:
        assert "do NOT run" in each["remedy"]
        assert "systemctl --user disable --now openclaw-gateway.service" in each["remedy"]
        assert each["impact"] == "told"


def test_a_second_service_on_the_same_state_is_told_apart_from_one_on_its_own(world_of: WorldOf) -> None:
    world = world_of()
    service_unit(world)
    service_unit(world, "gateway-copy.service")
    (world.home / "work").mkdir()
    service_unit(world, "openclaw-gateway-work.service", more=f"Environment=OPENCLAW_STATE_DIR={world.home / 'work'}")
    found = {each["code"]: each for each in causes(world)}
    assert found["second-service"]["title"].startswith("gateway-copy.service")
    assert found["other-gateway"]["impact"] == "told"


def test_two_gateways_on_one_state_are_named_by_their_processes(world_of: WorldOf) -> None:
    world = world_of("2026.2.22")
    world.start_gateway()
    for lock in (world.root / "tmp").rglob("gateway.*.lock"):
        lock.unlink()
    second = (str(world.node.node), str(world.package / "openclaw.mjs"), "gateway", "run", "--port", str(free_port()))
    start_detached(second, world.environment, world.root / "second.out", world.home)
    world.wait(lambda: len(world.gateways()) == 2, "a second gateway")
    world.wait(lambda: "several-gateways" in codes(world), "the second gateway in the process table")
    found = causes(world)[0]
    assert found["code"] == "several-gateways"
    assert all(f"pid {each.pid}" in " ".join(found["evidence"]) for each in world.gateways())


def test_a_stranger_on_the_port_is_named(world_of: WorldOf) -> None:
    world = world_of()
    argv = (str(world.node.node), "-e", f"require('net').createServer().listen({world.port}, '127.0.0.1')")
    start_detached(argv, world.environment, world.root / "stranger.out", world.home)
    world.wait(lambda: "port-taken" in codes(world), "a stranger on the port")


def test_a_gateway_of_another_profile_on_this_port_is_told_with_both_truths(world_of: WorldOf) -> None:
    world = world_of()
    other = world.home / ".openclaw-work"
    other.mkdir(mode=0o700)
    (other / "openclaw.json").write_text(world.config.read_text())
    argv = (str(world.node.node), str(world.package / "openclaw.mjs"), "gateway", "run", "--port", str(world.port))
    places = {"OPENCLAW_STATE_DIR": str(other), "OPENCLAW_CONFIG_PATH": str(other / "openclaw.json")}
    start_detached(argv, {**world.environment, **places, "OPENCLAW_PROFILE": "work"}, world.root / "work.out", world.home)
    world.wait(world.is_ready, "the gateway of another profile")
    told = diagnosed(world)
    found = told.json["data"]["causes"][0]
    assert (found["code"], found["place"]) == ("gateway-of-another-state", str(other))
    assert "--profile work devices list" in found["remedy"]
    truths = {each["what"]: (each["client"], each["gateway"]) for each in told.json["data"]["truths"]}
    assert truths["state directory"] == (str(world.state), str(other))
    assert truths["profile"] == ("default", "work")


def test_a_gateway_that_runs_by_another_node_than_its_unit_says_is_named(world_of: WorldOf) -> None:
    world = world_of()
    world.start_gateway()
    path = service_unit(world)
    assert "gateway-not-as-defined" not in codes(world)
    other = world.home / "node-of-the-system"
    other.write_bytes(b"")
    path.write_text(path.read_text().replace(str(world.node.node), str(other)))
    found = cause(world, "gateway-not-as-defined")
    assert str(other) in found["evidence"][0]
    assert str(world.node.node.resolve()) in found["evidence"][0]


def test_settings_that_keep_agents_apart_are_named_as_no_pairing(world_of: WorldOf) -> None:
    world = world_of()
    world.edit_config(lambda c: c["tools"].update(agentToAgent={"enabled": False}, sessions={"visibility": "self"}))
    found = {each["code"]: each for each in causes(world)}
    for name in ("agent-to-agent-off", "visibility-restricted"):
        assert found[name]["nature"] == "not device pairing"
    assert diagnosed(world).exit_code == 0


def test_only_migrated_originals_after_a_code_only_way_back(world_of: WorldOf) -> None:
    world = world_of("2026.2.22")
    for path in (world.state / "devices" / "paired.json", world.state / "identity" / "device.json"):
        path.rename(path.with_name(path.name + ".migrated"))
    assert causes(world)[0]["code"] == "only-migrated-originals"


def test_an_identity_made_anew_is_named_with_the_one_before(world_of: WorldOf) -> None:
    world = world_of("2026.2.22")
    (world.state / "identity" / "device.json").unlink()
    (world.state / "identity" / "device-auth.json").unlink()
    world.openclaw("gateway", "status", "--json")
    found = [each["code"] for each in causes(world)]
    assert found[0] in ("identity-missing", "identity-made-anew"), found


def test_devices_that_pile_up_are_counted_with_their_dates(world_of: WorldOf) -> None:
    from tests.world.devices import Device

    world = world_of()
    for _ in range(9):
        world.pair(Device.new("container", "openclaw-acp", "cli"))
    found = cause(world, "identities-pile-up")
    assert found["title"].startswith("9 paired devices of client openclaw-acp")
    assert "2026-08-29" in found["evidence"][0]


def test_a_token_that_stands_in_a_history_is_told_by_its_file(world_of: WorldOf) -> None:
    world = world_of()
    (world.home / ".bash_history").write_text(f"export OPENCLAW_GATEWAY_TOKEN={world.token}\n")
    found = cause(world, "token-exposed")
    assert found["place"].startswith(str(world.home / ".bash_history"))
    assert "rotate-gateway-token" in found["remedy"]
