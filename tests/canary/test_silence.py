"""A release that calls out, writes to live paths or reaches for a service manager: held, caught and named, in both modes."""

import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.canary.bench import Bench, judged, sealed_bench
from tests.canary.releases import Candidate
from tests.world.world import World
from upgrader.domain.canary.report import Seal
from upgrader.domain.check import Need, Verdict

_TEST_NET = "192.0.2.1"  # RFC 5737: nobody has it


def address_of_this_machine() -> str:
    found = [a.address for each in psutil.net_if_addrs().values() for a in each if a.family is socket.AF_INET]
    outside = [address for address in found if not address.startswith("127.")]
    if not outside:
        pytest.skip("this machine has no address but loopback")
    return outside[0]


def test_behind_walls_every_way_out_is_refused_and_named_with_its_means(
    world: World, candidate: Candidate, tmp_path: Path
) -> None:
    bench = sealed_bench(world, tmp_path / "bench")
    outside = world.home / "work"
    outside.mkdir()
    world.stop_gateway()
    world.edit_config(lambda config: config["agents"]["defaults"].update(workspace=str(outside)))
    world.start_gateway()
    report = bench.run(
        candidate(
            callsOut={"host": _TEST_NET, "port": 9},
            sendsUdp={"host": _TEST_NET, "port": 123},
            resolves={"name": "telemetry.example.org"},
            reachesManager={},
            writesLive={},
        )
    )
    assert judged(report, "silence").verdict is Verdict.PASS
    calls = judged(report, "silence.calls")
    assert (calls.verdict, calls.need) == (Verdict.FAIL, Need.WANTED)
    for call in (f"TCP {_TEST_NET}:9", f"UDP {_TEST_NET}:123", "DNS telemetry.example.org", "every packet"):
        assert call in calls.why
    assert "openclaw-gateway" in judged(report, "silence.manager").why
    assert "written-by-a-broken-release" in judged(report, "silence.paths").why
    assert list(outside.iterdir()) == []
    assert not list(world.root.rglob("written-by-a-broken-release"))
    assert any("read-only mount" in limit for limit in report.limits)


def test_a_quiet_release_is_not_accused_of_anything(world: World, candidate: Candidate, tmp_path: Path) -> None:
    report = sealed_bench(world, tmp_path / "bench").run(candidate())
    for check in ("silence", "silence.calls", "silence.manager", "silence.paths"):
        assert judged(report, check).verdict is Verdict.PASS, judged(report, check)


@pytest.fixture
def short_room() -> Iterator[Path]:
    """A directory with a short name: a unix socket's address has 108 bytes, and nobody can call a longer one."""
    with tempfile.TemporaryDirectory(prefix="u-") as room:
        yield Path(room)


def test_without_walls_the_same_is_seen_and_fails(world: World, candidate: Candidate, short_room: Path) -> None:
    address = address_of_this_machine()
    with socket.create_server((address, 0)) as outside:  # not loopback: it stands for the world
        port = outside.getsockname()[1]
        spoilt = candidate(
            callsOut={"host": address, "port": port},
            sendsUdp={"host": _TEST_NET, "port": 123},
            reachesManager={},
            writesAt={"path": str(world.state / "planted")},
        )
        report = Bench(world, short_room / "b", Seal.UNSEALED).run(spoilt)
    assert report.verdict is Verdict.FAIL
    calls = judged(report, "silence").why
    assert f"TCP {address}:{port}" in calls
    assert f"UDP {_TEST_NET}:123" in calls
    assert judged(report, "silence.manager").verdict is Verdict.FAIL
    assert str(world.state / "planted") in judged(report, "silence.paths").why
    assert any("shorter than a quarter" in limit for limit in report.limits)
