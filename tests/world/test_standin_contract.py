"""The stand-in does what the real releases were seen to do: the same list of observations, compared with the recorded ones."""

import json

import pytest

from tests.world.contract import OBSERVATIONS, RECORDED, observe, observe_move, recorded
from tests.world.contract.moving import give_it_history, in_the_hands_of
from tests.world.fixtures import WorldOf
from tests.world.release import StandIn
from upgrader.adapters.canary.stub_model import StubModel

_NAMES = sorted(path.stem for path in RECORDED.glob("*.json"))
_RELEASES = [name for name in _NAMES if ".." not in name]
_MOVES = [tuple(name.split("..")) for name in _NAMES if ".." in name]


@pytest.mark.parametrize("version", _RELEASES)
def test_a_recorded_release_was_observed_in_everything(version: str) -> None:
    era = StandIn(version).profile()["era"]
    assert set(recorded(version)) == {each.name for each in OBSERVATIONS if era in each.eras}


@pytest.mark.parametrize("version", _RELEASES)
def test_the_stand_in_does_what_the_real_release_was_seen_to_do(world_of: WorldOf, stub_model: StubModel, version: str) -> None:
    truth = recorded(version)
    differing = {}
    world = world_of(version)
    world.repack(StandIn(version, changes={"readyAfterMs": 1500}))  # time enough to see it on the way up
    for name, value in observe(world, stub_model):
        world.repack(StandIn(version))
        found = json.loads(json.dumps(value))
        if found != truth[name]:
            differing[name] = {"real": truth[name], "stand-in": found}
    assert not differing, json.dumps(_only_differences(differing), indent=1)


@pytest.mark.parametrize(("old", "new"), _MOVES)
def test_a_move_of_the_stand_in_goes_as_the_real_one(world_of: WorldOf, stub_model: StubModel, old: str, new: str) -> None:
    older = world_of(old)
    give_it_history(older, stub_model)
    newer = in_the_hands_of(older, new, world_of(new).prefix)
    found = json.loads(json.dumps(observe_move(older, newer)))
    truth = recorded(f"{old}..{new}")
    assert found == truth, json.dumps(_only_differences({"real": truth, "stand-in": found}), indent=1)


def _only_differences(differing: object) -> object:
    """Of two dicts side by side only the keys that differ, down to the leaves."""
    if not isinstance(differing, dict):
        return differing
    if set(differing) == {"real", "stand-in"}:
        real, mine = differing["real"], differing["stand-in"]
        if isinstance(real, dict) and isinstance(mine, dict):
            keys = sorted({*real, *mine})
            return {
                k: _only_differences({"real": real.get(k), "stand-in": mine.get(k)}) for k in keys if real.get(k) != mine.get(k)
            }
        return differing
    return {key: _only_differences(value) for key, value in differing.items()}
