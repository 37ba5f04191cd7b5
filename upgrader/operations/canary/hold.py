"""A canary that is left running: clone, doctor, start, and then nothing but waiting until it is ended."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta

from upgrader.domain.canary.course import Budgets
from upgrader.domain.canary.held import CanaryNotHeld
from upgrader.domain.canary.own_probes import BudgetWish
from upgrader.domain.canary.report import CanaryRequest
from upgrader.operations.canary.course import CourseRunner, Serving
from upgrader.operations.canary.tools import CourseTools

_LOOK = timedelta(seconds=1)


Offer = Callable[[Serving], AbstractContextManager[None]]


@dataclass(frozen=True)
class HoldCanary:
    """Runs in a process of its own; `offer` makes the running canary reachable while its block is open."""

    tools: CourseTools
    wish: BudgetWish
    lifetime: timedelta

    def run(self, request: CanaryRequest, offer: Offer) -> None:
        """Until the lifetime is over or the gateway ends. Raises CanaryNotHeld when it never serves, PlaceLost."""
        budgets = Budgets.for_state(request.snapshot.size_bytes).wished(self.wish)
        with self.tools.clones.directory() as root:
            runner = CourseRunner(self.tools, request, request.candidate, budgets)
            runner.hold(root, lambda serving: self._wait(serving, offer))

    def _wait(self, serving: Serving, offer: Offer) -> None:
        began = self.tools.clock.monotonic()
        with offer(serving):
            while self.tools.clock.monotonic() - began < self.lifetime.total_seconds():
                if serving.place.exit_code(serving.child) is not None:
                    raise CanaryNotHeld("the canary's gateway ended by itself", hint="`upgrader canary` shows why")
                self.tools.clock.wait(_LOOK)
