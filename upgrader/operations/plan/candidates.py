"""The candidates of a plan: asked of the registry and of the retained installs, one by one and none twice."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from upgrader.domain.kept.slot import Slot, SlotOrigin
from upgrader.domain.plan.facts import Candidate, PlanFacts, Reach, RegistryState, Signature
from upgrader.domain.plan.guards import wanted_age
from upgrader.domain.plan.policy import awaited, back_order, forward_order, is_open, recommended, step_is_in_the_way
from upgrader.domain.plan.release import RegistryUnreachable, Release
from upgrader.domain.plan.route import worth_asking
from upgrader.domain.ports import Registry
from upgrader.domain.table.evidence import Table
from upgrader.domain.version import Version
from upgrader.operations.plan.sources import Listing, Minding

# How many releases are asked for, best first, until one is found that the way is open to.
_TRIES_FORWARD = 8
_TRIES_BACK = 4


@dataclass(frozen=True)
class Asking:
    """Facts go in and come back with more candidates. `reach` and `install_bytes` are the service's words on what a release can
    open and how much room it takes. All that asks a registry raises RegistryUnreachable, but where it says otherwise.
    """

    registry: Registry
    slots: Listing[Slot]
    table: Table
    reach: Callable[[Release], Reach]
    install_bytes: Callable[[Release], int]
    minding: Minding

    def with_target(self, facts: PlanFacts, target: Version) -> PlanFacts:
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
            candidate = replace(self._candidate(release, slot.id), bundled=self.minding.bundled(slot.package_root))
            return replace(facts, candidates=(candidate,), registry=RegistryState.SILENT)
        if target in asked.lacking and self.table.entry(target) is None:
            self.registry.release(target)  # names the releases near to it
        return asked

    def with_choice(self, facts: PlanFacts, target: Version | None) -> PlanFacts:
        """The facts with what is worth going to instead, asked for best first until one is open in each direction.

        With a target named, its plan stands without: a registry that fails meanwhile takes nothing from it.
        """
        try:
            facts = self._first_open(facts, forward_order(facts, self.table)[:_TRIES_FORWARD])
            back = tuple(version for version in back_order(facts, self.table) if self._may_open(facts, version))
            return self._first_open(facts, back[:_TRIES_BACK])
        except RegistryUnreachable:
            if target is None:
                raise
            return facts

    def with_stops(self, facts: PlanFacts, target: Version) -> PlanFacts:
        """The facts with the releases that may be stops, where only the one step to the target is in the way."""
        if not step_is_in_the_way(facts, self.table, target):
            return facts
        return self._asked_for(facts, worth_asking(self.table, facts.installation.package.version, target, _TRIES_FORWARD))

    def with_fixes(self, facts: PlanFacts) -> PlanFacts:
        """The facts with the releases of the fixes that are waited for: is one out?"""
        present = facts.installation.package.version
        waited = tuple(fix.version for fix in awaited(facts, self.table) if fix.version > present)
        return self._asked_for(facts, waited[:_TRIES_BACK])

    def signed(self, facts: PlanFacts, target: Version | None) -> PlanFacts:
        """The facts with the signature of the release that would be gone to; a wrong one leads to the next choice."""
        for _ in range(_TRIES_BACK):
            chosen = target or recommended(facts, self.table)
            candidate = facts.candidate(chosen) if chosen is not None else None
            if candidate is None or candidate.retained or candidate.signature is not Signature.UNASKED:
                return facts
            signed = replace(candidate, signature=self.registry.signature(candidate.release))
            others = tuple(one for one in facts.candidates if one.version != signed.version)
            facts = replace(facts, candidates=(*others, signed))
        return facts

    def latest(self) -> Version | None:
        """The registry's newest; offline and never asked before, nobody knows."""
        try:
            found = self.registry.latest()
        except RegistryUnreachable:
            if self.registry.state is RegistryState.CACHED:
                return None
            raise
        return found.version if found else None

    def every(self) -> tuple[Candidate, ...]:
        """All releases of the registry but previews, and those of the retained installs. Raises RegistryUnreachable."""
        listed = {release.version: release for release in self.registry.releases() if not release.version.is_prerelease}
        kept = {slot.version: slot for slot in self.slots.list() if slot.origin is SlotOrigin.STAGED}
        releases = {**{version: _of_slot(slot) for version, slot in kept.items()}, **listed}
        return tuple(
            self._candidate(release, kept[version].id if version in kept else "") for version, release in releases.items()
        )

    def _may_open(self, facts: PlanFacts, version: Version) -> bool:
        """Whether an older release may open this state, by what is known of its age alone: else it need not be asked for."""
        reach, schema = self.reach(Release(version)).state, facts.installation.state.state_schema
        return reach is None or not schema or reach >= schema

    def _first_open(self, facts: PlanFacts, order: tuple[Version, ...]) -> PlanFacts:
        for version in order:
            facts = self._ask(facts, version)
            if is_open(facts, self.table, version):
                return facts
        return facts

    def _asked_for(self, facts: PlanFacts, versions: tuple[Version, ...]) -> PlanFacts:
        """The facts with these as candidates; a registry that fails meanwhile takes nothing from what is known already."""
        try:
            for version in versions:
                facts = self._ask(facts, version)
        except RegistryUnreachable:
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
        known = replace(release, published=self._published(facts, release, slot))
        candidate = replace(
            self._candidate(known, slot.id if slot and same else ""),
            was_integrity=slot.integrity if slot and not same else "",
            bundled=self.minding.bundled(slot.package_root) if slot else self._packed(facts, release),
        )
        return replace(facts, candidates=(*facts.candidates, candidate))

    def _published(self, facts: PlanFacts, release: Release, slot: Slot | None) -> datetime | None:
        """When it was published, asked for only where an age is wanted: that answer is the registry's largest."""
        version = release.version
        judged = self.table.judge(facts.installation.package.version, version, facts.circumstances, facts.today)
        if release.published is not None or not wanted_age(facts, judged):
            return release.published
        try:
            found = self.registry.published(version)
        except RegistryUnreachable:
            found = None
        return found or (datetime.fromisoformat(slot.created) if slot and slot.created else None)

    def _candidate(self, release: Release, retained: str) -> Candidate:
        return Candidate(release, self.reach(release), retained, install_bytes=self.install_bytes(release))

    def _packed(self, facts: PlanFacts, release: Release) -> tuple[str, ...] | None:
        """The plugins of a package that is not retained; its tarball is opened only where its manifest leaves a question."""
        asked = set(facts.bundled or ()) & set(facts.installation.channels or ()) - set(facts.own_plugins)
        return self.minding.packed(release.integrity) if asked and release.left_out is None else None

    def _retained(self, version: Version) -> Slot | None:
        kept = (slot for slot in self.slots.list() if slot.version == version and slot.origin is SlotOrigin.STAGED)
        return next(kept, None)


def _of_slot(slot: Slot) -> Release:
    """What a retained install tells of its release. The Node it has is the one it ran on: no range is needed."""
    return Release(slot.version, "*", slot.integrity, state_schema=slot.state_schema, agent_schema=slot.agent_schema)
