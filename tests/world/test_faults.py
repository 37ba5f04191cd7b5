"""A release packed with a fault shows just that fault; the tests of the product rely on it."""

import json
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.world.fixtures import WorldOf
from tests.world.processes import belonging_to
from tests.world.release import StandIn
from tests.world.world import World
from upgrader.adapters.canary.stub_model import StubModel
from upgrader.domain.canary.turns import Saw

Spoilt = Callable[..., World]


@pytest.fixture
def spoilt(world_of: WorldOf) -> Spoilt:
    """A world whose 2026.9.5 state is in the hands of a 2026.9.6 with these faults; doctor has run unless told otherwise."""

    def build(faults: Mapping[str, Mapping[str, Any]], *, doctor: str = "fix") -> World:
        world = world_of()
        world.repack(StandIn("2026.9.6", faults=faults))
        if doctor:
            assert world.openclaw("doctor", f"--{doctor}", "--non-interactive").exit_code == 0
        return world

    return build


def turn(world: World, model: StubModel, tool: str, nonce: str) -> str:
    arguments = json.dumps({"task": f"upgrader child {nonce}: say hi"})
    world.openclaw(
        "agent", "--agent", "main", "--message", f"upgrader probe {nonce}: call {tool} with {arguments} end of probe"
    )
    return next((event.result for event in model.events(nonce) if event.saw is Saw.RESULT), "")


def test_a_release_that_refuses_agents_is_healthy_in_everything_else(spoilt: Spoilt, stub_model: StubModel) -> None:
    world = spoilt({"refusesAgents": {}})
    world.start_gateway()
    assert world.openclaw("health", "--json").json["ok"] is True
    assert "gateway closed (1008): pairing required" in turn(world, stub_model, "sessions_spawn", "aa11bb22")


def test_a_release_whose_turns_fail_says_so(spoilt: Spoilt) -> None:
    world = spoilt({"turnsFail": {"message": "the model is gone"}})
    world.start_gateway()
    said = world.openclaw("agent", "--agent", "main", "--message", "hello")
    assert said.exit_code == 1
    assert "the model is gone" in said.stderr


@pytest.mark.parametrize("how", ["row", "scopes", "token"])
def test_a_migration_that_loses_pairing_loses_just_that(spoilt: Spoilt, how: str) -> None:
    world = spoilt({"migrationLosesPairing": {"how": how}})
    kept = world.devices().get(world.own.id)
    if how == "row":
        assert kept is None
        return
    assert kept is not None
    token = json.loads(kept["tokens_json"])["operator"]["token"]
    assert (json.loads(kept["scopes_json"]) == ["operator.read"], token != world.own.token) == (how == "scopes", how == "token")


def test_a_doctor_that_leaves_a_daemon_ends_but_its_daemon_holds_the_output(spoilt: Spoilt) -> None:
    world = spoilt({"doctorDaemon": {"seconds": 30}})
    assert belonging_to(world.root)


def test_a_failing_doctor_ends_with_its_code(spoilt: Spoilt) -> None:
    world = spoilt({"doctorFails": {"code": 1, "message": "the disk is strange"}}, doctor="")
    said = world.openclaw("doctor", "--fix", "--non-interactive")
    assert (said.exit_code, "the disk is strange" in said.stderr) == (1, True)
    assert world.schema() == 17


def test_lint_shows_the_findings_a_release_was_packed_with(spoilt: Spoilt) -> None:
    world = spoilt({"lintFindings": {"findings": [{"checkId": "x/y", "severity": "error", "message": "bad"}]}})
    said = world.openclaw("doctor", "--lint", "--json", "--severity-min", "error")
    assert said.exit_code == 1
    assert said.json["findings"][0]["checkId"] == "x/y"


def test_a_flapping_gateway_is_ready_and_then_gone(spoilt: Spoilt) -> None:
    world = spoilt({"flaps": {"afterMs": 300}})
    world.start_gateway()
    world.wait(lambda: not world.gateway_lives(), "its end")


def test_a_gateway_that_is_never_ready_lives_all_the_same(spoilt: Spoilt) -> None:
    world = spoilt({"neverReady": {}})
    child = world.begin_openclaw("gateway", "run")
    world.wait(lambda: world.http("/healthz")[0] == 200, "a live gateway")
    assert world.http("/readyz")[0] == 503
    child.kill()


def test_a_gateway_deaf_to_sigterm_needs_sigkill(spoilt: Spoilt) -> None:
    world = spoilt({"ignoresTerm": {}})
    gateway = world.start_gateway()
    gateway.signal(signal.SIGTERM)
    asked = time.monotonic()
    world.wait(lambda: time.monotonic() - asked > 0.3, "a while")
    assert gateway.alive


def test_a_release_that_writes_where_the_state_points_is_found_there(spoilt: Spoilt, tmp_path: Path) -> None:
    world = spoilt({"writesLive": {}})
    columns = "store_key, job_id, name, enabled, payload_kind, job_json, updated_at"
    where = str(tmp_path / "live" / "jobs.json")
    world.change(f"INSERT INTO cron_jobs ({columns}) VALUES (?, 'j', 'j', 1, 'x', '{{}}', 1)", where)
    world.start_gateway()
    world.wait(lambda: (tmp_path / "live" / "written-by-a-broken-release").exists(), "what it wrote")


def test_a_noisy_release_logs_what_it_was_packed_with(spoilt: Spoilt) -> None:
    world = spoilt({"noisyLog": {"lines": ["device pairing looks odd today"]}})
    world.start_gateway()
    world.wait(lambda: any("looks odd" in line.message for line in world.log_since()), "its line")


def test_an_install_that_fails_says_why(spoilt: Spoilt) -> None:
    world = spoilt({"installFails": {"message": "no bus today"}})
    said = world.openclaw("gateway", "install", "--force", "--json")
    assert (said.exit_code, said.json["error"]) == (1, "no bus today")


def test_a_state_of_the_file_era_is_taken_over_by_the_doctor_of_a_later_release(world_of: WorldOf) -> None:
    world = world_of("2026.2.17")
    world.start_gateway()
    world.stop_gateway()
    before = world.devices()
    world.repack(StandIn("2026.9.6"))
    assert world.openclaw("gateway", "run").exit_code == 78
    assert world.openclaw("doctor", "--fix", "--non-interactive").exit_code == 0
    rows = world.query("SELECT device_id FROM device_pairing_paired")
    assert {row[0] for row in rows} == set(before)
    assert (world.state / "devices" / "paired.json.migrated").exists()
    assert not (world.state / "identity" / "device.json").exists()
