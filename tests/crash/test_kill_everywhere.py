"""kill -9 between every two effects of a move: the next command leaves the installation wholly old or wholly new."""

import pytest

from tests.crash.walk import Moment, after, is_whole, killed, moments_of
from tests.world.world import World

OLD, NEW = ("2026.9.5", 17), ("2026.9.6", 18)


def two_for_each_entry(moments: tuple[Moment, ...]) -> tuple[Moment, ...]:
    """The first and the last moment after every journal entry."""
    by_entry: dict[str, list[Moment]] = {}
    for moment in moments:
        by_entry.setdefault(moment.entry, []).append(moment)
    return tuple(moment for found in by_entry.values() for moment in (found[0], found[-1])[: len(found)])


def walk(world: World, moments: tuple[Moment, ...]) -> None:
    """Kill an upgrade at each of the moments in turn, on the same machine, and go back where it ended up new."""
    devices = world.devices()
    wrong, survived = [], 0
    report = world.root / "report"
    for moment in moments:
        code = killed(world, moment.number, report, "upgrade", "2026.9.6")
        ended = after(world, moment)
        survived += code == 0  # a run with some effects fewer ends before the last moments come
        if code not in (-9, 0) or not is_whole(ended, OLD, NEW) or world.devices().keys() != devices.keys():
            wrong.append((code, ended))
        if ended.version == NEW[0]:
            assert world.run("--yes", "rollback").exit_code == 0
    print(f"\nkilled at {len(moments) - survived} moments of {len({m.entry for m in moments})} journal entries")
    assert not wrong, wrong
    assert survived <= 2


@pytest.mark.parametrize("half", [0, 1], ids=["first half", "second half"])
@pytest.mark.timeout(900)
def test_a_move_killed_around_every_journal_entry_is_wholly_old_or_wholly_new(world: World, half: int) -> None:
    moments = two_for_each_entry(moments_of(world, "upgrade", "2026.9.6"))
    assert world.run("--yes", "rollback").exit_code == 0
    middle = len(moments) // 2
    walk(world, moments[:middle] if half == 0 else moments[middle:])


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_a_move_killed_at_any_moment_at_all_is_wholly_old_or_wholly_new(world: World) -> None:
    moments = moments_of(world, "upgrade", "2026.9.6")
    assert world.run("--yes", "rollback").exit_code == 0
    walk(world, moments)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_a_rollback_killed_at_any_moment_at_all_is_wholly_old_or_wholly_new(world: World) -> None:
    assert world.run("--yes", "upgrade", "2026.9.6").exit_code == 0
    moments = moments_of(world, "rollback")
    report = world.root / "report"
    wrong = []
    for moment in moments:
        if world.version == OLD[0]:
            killed(world, 0, report, "upgrade", "2026.9.6")
        code = killed(world, moment.number, report, "rollback")
        ended = after(world, moment)
        if code not in (-9, 0) or not is_whole(ended, OLD, NEW):
            wrong.append((code, ended))
    print(f"\nkilled at {len(moments)} moments of a rollback")
    assert not wrong, wrong
