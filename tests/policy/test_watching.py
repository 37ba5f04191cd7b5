"""What `upgrader watch` tells, and when, on a clock that only moves when somebody waits."""

from datetime import timedelta

import pytest

from tests.adapters.test_registry import HandClock
from upgrader.domain.moves.drift import Drift, DriftKind
from upgrader.domain.pairing.happening import Happening
from upgrader.domain.watching import Look, Pace
from upgrader.errors import UpgraderError
from upgrader.operations.watch import Watch

GONE = Drift(DriftKind.PACKAGE, "the link was replaced", "by npm", "upgrader adopt", "upgrader restore")
PACE = Pace(timedelta(seconds=30), timedelta(minutes=10), timedelta(hours=6))


class Place:
    """A package that is replaced at some seconds and mended when that is asked for and works."""

    def __init__(self, replaced: set[int], mends: str, news: tuple[str, ...] = ()) -> None:
        self.clock, self.replaced, self.mends, self.fixes = HandClock(), replaced, mends, news
        self.told: list[Happening] = []
        self.looks = self.asked = 0
        self.unseeable: set[float] = set()
        self.mended_at = -1.0

    def is_replaced(self) -> bool:
        return any(self.mended_at < second <= self.clock.monotonic() for second in self.replaced)

    def look(self) -> Look:
        self.looks += 1
        if self.clock.monotonic() in self.unseeable:
            raise UpgraderError("no OpenClaw found")
        return Look("2026.9.6", "2026.9.6", (GONE,) if self.is_replaced() else ())

    def news(self) -> tuple[str, ...]:
        self.asked += 1
        if self.asked % 2 == 0:
            raise UpgraderError("no registry")
        return self.fixes

    def mend(self) -> str:
        if self.mends == "fails":
            raise UpgraderError("it cannot", why="reasons")
        self.mended_at = self.clock.monotonic()
        return "restored"

    def watch(self, limit: timedelta) -> int:
        mend = self.mend if self.mends else None
        made = Watch(self.is_replaced, self.look, self.news, mend, self.clock, self.told.append, PACE)
        return made.run(limit).exit_code


@pytest.mark.parametrize(
    ("replaced", "mends", "names", "code"),
    [
        (set(), "", [], 0),
        ({45}, "", ["package"], 3),
        ({45, 4000}, "works", ["package", "mended", "package", "mended"], 0),
        ({45}, "fails", ["package", "not-mended"], 3),
    ],
)
def test_each_change_is_told_once_and_mended_where_that_was_asked_for(
    replaced: set[int], mends: str, names: list[str], code: int
) -> None:
    place = Place(replaced, mends)
    assert place.watch(timedelta(hours=2)) == code
    assert [each.name for each in place.told] == names
    assert place.looks <= 12 + 4 * len(names) + 1


def test_a_moment_in_which_nothing_is_to_be_seen_ends_nothing() -> None:
    place = Place({45}, "works")
    place.unseeable = {60.0}
    assert place.watch(timedelta(hours=2)) == 0
    assert [each.name for each in place.told] == ["not-seen", "package", "mended"]


def test_a_fix_that_is_out_is_told_once_and_a_silent_registry_takes_nothing_back() -> None:
    place = Place(set(), "", ("the fix you wait for is out: 2026.9.7",))
    assert place.watch(timedelta(hours=20)) == 0
    assert ([each.name for each in place.told], place.asked) == (["fix-out"], 4)
    assert place.clock.monotonic() == 20 * 3600
