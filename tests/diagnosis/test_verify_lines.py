"""`upgrader verify`: a line for each kind of client, never one answer that hides a kind; and the same by hand."""

import pytest

from tests.diagnosis.test_repair import narrow_as_2_17_pairs
from tests.diagnosis.told import said
from tests.world.fixtures import WorldOf
from tests.world.world import World

KINDS = ["cli", "tui", "gateway-client", "control-ui", "acp", "node"]


def test_every_kind_has_a_line_with_what_it_asks_for_and_may_have(world: World) -> None:
    lines = said(world, "--json", "verify").json["data"]["clients"]
    assert [line["kind"] for line in lines] == KINDS
    cli = lines[0]
    assert cli["asks"]
    assert cli["may_have"]
    assert cli["standing"] in ("let in", "not held against the record")


def test_the_kind_that_2_19_refuses_is_named_and_the_others_are_not_hidden_by_it(world_of: WorldOf) -> None:
    world = world_of("2026.2.19")
    narrow_as_2_17_pairs(world)
    lines = {line["kind"]: line for line in said(world, "--json", "verify").json["data"]["clients"]}
    assert lines["gateway-client"]["standing"] == "refused"
    assert "operator.read" in lines["gateway-client"]["why"]
    assert lines["cli"]["standing"] == "let in"


def test_one_screen_tells_all_kinds_in_words(world_of: WorldOf) -> None:
    shown = said(world_of("2026.2.22"), "verify").stdout
    assert all(kind in shown for kind in KINDS)
    assert len(shown.splitlines()) < 40


@pytest.mark.parametrize("release", ["2026.2.17", "2026.9.6"])
def test_the_same_checks_can_be_had_as_openclaws_own_commands(world_of: WorldOf, release: str) -> None:
    world = world_of(release)
    commands = [each["command"] for each in said(world, "--json", "verify", "--print").json["data"]["checks"]]
    assert any("sessions_spawn" in each for each in commands)
    assert ("openclaw gateway status --require-rpc" in commands) == (release == "2026.9.6")
    assert "devices list" in said(world, "verify", "--print").stdout
