"""`upgrader plan`: gather the facts a decision needs, no more, and let the policy decide."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from upgrader.domain.decisions.settings import Override
from upgrader.domain.installation.facts import Installation, SupervisorKind
from upgrader.domain.kept.slot import Slot, SlotOrigin
from upgrader.domain.kept.snapshot import Moment, Snapshot
from upgrader.domain.outcome import Failure, Outcome, Status
from upgrader.domain.plan.decision import Answer, Direction, ExitStyle, PlanData, Rule
from upgrader.domain.plan.facts import PlanFacts, Reach, ReturnPoint
from upgrader.domain.plan.policy import advise, is_open, recommended
from upgrader.domain.plan.release import Release
from upgrader.domain.ports import Clock, Discovery, Registry, Rooms
from upgrader.domain.table.concern import Circumstances
from upgrader.domain.table.evidence import Table
from upgrader.domain.version import Version
from upgrader.errors import Blocked, UsageError
from upgrader.operations.plan.candidates import Asking
from upgrader.operations.plan.sources import Listing, Minding

if TYPE_CHECKING:
    from upgrader.domain.plan.candidates import CandidatesData

UPGRADE_AVAILABLE = 10


@dataclass(frozen=True)
class PlanOperation:
    """`table` is read when needed. `reach` and `install_bytes` are the service's words on what a release can open and how
    much room it takes. `system` is linux, wsl, …; `private_node` the Node that could be fetched for a slot (empty: none);
    `supervisors` those that can be driven.
    """

    discovery: Discovery
    registry: Registry
    slots: Listing[Slot]
    snapshots: Listing[Snapshot]
    rooms: Rooms
    clock: Clock
    table: Callable[[], Table]
    reach: Callable[[Release], Reach]
    install_bytes: Callable[[Release], int]
    system: str
    private_node: str
    supervisors: frozenset[SupervisorKind]
    minding: Minding = field(default_factory=Minding)

    def run(self, target: Version | None, accepted: frozenset[str], style: ExitStyle) -> Outcome[PlanData]:
        """0 go ahead or nothing to do (10 with ExitStyle.DETAILED when an upgrade is available), 3 blocked.

        Raises RegistryUnreachable, ReleaseUnknown, TableInvalid, UsageError and what the discovery raises.
        """
        data = self.decide(self.discovery.find(), target, accepted)
        if data.answer is Answer.BLOCKED:
            failures = tuple(
                Failure(block.rule.value, block.why, block.change, block.hint, "nothing was changed")
                for block in data.plan.blocks
            )
            return Outcome("plan", data, Status.BLOCKED, Blocked.exit_code, failures)
        if data.answer is not Answer.GO:
            return Outcome("plan", data, Status.UNCHANGED)
        available = data.plan.direction is Direction.NEWER and style is ExitStyle.DETAILED
        return Outcome("plan", data, exit_code=UPGRADE_AVAILABLE if available else 0)

    def decide(self, installation: Installation, target: Version | None, accepted: frozenset[str]) -> PlanData:
        """The decision for one installation, with all the facts behind it."""
        _known_rules(accepted)
        table = self.table()
        asking, facts = self._asking(table), self._facts(installation, accepted)
        present = installation.package.version
        if target is not None and target != present:
            facts = asking.signed(asking.with_target(facts, target), target)
            if is_open(facts, table, target):
                return advise(facts, table, target, self.registry.problems)
            facts = asking.with_stops(facts, target)
        elif target is None:
            facts = replace(facts, latest=asking.latest())
        facts = asking.with_fixes(asking.with_choice(facts, target))
        if target is None:
            facts = asking.signed(facts, None)
        return advise(facts, table, target, self.registry.problems)

    def all(self, accepted: frozenset[str]) -> "Outcome[CandidatesData]":
        """Every release of the registry and of the retained installs, with what would hold it back. Always 0.

        Raises RegistryUnreachable.
        """
        from upgrader.domain.plan.candidates import CandidatesData, rows

        _known_rules(accepted)
        table, facts = self.table(), self._facts(self.discovery.find(), accepted)
        facts = replace(facts, candidates=self._asking(table).every())
        chosen = recommended(facts, table)
        return Outcome("plan", CandidatesData(facts.installation.package.version, chosen, rows(facts, table)))

    def _asking(self, table: Table) -> Asking:
        return Asking(self.registry, self.slots, table, self.reach, self.install_bytes, self.minding)

    def _facts(self, installation: Installation, accepted: frozenset[str]) -> PlanFacts:
        kept = tuple(slot for slot in self.slots.list() if slot.origin is SlotOrigin.STAGED)
        package = installation.package
        settings = self.minding.settings
        said = tuple(Override(rule, self.minding.reason) for rule in sorted(accepted))
        overrides = (*said, *(each for each in settings.accept if each.rule not in accepted))
        return PlanFacts(
            installation,
            self.clock.now().date(),
            Circumstances(self.system, installation.node.version, package.kind.value, installation.channels),
            registry=self.registry.state,
            returns=tuple(
                ReturnPoint(each.id, each.version) for each in self.snapshots.list() if each.moment is Moment.STOPPED
            ),
            volumes=self.rooms.volumes(installation.state.path),
            private_node=self.private_node,
            supervisors=self.supervisors,
            slot_bytes=max((slot.size_bytes for slot in kept), default=0) or None,
            accept=frozenset(each.rule for each in overrides),
            overrides=overrides,
            settings=settings,
            pin=self.minding.pin(installation.state.path),
            path_node=self.minding.path_node(installation),
            bundled=self.minding.bundled(package.root),
            own_plugins=self.minding.own_plugins(installation.state.path),
            outage=self.minding.outage(),
        )


def _known_rules(accepted: frozenset[str]) -> None:
    known = {rule.value for rule in Rule}
    wrong = sorted(accepted - known)
    if wrong:
        raise UsageError(
            f"there is no rule {', '.join(wrong)}",
            why=f"rules that can be accepted are named in a plan; all there are: {', '.join(sorted(known))}",
            hint="`upgrader plan` shows the rules that fired",
            code="unknown_rule",
        )
