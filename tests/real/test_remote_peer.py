"""A peer on another machine (another network namespace, wss): which layer refuses it, what each side must do, that it helps."""

import json
import os
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.diagnosis.told import cause, diagnosed
from tests.real.conftest import RealWorldOf
from tests.real.network import Cable, cable, can_make_namespaces, certificate, inside
from tests.world.commands import Said
from tests.world.contract.connecting import Answer, Attempt, knock
from tests.world.devices import Device, write_file
from tests.world.processes import start_detached
from tests.world.world import World
from upgrader.domain.diagnosis.layers import Layer, layer_of

LIMIT_S = 300.0
_SOME_S = 25.0  # `openclaw acp` waits for its editor; by then it has connected or given up

pytestmark = [
    pytest.mark.real,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not can_make_namespaces(), reason="needs root and network namespaces"),
]


@dataclass
class Peer:
    """The other machine: its own HOME, in its own network."""

    world: World
    cable: Cable
    home: Path
    trusted: Path

    @property
    def url(self) -> str:
        return f"wss://{self.cable.gateway_address}:{self.world.port}"

    def acp(self) -> Said:
        """`openclaw acp` as a person would start it there, for as long as a connect takes."""
        token = self.home / "gateway.token"
        token.write_text(self.world.token)
        token.chmod(0o600)
        argv = [str(self.world.node.node), str(self.world.package / "openclaw.mjs"), "acp", "--url", self.url]
        environment = {**self.world.environment, "HOME": str(self.home), "NODE_EXTRA_CA_CERTS": str(self.trusted)}
        with inside(self.cable.peer), (self.home / "said").open("wb") as said:
            process = subprocess.Popen(
                [*argv, "--token-file", str(token), "--verbose"],
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=said,
                env=environment,
                cwd=self.home,
                start_new_session=True,
            )
        try:
            process.wait(_SOME_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 15)
            process.wait(20)
        if process.stdin:
            process.stdin.close()
        return Said(process.returncode, (self.home / "said").read_text(errors="replace"), "")

    def knock(self, device: Device | None, **how: Any) -> Answer:
        """A connect from there, as exactly as wished."""
        context = ssl.create_default_context(cafile=str(self.trusted))
        asked = {"client_id": "cli", "client_mode": "cli", **how}
        attempt = Attempt(self.world.port, (4, 4), device=device, host=self.cable.gateway_address, tls=context, **asked)
        with inside(self.cable.peer):
            return knock(attempt)

    def refusal(self, device: Device | None, **how: Any) -> Layer | None:
        """The layer that refused it, None where it was let in."""
        answer = self.knock(device, **how)
        if answer.error is None:
            return None
        print(how.get("scopes"), list(how.get("auth", {})), answer.error)
        return layer_of(str((answer.error.get("details") or {}).get("code", "")), str(answer.error["message"]))


@pytest.fixture
def peer(real_world_of: RealWorldOf, tmp_path: Path) -> Iterator[Peer]:
    """A gateway that listens beyond loopback with TLS, and a machine that reaches it."""
    with cable() as joined, inside(joined.gateway):
        world = real_world_of("2026.9.6")
        public, key = certificate(tmp_path, joined.gateway_address)
        origins = {"allowedOrigins": [f"https://{joined.gateway_address}:{world.port}"]}
        tls = {"enabled": True, "certPath": str(public), "keyPath": str(key)}
        world.edit_config(lambda c: c["gateway"].update(bind="lan", tls=tls, controlUi=origins))
        argv = (str(world.node.node), str(world.package / "openclaw.mjs"), "gateway", "run")
        world.gateway = start_detached(argv, world.environment, world.root / "gateway.out", world.home)
        home = world.root / "peer"
        (home / ".openclaw").mkdir(parents=True, mode=0o700)
        write_file(home / ".openclaw" / "openclaw.json", {"gateway": {"mode": "remote"}})
        made = Peer(world, joined, home, public)
        local = Attempt(world.port, (4, 4), {"token": world.token}, tls=ssl.create_default_context(cafile=str(public)))
        world.wait(lambda: is_up(local), f"the gateway with TLS: {world.gateway_output()}", LIMIT_S)
        yield made
        world.stop_gateway()


