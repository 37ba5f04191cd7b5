"""`upgrader prune`: gives back the room of what no way back needs any more."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from upgrader.domain.kept.pruning import Allowance, Manner, PruneData, Shelves, Weighed, choose
from upgrader.domain.outcome import Outcome, Status
from upgrader.domain.ports import Clock, Progress


@dataclass(frozen=True)
class Prune:
    """Chooses, asks, removes. `consent` is shown what would go, and raises where a person says no."""

    shelves: Shelves
    clock: Clock
    progress: Progress
    consent: Callable[[Outcome[PruneData]], None]

    def run(self, allowance: Allowance, manner: Manner) -> Outcome[PruneData]:
        """Remove what may go, or only show it. Raises Busy, Blocked (an unfinished move), PruneFailed."""
        with self.shelves.alone():
            with self.progress.step("looking at what is kept"):
                choice = choose(self.shelves.look(), allowance, self.clock.now())
                going = tuple(Weighed(each, self.shelves.weigh(each)) for each in choice.going)
            data = PruneData(manner, going, choice.staying, sum(each.freed_bytes for each in going))
            if not going:
                return Outcome("prune", data, Status.UNCHANGED)
            if manner is Manner.REMOVE:
                self.consent(Outcome("prune", replace(data, manner=Manner.SHOW)))
                for each in going:
                    with self.progress.step(f"removing {each.kept.kind.value} {each.kept.name}"):
                        self.shelves.remove(each.kept)
            return Outcome("prune", data)
