"""`upgrader plan`: gather the facts a decision needs, no more, and let the policy decide."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from upgrader.domain.decisions.history import Outage
from upgrader.domain.decisions.pin import Pin
from upgrader.domain.decisions.settings import Override, Settings
from upgrader.domain.installation.facts import Installation, SupervisorKind
from upgrader.domain.kept.slot import Slot, SlotOrigin
from upgrader.domain.kept.snapshot import Moment, Snapshot
from upgrader.domain.outcome import Failure, Outcome, Status
from upgrader.domain.plan.decision import Answer, Direction, ExitStyle, PlanData, Rule
from upgrader.domain.plan.facts import Candidate, PlanFacts, Reach, RegistryState, ReturnPoint, Signature
from upgrader.domain.plan.guards import wanted_age
from upgrader.domain.plan.policy import advise, awaited, back_order, forward_order, is_open, recommended, step_is_in_the_way
from upgrader.domain.plan.release import RegistryUnreachable, Release
from upgrader.domain.plan.route import worth_asking
from upgrader.domain.ports import Clock, Discovery, Registry, Rooms
from upgrader.domain.table.concern import Circumstances
from upgrader.domain.table.evidence import Table
from upgrader.domain.version import Version
from upgrader.errors import Blocked, UsageError

if TYPE_CHECKING:
    from upgrader.domain.plan.candidates import CandidatesData

UPGRADE_AVAILABLE = 10
# How many releases are asked for, best first, until one is found that the way is open to.
_TRIES_FORWARD = 8
_TRIES_BACK = 4


T_co = TypeVar("T_co", covariant=True)


class Listing(Protocol[T_co]):
    """All that a plan asks of slots and snapshots: which there are."""

    def list(self) -> tuple[T_co, ...]:
        """All of them, oldest first."""


def _nothing_bundled(_package: Path) -> tuple[str, ...] | None:
    return None


@dataclass(frozen=True)
class Minding:
    """What is remembered, decided and seen beside the installation itself; each is asked when a plan is made.

    `reason` is what a person says for the rules overridden on the command line. `path_node` is the version of PATH's Node,
    `bundled` which plugins lie in a package (None: cannot be told), `packed` the same of a package that npm has by this digest,
    `own_plugins` which are installed by themselves.
    """

    settings: Settings = field(default_factory=Settings)
    pin: Callable[[Path], Pin | None] = lambda _state: None
    outage: Callable[[], Outage | None] = lambda: None
    path_node: Callable[[Installation], str] = lambda _installation: ""
    bundled: Callable[[Path], tuple[str, ...] | None] = _nothing_bundled
    packed: Callable[[str], tuple[str, ...] | None] = lambda _integrity: None
    own_plugins: Callable[[Path], tuple[str, ...]] = lambda _state: ()
    reason: str = ""


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
        facts = self._facts(installation, accepted)
        present = installation.package.version
        if target is not None and target != present:
            facts = self._signed(self._with_target(facts, table, target), table, target)
            if is_open(facts, table, target):
                return advise(facts, table, target, self.registry.problems)
            facts = self._with_stops(facts, table, target)
        elif target is None:
            facts = replace(facts, latest=self._latest())
        facts = self._with_fixes(self._with_choice(facts, table, target), table)
        if target is None:
            facts = self._signed(facts, table, None)
        return advise(facts, table, target, self.registry.problems)

    def all(self, accepted: frozenset[str]) -> "Outcome[CandidatesData]":
        """Every release of the registry and of the retained installs, with what would hold it back. Always 0.

        Raises RegistryUnreachable.
        """
        from upgrader.domain.plan.candidates import CandidatesData, rows

        _known_rules(accepted)
        table, facts = self.table(), self._facts(self.discovery.find(), accepted)
        listed = {release.version: release for release in self.registry.releases() if not release.version.is_prerelease}
        kept = {slot.version: slot for slot in self.slots.list() if slot.origin is SlotOrigin.STAGED}
        releases = {**{version: _of_slot(slot) for version, slot in kept.items()}, **listed}
        found = tuple(
            self._candidate(release, kept[version].id if version in kept else "") for version, release in releases.items()
        )
        facts = replace(facts, candidates=found)
        chosen = recommended(facts, table)
        return Outcome("plan", CandidatesData(facts.installation.package.version, chosen, rows(facts, table)))

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

    def _with_target(self, facts: PlanFacts, table: Table, target: Version) -> PlanFacts:
        """The facts with the named target: from the registry, else from a retained install.

        Raises RegistryUnreachable where neither has it, ReleaseUnknown where no one has ever heard of it.
        """
        try:
            asked = self._ask(facts, table, target)
        except RegistryUnreachable:
            slot = self._retained(target)
            if slot is None:
                raise
            release = _of_slot(slot)
            candidate = replace(self._candidate(release, slot.id), bundled=self.minding.bundled(slot.package_root))
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
            back = tuple(version for version in back_order(facts, table) if self._may_open(facts, version))
            return self._first_open(facts, table, back[:_TRIES_BACK])
        except RegistryUnreachable:
            if target is None:
                raise
            return facts

    def _may_open(self, facts: PlanFacts, version: Version) -> bool:
        """Whether an older release may open this state, by what is known of its age alone: else it need not be asked for."""
        reach, schema = self.reach(Release(version)).state, facts.installation.state.state_schema
        return reach is None or not schema or reach >= schema

    def _first_open(self, facts: PlanFacts, table: Table, order: tuple[Version, ...]) -> PlanFacts:
        for version in order:
            facts = self._ask(facts, table, version)
            if is_open(facts, table, version):
                return facts
        return facts

    def _with_stops(self, facts: PlanFacts, table: Table, target: Version) -> PlanFacts:
        """The facts with the releases that may be stops, where only the one step to the target is in the way."""
        if not step_is_in_the_way(facts, table, target):
            return facts
        return self._asked_for(facts, table, worth_asking(table, facts.installation.package.version, target, _TRIES_FORWARD))

    def _with_fixes(self, facts: PlanFacts, table: Table) -> PlanFacts:
        """The facts with the releases of the fixes that are waited for: is one out?"""
        present = facts.installation.package.version
        waited = tuple(fix.version for fix in awaited(facts, table) if fix.version > present)
        return self._asked_for(facts, table, waited[:_TRIES_BACK])

    def _asked_for(self, facts: PlanFacts, table: Table, versions: tuple[Version, ...]) -> PlanFacts:
        """The facts with these as candidates; a registry that fails meanwhile takes nothing from what is known already."""
        try:
            for version in versions:
                facts = self._ask(facts, table, version)
        except RegistryUnreachable:
            return facts
        return facts

    def _signed(self, facts: PlanFacts, table: Table, target: Version | None) -> PlanFacts:
        """The facts with the signature of the release that would be gone to; a wrong one leads to the next choice."""
        for _ in range(_TRIES_BACK):
            chosen = target or recommended(facts, table)
            candidate = facts.candidate(chosen) if chosen is not None else None
            if candidate is None or candidate.retained or candidate.signature is not Signature.UNASKED:
                return facts
            signed = replace(candidate, signature=self.registry.signature(candidate.release))
            others = tuple(one for one in facts.candidates if one.version != signed.version)
            facts = replace(facts, candidates=(*others, signed))
        return facts

    def _published(self, facts: PlanFacts, table: Table, release: Release, slot: Slot | None) -> datetime | None:
        """When it was published, asked for only where an age is wanted: that answer is the registry's largest."""
        version = release.version
        judged = table.judge(facts.installation.package.version, version, facts.circumstances, facts.today)
        if release.published is not None or not wanted_age(facts, judged):
            return release.published
        try:
            found = self.registry.published(version)
        except RegistryUnreachable:
            found = None
        return found or (datetime.fromisoformat(slot.created) if slot and slot.created else None)

    def _ask(self, facts: PlanFacts, table: Table, version: Version) -> PlanFacts:
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
        known = replace(release, published=self._published(facts, table, release, slot))
        candidate = replace(
            self._candidate(known, slot.id if slot and same else ""),
            was_integrity=slot.integrity if slot and not same else "",
            bundled=self.minding.bundled(slot.package_root) if slot else self._packed(facts, release),
        )
        return replace(facts, candidates=(*facts.candidates, candidate))

    def _candidate(self, release: Release, retained: str) -> Candidate:
        return Candidate(release, self.reach(release), retained, install_bytes=self.install_bytes(release))

    def _packed(self, facts: PlanFacts, release: Release) -> tuple[str, ...] | None:
        """The plugins of a package that is not retained; its tarball is opened only where its manifest leaves a question."""
        asked = set(facts.bundled or ()) & set(facts.installation.channels or ()) - set(facts.own_plugins)
        return self.minding.packed(release.integrity) if asked and release.left_out is None else None

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
