"""`upgrader plan`: gather the facts a decision needs, no more, and let the policy decide."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from upgrader.domain.concern import Circumstances
from upgrader.domain.facts import Installation, SupervisorKind
from upgrader.domain.outcome import Failure, Outcome, Status
from upgrader.domain.plan import Answer, Direction, ExitStyle, PlanData, Rule
from upgrader.domain.planfacts import Candidate, PlanFacts, Reach, RegistryState, ReturnPoint
from upgrader.domain.policy import advise, back_order, forward_order, is_open
from upgrader.domain.ports import Clock, Discovery, Registry, Rooms
from upgrader.domain.release import RegistryUnreachable, Release
from upgrader.domain.slot import Slot, SlotOrigin
from upgrader.domain.snapshot import Moment, Snapshot
from upgrader.domain.table import Table
from upgrader.domain.version import Version
from upgrader.errors import Blocked, UsageError

UPGRADE_AVAILABLE = 10
# How many releases are asked for, best first, until one is found that the way is open to.
_TRIES_FORWARD = 8
_TRIES_BACK = 4


T_co = TypeVar("T_co", covariant=True)


class Listing(Protocol[T_co]):
    """All that a plan asks of slots and snapshots: which there are."""

    def list(self) -> tuple[T_co, ...]:
        """All of them, oldest first."""


@dataclass(frozen=True)
class PlanOperation:
    """`table` is read when needed. `reach` is the service's word on what a release can open. `system` is linux, wsl, …;
    `private_node` the Node that could be fetched for a slot (empty: none); `supervisors` those that can be driven.
    """

    discovery: Discovery
    registry: Registry
    slots: Listing[Slot]
    snapshots: Listing[Snapshot]
    rooms: Rooms
    clock: Clock
    table: Callable[[], Table]
    reach: Callable[[Release], Reach]
    system: str
    private_node: str
    supervisors: frozenset[SupervisorKind]

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
        facts = self._facts(installation, accepted)
        present = installation.package.version
        if target is not None and target != present:
            facts = self._with_target(facts, table, target)
            if is_open(facts, table, target):
                return advise(facts, table, target, self.registry.problems)
        elif target is None:
            facts = replace(facts, latest=self._latest())
        facts = self._with_choice(facts, table, target)
        return advise(facts, table, target, self.registry.problems)

    def _facts(self, installation: Installation, accepted: frozenset[str]) -> PlanFacts:
        kept = tuple(slot for slot in self.slots.list() if slot.origin is SlotOrigin.STAGED)
        package = installation.package
        return PlanFacts(
            installation,
            self.clock.now().date(),
            Circumstances(self.system, installation.node.version, package.kind.value),
            registry=self.registry.state,
            returns=tuple(
                ReturnPoint(each.id, each.version) for each in self.snapshots.list() if each.moment is Moment.STOPPED
            ),
            volumes=self.rooms.volumes(installation.state.path),
            private_node=self.private_node,
            supervisors=self.supervisors,
            slot_bytes=max((slot.size_bytes for slot in kept), default=0) or None,
            accept=accepted,
        )

    def _with_target(self, facts: PlanFacts, table: Table, target: Version) -> PlanFacts:
        """The facts with the named target: from the registry, else from a retained install.

        Raises RegistryUnreachable where neither has it, ReleaseUnknown where no one has ever heard of it.
        """
        try:
            asked = self._ask(facts, target)
        except RegistryUnreachable:
            slot = self._retained(target)
            if slot is None:
                raise
            release = _of_slot(slot)
            candidate = Candidate(release, self.reach(release), slot.id)
            return replace(facts, candidates=(candidate,), registry=RegistryState.SILENT)
        if target in asked.lacking and table.entry(target) is None:
            self.registry.release(target)  # names the releases near to it
        return asked

    def _with_choice(self, facts: PlanFacts, table: Table, target: Version | None) -> PlanFacts:
        """The facts with what is worth going to instead, asked for best first until one is open in each direction.

        With a target named, its plan stands without: a registry that fails meanwhile takes nothing from it.
        """
        try:
            facts = self._first_open(facts, table, forward_order(facts, table)[:_TRIES_FORWARD])
            return self._first_open(facts, table, back_order(facts, table)[:_TRIES_BACK])
        except RegistryUnreachable:
            if target is None:
                raise
            return facts

    def _first_open(self, facts: PlanFacts, table: Table, order: tuple[Version, ...]) -> PlanFacts:
        for version in order:
            facts = self._ask(facts, version)
            if is_open(facts, table, version):
                return facts
        return facts

    def _ask(self, facts: PlanFacts, version: Version) -> PlanFacts:
        """The facts with this release as a candidate, or among those the registry lacks."""
        if facts.candidate(version) is not None or version in facts.lacking:
            return facts
        release = self.registry.find(version)
        slot = self._retained(version)
        if release is None and slot is not None:
            release = _of_slot(slot)
        if release is None:
            return replace(facts, lacking=(*facts.lacking, version))
        same = slot is not None and release.integrity in ("", slot.integrity)
        candidate = Candidate(
            release,
            self.reach(release),
            slot.id if slot and same else "",
            slot.integrity if slot and not same else "",
        )
        return replace(facts, candidates=(*facts.candidates, candidate))

    def _latest(self) -> Version | None:
        """The registry's newest; offline and never asked before, nobody knows."""
        try:
            found = self.registry.latest()
        except RegistryUnreachable:
            if self.registry.state is RegistryState.CACHED:
                return None
            raise
        return found.version if found else None

    def _retained(self, version: Version) -> Slot | None:
        kept = (slot for slot in self.slots.list() if slot.version == version and slot.origin is SlotOrigin.STAGED)
        return next(kept, None)


def _of_slot(slot: Slot) -> Release:
    """What a retained install tells of its release. The Node it has is the one it ran on: no range is needed."""
    return Release(slot.version, "*", slot.integrity, state_schema=slot.state_schema, agent_schema=slot.agent_schema)


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