def is_up(attempt: Attempt) -> bool:
    try:
        return knock(attempt).hello is not None
    except OSError:
        return False


def approve_all(world: World) -> None:
    for request in world.pending():
        assert world.openclaw("devices", "approve", request, "--json", limit_s=LIMIT_S).exit_code == 0


def test_a_peer_that_may_only_read_is_told_which_layer_refuses_it_and_what_each_side_must_do(peer: Peer) -> None:
    world = peer.world
    healthy = diagnosed(world).json["data"]["causes"]
    print("healthy:", [(c["code"], c["title"], c["evidence"]) for c in healthy])
    device = Device.new("peer")
    shared = {"auth": {"token": world.token}, "signed_token": world.token}
    assert peer.refusal(device, scopes=("operator.read",), **shared) is Layer.IDENTITY_AND_SCOPES
    print("pending:", [(r["device_id"][:12], r["scopes_json"]) for r in world.pending().values()])
    approve_all(world)
    token = json.loads(world.devices()[device.id]["tokens_json"])["operator"]["token"]
    good = {"auth": {"deviceToken": token}, "signed_token": token}
    garbage = {"auth": {"deviceToken": "garbage"}, "signed_token": "garbage"}
    assert peer.refusal(device, scopes=("operator.read",), **good) is None
    assert peer.refusal(device, scopes=("operator.write",), **good) is Layer.IDENTITY_AND_SCOPES
    assert world.pending() == {}, "nothing is queued for it"
    assert peer.refusal(device, scopes=("operator.read",), **garbage) is Layer.DEVICE_TOKEN
    assert peer.refusal(device, scopes=("operator.read",), auth={}, signed_token="") is Layer.SHARED_TOKEN
    wrong = {"auth": {"token": "garbage"}, "signed_token": "garbage"}
    assert peer.refusal(device, scopes=("operator.read",), **wrong) is Layer.SHARED_TOKEN
    told = cause(world, "remote-read-only")
    print("told:", json.dumps(told, indent=1))
    assert told["device"] == device.id[:12]
    assert f"openclaw devices remove {device.id}" in told["remedy"]


def test_what_is_told_to_both_sides_lets_the_peer_in(peer: Peer) -> None:
    """`openclaw acp` of the other machine: refused and queued, approved, let in; then narrowed, and the remedy followed."""
    world = peer.world
    first = peer.acp()
    print("acp, unknown:", first.exit_code, first.stdout[-600:])
    (request,) = world.pending().values()
    approve_all(world)
    (device,) = [d for d in world.devices() if d not in (world.own.id, world.phone.id)]
    print("approved:", request["scopes_json"], world.devices()[device]["scopes_json"])
    second = peer.acp()
    print("acp, approved:", second.exit_code, second.stdout[-600:])
    assert "pairing required" not in second.stdout
    narrow = json.dumps(["operator.read"])
    tokens = json.loads(world.devices()[device]["tokens_json"])
    tokens["operator"]["scopes"] = ["operator.read"]
    sql = "UPDATE device_pairing_paired SET scopes_json=?, approved_scopes_json=?, tokens_json=? WHERE device_id=?"
    assert world.change(sql, narrow, narrow, json.dumps(tokens), device) == 1
    third = peer.acp()
    print("acp, narrowed:", third.exit_code, third.stdout[-600:], list(world.pending().values()))
    told = [each for each in diagnosed(world).json["data"]["causes"] if each["device"] == device[:12]]
    print("told:", json.dumps(told, indent=1))
    assert told[0]["code"] == "remote-read-only"
    (request_id,) = world.pending()
    assert f"openclaw devices approve {request_id}" in told[0]["remedy"]
    approve_all(world)
    assert "scope upgrade" not in peer.acp().stdout
    assert not [each for each in diagnosed(world).json["data"]["causes"] if each["device"] == device[:12]]
    assert world.openclaw("devices", "remove", device, "--json", limit_s=LIMIT_S).exit_code == 0
    peer.acp()
    approve_all(world)
    last = peer.acp()
    print("acp, after the remedy:", last.exit_code, last.stdout[-400:])
    assert "pairing required" not in last.stdout
    assert not [each for each in diagnosed(world).json["data"]["causes"] if each["device"] == device[:12]]
