"""Kills a move at chosen moments, lets the next command recover, and looks whether all is wholly old or wholly new."""

import sys
from dataclasses import dataclass
from pathlib import Path

from tests.world.world import World


@dataclass(frozen=True)
class Moment:
    """One place where a move can die: its number, the effect, the last durable journal entry."""

    number: int
    effect: str
    entry: str


@dataclass(frozen=True)
class Ended:
    """What was found after the recovery of one killed move."""

    moment: Moment
    version: str
    schema: int
    serving: str
    problems: tuple[str, ...]


def moments_of(world: World, *words: str) -> tuple[Moment, ...]:
    """All moments of a move, by letting it run once to its end."""
    report = world.root / "moments"
    said = killed(world, 0, report, *words)
    assert said == 0, report.read_text() if report.exists() else "no moment was reached"
    found = []
    for line in report.read_text().splitlines():
        number, effect, entry = line.split("\t")
        found.append(Moment(int(number), effect, entry))
    report.unlink()
    return tuple(found)


def killed(world: World, moment: int | str, report: Path, *words: str) -> int:
    """Run a move that dies at `moment` (0: not at all; or `EFFECT@ENTRY`); returns its exit code."""
    argv = (sys.executable, "-m", "tests.crash.killer", str(moment), str(report), "--yes", *words)
    environment = {**world.environment, "PYTHONPATH": str(Path(__file__).parents[2])}
    said = world.command(*argv, limit_s=120, environment=environment)
    if moment == 0 and said.exit_code:
        raise AssertionError(said.text)
    return said.exit_code


def after(world: World, moment: Moment) -> Ended:
    """Recover by the next command, then look."""
    said = world.run("--json", "status")
    problems = [] if said.exit_code == 0 else [f"status ended with {said.exit_code}: {said.text[-600:]}"]
    left = sorted(path.name for path in world.prefix.glob("lib/node_modules/.openclaw-upgrader-*") if path.is_symlink())
    if left:
        problems.append(f"side links left: {left}")
    if said.exit_code == 0 and said.json["data"]["open_move"]:
        problems.append("the journal is still open")
    if not world.gateways():
        problems.append("no gateway runs")
    elif len(world.gateways()) > 1:
        problems.append(f"{len(world.gateways())} gateways run")
    return Ended(moment, world.version, world.schema(), world.serving_version(), tuple(problems))


def is_whole(ended: Ended, old: tuple[str, int], new: tuple[str, int]) -> bool:
    """Package, schema and the serving gateway all belong to one of the two releases, and nothing is left over."""
    sides = {old, new}
    return not ended.problems and (ended.version, ended.schema) in sides and ended.serving == ended.version
