"""The recorded observations are still what the real OpenClaw does."""

import json
from typing import Any

import pytest

from tests.real.conftest import Installed, RealWorldOf
from tests.world.contract import MOVES, RELEASES, observe, observe_move, recorded
from tests.world.contract.moving import give_it_history, in_the_hands_of
from upgrader.adapters.canary.stub_model import StubModel

pytestmark = [pytest.mark.real, pytest.mark.timeout(3600)]


@pytest.mark.parametrize("version", RELEASES)
def test_a_real_release_does_what_was_recorded(real_world_of: RealWorldOf, stub_model: StubModel, version: str) -> None:
    world = real_world_of(version)
    found = {name: json.loads(json.dumps(value)) for name, value in observe(world, stub_model)}
    assert _without_moments(found) == _without_moments(recorded(version))


@pytest.mark.parametrize(("old", "new"), MOVES)
def test_a_real_move_goes_as_recorded(
    real_world_of: RealWorldOf, installed: Installed, stub_model: StubModel, old: str, new: str
) -> None:
    older = real_world_of(old)
    give_it_history(older, stub_model)
    newer = in_the_hands_of(older, new, installed(new).prefix)
    assert observe_move(older, newer) == recorded(f"{old}..{new}")


def _without_moments(found: dict[str, Any]) -> dict[str, Any]:
    """Without what depends on when one looks: the answers on the way up are seen or missed."""
    return {name: value for name, value in found.items() if name != "phases of a start"}
