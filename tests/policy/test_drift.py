"""What was changed behind our back, and what of it forbids to put the package back."""

from dataclasses import replace
from pathlib import Path

from tests.policy.facts import installation
from upgrader.domain.installation.facts import GatewayProcess, Installation, NodeRuntime, Obstacle, ProcessIdentity
from upgrader.domain.installation.surroundings import OTHER_TREE
from upgrader.domain.kept.slot import Slot, SlotOrigin
from upgrader.domain.moves.drift import LeftAs, needs_restart, still_in_the_way
from upgrader.domain.version import Version

KEPT = Path("/data/slots/one/openclaw")
LEFT = LeftAs(Slot("one", Version("2026.9.6"), SlotOrigin.STAGED, KEPT, NodeRuntime(Path("/node"), "24.19.0"), "digest"), KEPT)
OTHER = Obstacle("several_gateways", "two run", "", "")


def running_from(place: Path, version: str) -> Installation:
    """npm has put a directory in the link's place, and a gateway runs from `place`."""
    state = Path("/home/.openclaw")
    gateway = GatewayProcess(ProcessIdentity(7, 1.0), 0, None, place, state, version=Version(version))
    obstacles = (Obstacle(OTHER_TREE, "the running gateway was not started from there", "", ""), OTHER)
    return replace(installation(), gateways=(gateway,), obstacles=obstacles)


def test_a_gateway_that_runs_the_kept_tree_is_no_obstacle_to_putting_the_package_back() -> None:
    assert still_in_the_way(running_from(KEPT, "2026.9.6"), LEFT) == (OTHER,)
    assert not needs_restart(running_from(KEPT, "2026.9.6"), LEFT)


def test_one_that_runs_a_third_tree_is() -> None:
    found = running_from(Path("/elsewhere/openclaw"), "2026.9.6")
    assert still_in_the_way(found, LEFT) == found.obstacles
    assert needs_restart(found, LEFT)
