"""The layer that refused is named, by a good, an absent and a garbage token, in both eras."""

import pytest

from tests.diagnosis.told import cause
from tests.world.contract.connecting import Attempt, knock
from tests.world.devices import Device
from tests.world.fixtures import WorldOf
from tests.world.world import World
from upgrader.domain.diagnosis.layers import Layer, layer_of


def refusal(world: World, **how: object) -> Layer | None:
    """The layer that refused this connect, None when it let it in."""
    protocol = 3 if world.era == "files" else 4
    answer = knock(Attempt(world.port, (protocol, protocol), **how))  # type: ignore[arg-type]
    if answer.error is None:
        return None
    return layer_of(str((answer.error.get("details") or {}).get("code", "")), str(answer.error["message"]))


@pytest.mark.parametrize("release", ["2026.2.19", "2026.9.5"])
def test_each_layer_is_named_by_what_it_refuses(world_of: WorldOf, release: str) -> None:
    world = world_of(release)
    world.start_gateway()
    field = "token" if world.era == "files" else "deviceToken"
    own, stranger = world.own, Device.new("stranger")
    good = {"device": own, "signed_token": own.token, "client_id": "cli", "client_mode": "cli"}
    assert refusal(world, auth={field: own.token}, **good) is None
    assert refusal(world, auth={field: "garbage"}, **{**good, "signed_token": "garbage"}) is Layer.DEVICE_TOKEN
    assert refusal(world, auth={"token": "garbage"}) is Layer.SHARED_TOKEN
    assert refusal(world, auth={}, **{**good, "signed_token": ""}) is Layer.SHARED_TOKEN
    forged = {"device": stranger, "signed_token": world.token, "spoil": "signature"}
    assert refusal(world, auth={"token": world.token}, **forged) is Layer.PROOF
    assert refusal(world, auth={"token": world.token}) in (None, Layer.IDENTITY_AND_SCOPES)


def test_a_record_without_the_scopes_is_refused_by_identity_and_scopes(world_of: WorldOf) -> None:
    world = world_of("2026.2.19")
    world.narrow_scopes(world.own)
    world.start_gateway()
    asks = {"device": world.own, "signed_token": world.token, "scopes": ("operator.write",)}
    assert refusal(world, auth={"token": world.token}, **asks) is Layer.IDENTITY_AND_SCOPES


def test_a_diagnosis_names_the_layer_that_refused_its_own_look(world: World) -> None:
    world.change_token(world.own)
    assert "refused by the device token" in " ".join(cause(world, "cache-token-differs")["evidence"])
