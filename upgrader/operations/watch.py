"""`upgrader watch`: notices what changes behind our back, and that an awaited fix is out; mends where it was told to."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from upgrader.domain.moves.drift import Drift
from upgrader.domain.outcome import Failure, Outcome, Status
from upgrader.domain.pairing.happening import Happening
from upgrader.domain.ports import Clock
from upgrader.domain.watching import Look, Pace, WatchData
from upgrader.errors import Blocked, Inconclusive, UpgraderError

_NEVER = float("-inf")


@dataclass(frozen=True)
class _Seen:
    """Where a watch stands between two turns: what it knows, and when (monotonic seconds) it last looked and asked."""

    data: WatchData = field(default_factory=lambda: WatchData(""))
    glance: object = None
    looked: float = _NEVER
    asked: float = _NEVER


@dataclass(frozen=True)
class Watch:
    """`glance` changes when somebody may have replaced the package; `look` compares all of it, None while a move is at work.

    `news` names fixes that are out, `mend` restores or adopts and says so (None: only tell), `tell` shows a happening at once.
    """

    glance: Callable[[], object]
    look: Callable[[], Look | None]
    news: Callable[[], tuple[str, ...]]
    mend: Callable[[], str] | None
    clock: Clock
    tell: Callable[[Happening], None]
    pace: Pace

    def once(self) -> Outcome[WatchData]:
        """One look. 0 as it was left or set right, 3 something is not as it was left, 7 nothing was left yet to compare with;
        what mending and looking raise."""
        data, glanced = self._looked(WatchData("", news=self._news())), self.glance()
        if self.mend is not None and data.drift:
            self.clock.wait(self.pace.settle)
            if self.glance() == glanced:
                data = self._mended(data)
        return _outcome(data)

    def run(self, limit: timedelta | None) -> Outcome[WatchData]:
        """Until `limit` or an interrupt; codes as of one look, of the last one."""
        began, seen = self.clock.monotonic(), _Seen()
        while True:
            seen = self._turn(seen)
            left = None if limit is None else limit.total_seconds() - (self.clock.monotonic() - began)
            if left is not None and left <= 0:
                return _outcome(seen.data)
            self.clock.wait(self.pace.glance if left is None else min(self.pace.glance, timedelta(seconds=left)))

    def _turn(self, seen: _Seen) -> _Seen:
        """News when they are due; a look when something moved or it is due; else mending what the last look found."""
        now = self.clock.monotonic()
        if now - seen.asked >= self.pace.news.total_seconds():
            seen = replace(seen, data=self._with_news(seen.data), asked=now)
        glance = self.glance()
        if glance != seen.glance or now - seen.looked >= self.pace.look.total_seconds():
            return replace(seen, data=self._told(seen.data), glance=glance, looked=now)
        if seen.data.drift and self.mend is not None:  # nothing has moved since the last glance: whoever did it is done
            return replace(seen, data=self._mended_told(seen.data), glance=self.glance())
        return seen

    def _told(self, before: WatchData) -> WatchData:
        """A look, with what is new in it told. In the middle of an install there may be nothing to see: it is looked again."""
        try:
            seen = self._looked(before)
        except UpgraderError as error:
            self._say("not-seen", f"{error.message}; it is looked again")
            return before
        if seen.left == "" and before.left is None:
            self._say("nothing-left", f"{_NOTHING_LEFT}: {_WAYS_TO_BEGIN}")
        for each in seen.drift:
            if each not in before.drift:
                self._say(each.kind.value, each.in_words())
        if before.drift and not seen.drift:
            self._say("as-left", f"{seen.version} is as it was left again")
        return seen

    def _mended_told(self, seen: WatchData) -> WatchData:
        """What is seen after mending. One that fails is told once and not tried again until something moves."""
        if seen.drift == seen.given_up:
            return seen
        try:
            after = self._mended(seen)
        except UpgraderError as error:
            self._say("not-mended", f"{error.message}: {error.why}")
            return replace(seen, given_up=seen.drift)
        for done in after.done[len(seen.done) :]:
            self._say("mended", done)
        return after

    def _looked(self, before: WatchData) -> WatchData:
        found = self.look()
        return before if found is None else replace(before, version=found.version, left=found.left, drift=found.drift)

    def _mended(self, seen: WatchData) -> WatchData:
        """What is seen after mending; nothing is touched without drift or without leave."""
        if self.mend is None or not seen.drift:
            return seen
        done = self.mend()
        return replace(self._looked(seen), done=(*seen.done, done))

    def _with_news(self, data: WatchData) -> WatchData:
        found = self._news()
        for each in found:
            if each not in data.news:
                self._say("fix-out", each)
        return replace(data, news=found or data.news)

    def _news(self) -> tuple[str, ...]:
        """A registry that does not answer has no news; it is asked again next time."""
        try:
            return self.news()
        except UpgraderError:
            return ()

    def _say(self, name: str, what: str) -> None:
        self.tell(Happening(self.clock.now().isoformat(timespec="seconds"), name, "", what))


_NOTHING_LEFT = "no move was made by upgrader here yet, so there is nothing to compare the package with"
_WAYS_TO_BEGIN = "`upgrader adopt` takes it as it stands, `upgrader plan` names a move worth making"


def _outcome(data: WatchData) -> Outcome[WatchData]:
    if data.left == "":
        why = f"{data.version} is installed, by npm or by hand"
        nothing = Failure("nothing_left", _NOTHING_LEFT, why, _WAYS_TO_BEGIN, unchanged="")
        return Outcome("watch", data, Status.INCONCLUSIVE, Inconclusive.exit_code, (nothing,))
    if not data.drift:
        return Outcome("watch", data)
    failures = tuple(Failure(each.kind.value, each.what, each.cause, _hint(each), unchanged="") for each in data.drift)
    return Outcome("watch", data, Status.FAILED, Blocked.exit_code, failures)


def _hint(drift: Drift) -> str:
    ways = ((drift.restore, "returns to what was"), (drift.adopt, "keeps it"))
    return ", ".join(f"`{command}` {what}" for command, what in ways if command)
