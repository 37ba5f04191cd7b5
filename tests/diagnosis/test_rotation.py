"""`repair --rotate-gateway-token`: a new token everywhere at once, proven in force, put back when it is not."""

import json

import pytest

from tests.diagnosis.told import said
from tests.world.contract.connecting import Attempt, knock
from tests.world.fixtures import WorldOf
from tests.world.world import World


def token_of(world: World) -> str:
    return str(json.loads(world.config.read_text())["gateway"]["auth"]["token"])


@pytest.mark.parametrize("release", ["2026.2.17", "2026.9.5"])
def test_the_new_token_is_in_force_the_old_one_refused_and_neither_shown(world_of: WorldOf, release: str) -> None:
    world = world_of(release)
    env = world.state / ".env"
    env.write_text(f"OPENCLAW_GATEWAY_TOKEN={world.token}\n")
    env.chmod(0o600)
    (world.home / ".bash_history").write_text(f"export T={world.token}\n")
    world.start_gateway()
    done = world.run("repair", "--rotate-gateway-token", "--json", "--yes")
    assert done.exit_code == 0, done.text
    new = token_of(world)
    assert new != world.token
    assert len(new) == 48
    assert env.read_text() == f"OPENCLAW_GATEWAY_TOKEN={new}\n"
    assert {str(world.config), str(env)} == set(done.json["data"]["changed"])
    assert any(".bash_history" in each for each in done.json["data"]["tell"])
    assert new not in done.text
    assert world.token not in done.text
    protocol = 4 if release == "2026.9.5" else 3
    answers = [knock(Attempt(world.port, (protocol, protocol), {"token": each})) for each in (new, world.token)]
    assert "mismatch" not in json.dumps(answers[0].error)
    assert "mismatch" in json.dumps(answers[1].error)


def test_a_dry_run_names_the_files_and_changes_none(world_of: WorldOf) -> None:
    world = world_of()
    before = world.state_digest()
    done = said(world, "--json", "repair", "--rotate-gateway-token", "--dry-run")
    assert done.json["data"]["changed"] == [str(world.config)]
    assert world.state_digest() == before


def test_a_token_that_stands_in_no_file_is_not_guessed_at(world_of: WorldOf) -> None:
    world = world_of()
    world.edit_config(lambda c: c["gateway"]["auth"].update(token="${WHEREVER_IT_IS}"))
    elsewhere = {**world.environment, "WHEREVER_IT_IS": "t" * 40}
    done = world.run("repair", "--rotate-gateway-token", "--json", "--yes", environment=elsewhere)
    assert done.exit_code == 3
    assert done.json["errors"][0]["code"] in ("token_elsewhere", "no_gateway_token")
