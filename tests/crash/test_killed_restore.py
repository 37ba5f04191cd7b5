"""kill -9 in `restore` where the gateway ran on: the package is npm's or ours, whole, and the next command ends it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crash.walk import Moment, killed, moments_of
from tests.world import digests
from tests.world.world import World

Choose = Callable[[tuple[Moment, ...]], tuple[Moment, ...]]


def replaced(world: World, theirs: Path, kept: Path) -> None:
    """What npm does to a link of ours: a directory of its own stands in the place, the link's target is untouched."""
    if not world.package.is_symlink():
        shutil.rmtree(world.package)
        world.package.symlink_to(kept)
    fresh = world.root / "fresh"
    shutil.copytree(theirs, fresh, symlinks=True)
    world.package.unlink()
    fresh.rename(world.package)


def side_links(world: World) -> list[str]:
    """What a killed exchange leaves beside the package."""
    return [each.name for each in world.package.parent.glob(".openclaw-upgrader*") if each.is_symlink() or each.is_file()]


def looked_at(world: World, kept: Path, theirs: dict[str, str], gateway: object) -> list[str]:
    """What is wrong after a kill and the next command."""
    wrong = [] if world.gateways() == gateway else ["the gateway did not run on"]
    whole = world.package.resolve() == kept or (not world.package.is_symlink() and world.package_digest() == theirs)
    return [*wrong, *([] if whole else [f"{world.package} is neither npm's nor ours"]), *side_links(world)]


def walk(world: World, choose: Choose) -> None:
    theirs, report = world.root / "theirs", world.root / "report"
    shutil.copytree(world.package.resolve(), theirs, symlinks=True)
    killed(world, 0, report, "upgrade", "2026.9.6")
    report.unlink()
    kept, digest, slot, gateway = world.package.resolve(), digests.tree(theirs, ()), world.package_digest(), world.gateways()
    replaced(world, theirs, kept)
    moments, wrong = choose(moments_of(world, "restore")), []
    for moment in moments:
        replaced(world, theirs, kept)
        code = killed(world, moment.number, report, "restore")
        said = world.run("--json", "status")
        found = looked_at(world, kept, digest, gateway)
        again = world.run("--json", "--yes", "restore")
        found += looked_at(world, kept, {}, gateway)
        drift = world.run("--json", "status").json["data"]["drift"]
        if code not in (-9, 0) or said.exit_code or again.exit_code or found or drift or world.package_digest() != slot:
            wrong.append((code, moment, found, drift, said.text[-400:], again.text[-400:]))
    print(f"\nkilled at {len(moments)} moments of a restore")
    assert not wrong, wrong


def around_the_exchange(moments: tuple[Moment, ...]) -> tuple[Moment, ...]:
    """Before the link is made, between link and exchange, right after it, and at the end."""
    at = [number for number, each in enumerate(moments) if each.effect.endswith(("symlink", "exchange"))]
    return tuple(moments[number] for number in (at[0], at[1], at[-2], at[-1])) + moments[-1:]


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_a_restore_killed_around_its_exchange_is_ended_by_the_next_command(world: World) -> None:
    walk(world, around_the_exchange)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_restore_killed_at_any_moment_at_all_is_ended_by_the_next_command(world: World) -> None:
    walk(world, lambda moments: moments)
