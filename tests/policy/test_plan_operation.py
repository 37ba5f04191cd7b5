"""`plan` from its facts to its exit code: what it asks of the world, and what it makes of a world that does not answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Generic, TypeVar

import pytest

from tests.policy.facts import GIB, entry, installation, table
from upgrader.adapters.table.reading import load
from upgrader.domain.installation.facts import Installation, NodeRuntime, SupervisorKind
from upgrader.domain.kept.slot import Slot, SlotOrigin
from upgrader.domain.kept.snapshot import Moment, Snapshot
from upgrader.domain.outcome import Outcome, Status
from upgrader.domain.plan.decision import Answer, ExitStyle, PlanData, Rule
from upgrader.domain.plan.facts import RegistryState, Signature, Use, Volume
from upgrader.domain.plan.release import RegistryUnreachable, Release, ReleaseUnknown
from upgrader.domain.table.evidence import Table
from upgrader.domain.version import Version
from upgrader.errors import UsageError
from upgrader.operations.plan.decide import PlanOperation
from upgrader.report.envelope import to_json
from upgrader.services.openclaw.releases import reach

T = TypeVar("T")


@dataclass
class Shelf:
    """A registry that has these releases; `down` makes it silent."""

    has: Mapping[str, Release]
    down: bool = False
    state: RegistryState = RegistryState.ANSWERED
    problems: tuple[str, ...] = ()
    asked: list[str] = field(default_factory=list)

    def find(self, version: Version) -> Release | None:
        self.asked.append(str(version))
        if self.down:
            raise RegistryUnreachable("the registry is down")
        return self.has.get(str(version))

    def latest(self) -> Release | None:
        if self.down:
            raise RegistryUnreachable("the registry is down")
        return max(self.has.values(), key=lambda release: release.version) if self.has else None

    def release(self, version: Version) -> Release:
        found = self.find(version)
        if found is None:
            raise ReleaseUnknown(f"{version} is not published")
        return found

    def published(self, version: Version) -> datetime | None:
        found = self.find(version)
        return found.published if found else None

    def signature(self, _release: Release) -> Signature:
        return Signature.UNKNOWN

    def releases(self) -> tuple[Release, ...]:
        return tuple(self.has.values())


def shelf(*versions: str, schemas: tuple[int, int] | None = None) -> Shelf:
    state, agent = schemas or (None, None)
    return Shelf({one: Release(Version(one), ">=22", "sha512-x", state_schema=state, agent_schema=agent) for one in versions})


@dataclass(frozen=True)
class World:
    """Every other port of the operation, as values."""

    found: Installation
    slots: tuple[Slot, ...] = ()
    snapshots: tuple[Snapshot, ...] = ()

    def find(self) -> Installation:
        return self.found

    def volumes(self, _state: Path) -> tuple[Volume, ...]:
        return (Volume("the disk", (Use.STATE, Use.DATA), 100 * GIB),)

    def now(self) -> datetime:
        return datetime(2026, 11, 21, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0

    def wait(self, _span: timedelta) -> None:
        raise AssertionError("nothing waits")


@dataclass(frozen=True)
class Kept(Generic[T]):
    """Slots or snapshots there are."""

    those: tuple[T, ...]

    def list(self) -> tuple[T, ...]:
        return self.those


def operation(world: World, registry: Shelf, evidence: Table | None = None) -> PlanOperation:
    return PlanOperation(
        world,
        registry,
        Kept(world.slots),
        Kept(world.snapshots),
        world,
        world,
        (lambda: evidence) if evidence else load,
        reach,
        lambda _release: 1_000_000_000,
        "linux",
        "24.19.0",
        frozenset(SupervisorKind),
    )


def planned(
    registry: Shelf,
    present: str,
    target: str = "",
    *,
    schema: int | None = None,
    accept: tuple[str, ...] = (),
    style: ExitStyle = ExitStyle.PLAIN,
    world: World | None = None,
    evidence: Table | None = None,
) -> Outcome[PlanData]:
    found = installation(present)
    found = replace(found, state=replace(found.state, state_schema=schema, agent_schemas=()))
    around = replace(world, found=found) if world else World(found)
    named = Version(target) if target else None
    return operation(around, registry, evidence).run(named, frozenset(accept), style)


def slot(version: str) -> Slot:
    return Slot(
        "slot-1", Version(version), SlotOrigin.STAGED, Path("/s"), NodeRuntime(Path("/n"), "24.19.0"), "d", integrity="sha512-x"
    )


def test_an_upgrade_that_is_available_is_told_apart_only_when_asked() -> None:
    registry = shelf("2026.9.6", schemas=(18, 23))
    assert planned(registry, "2026.9.5", schema=17).exit_code == 0
    assert planned(registry, "2026.9.5", schema=17, style=ExitStyle.DETAILED).exit_code == 10


def test_a_move_to_an_older_release_is_no_available_upgrade() -> None:
    assert planned(shelf("2026.2.17"), "2026.2.19", "2026.2.17", style=ExitStyle.DETAILED).exit_code == 0


def test_a_blocked_plan_ends_with_three_and_names_each_rule() -> None:
    outcome = planned(shelf("2026.2.19", "2026.3.23-2"), "2026.2.17", "2026.2.19")
    assert (outcome.status, outcome.exit_code) == (Status.BLOCKED, 3)
    assert [failure.code for failure in outcome.failures] == ["known_bad", "bad_edge"]
    assert outcome.data.next_command == "upgrader upgrade 2026.3.23-2"


def test_a_block_that_is_accepted_by_name_goes_ahead_and_is_recorded() -> None:
    outcome = planned(shelf("2026.2.19"), "2026.2.17", "2026.2.19", accept=("known_bad", "bad_edge"))
    assert outcome.exit_code == 0
    assert [block.rule for block in outcome.data.plan.accepted] == [Rule.KNOWN_BAD, Rule.BAD_EDGE]


def test_a_rule_that_does_not_exist_cannot_be_accepted() -> None:
    with pytest.raises(UsageError) as caught:
        planned(shelf("2026.9.6"), "2026.9.5", accept=("everything",))
    assert (caught.value.exit_code, caught.value.code) == (2, "unknown_rule")


def test_an_installed_release_the_registry_lacks_is_planned_like_any_other() -> None:
    outcome = planned(shelf("2026.2.17", "2026.3.23-2"), "2026.2.19-2")
    assert (outcome.data.answer, str(outcome.data.plan.target)) == (Answer.GO, "2026.3.23-2")
    assert outcome.data.back is not None and outcome.data.back.command == "upgrader upgrade 2026.2.17"


def test_a_recommended_release_the_registry_lacks_gives_way_to_the_next_one() -> None:
    registry = shelf("2026.4.23")
    outcome = planned(registry, "2026.2.17")
    assert str(outcome.data.plan.target) == "2026.4.23"
    assert registry.asked == ["2026.3.23-2", "2026.4.23"]


def test_a_named_release_costs_one_question() -> None:
    registry = shelf("2026.9.6", schemas=(18, 23))
    planned(registry, "2026.9.5", "2026.9.6", schema=17)
    assert registry.asked == ["2026.9.6"]


def test_a_release_nobody_knows_is_an_error_with_a_hint() -> None:
    with pytest.raises(ReleaseUnknown):
        planned(shelf("2026.9.6"), "2026.9.5", "2026.9.77")


def test_a_known_release_that_is_no_longer_published_is_a_blocked_plan() -> None:
    outcome = planned(shelf("2026.2.17"), "2026.2.17", "2026.2.19-2", accept=("known_bad", "bad_edge", "unpublished"))
    assert [failure.code for failure in outcome.failures] == ["unpublished"]


def test_a_registry_that_is_down_stops_the_plan() -> None:
    for target in ("", "2026.9.6"):
        with pytest.raises(RegistryUnreachable):
            planned(Shelf({}, down=True), "2026.9.5", target)


def test_a_retained_release_is_planned_with_the_registry_down() -> None:
    world = World(installation(), (slot("2026.2.17"),))
    outcome = planned(Shelf({}, down=True), "2026.2.19", "2026.2.17", world=world)
    assert (outcome.data.answer, outcome.data.plan.retained) == (Answer.GO, "slot-1")
    assert outcome.data.plan.steps[0].what.startswith("the retained install")


def test_a_retained_release_announced_with_another_digest_is_blocked() -> None:
    world = World(installation(), (replace(slot("2026.2.17"), integrity="sha512-other"),))
    outcome = planned(shelf("2026.2.17"), "2026.2.19", "2026.2.17", world=world)
    assert [failure.code for failure in outcome.failures] == ["integrity_changed"]


def test_a_newer_schema_names_the_rollback_to_a_stopped_snapshot() -> None:
    taken = Snapshot("s1", "", Moment.STOPPED, Version("2026.9.5"), "slot-0", Path("/x"), 1, 1, "d")
    live = replace(taken, id="s2", moment=Moment.LIVE)
    world = World(installation(), snapshots=(taken, live))
    registry = shelf("2026.9.5", schemas=(17, 21))
    outcome = planned(registry, "2026.9.6", "2026.9.5", schema=18, world=world, accept=("known_bad",))
    assert [failure.code for failure in outcome.failures] == ["schema"]
    assert outcome.data.next_command == "upgrader rollback s1"


def test_the_releases_of_before_the_databases_are_known_by_their_age() -> None:
    refused = planned(shelf("2026.4.23"), "2026.9.5", "2026.4.23", schema=17)
    assert "schema" in [failure.code for failure in refused.failures]
    left = planned(shelf("2026.5.26"), "2026.6.1", "2026.5.26", schema=1)
    assert [failure.code for failure in left.failures] == ["schema_left"]


@pytest.mark.parametrize(
    ("version", "opens", "config"),
    [
        ("2026.2.17", 0, "ignores"),
        ("2026.4.29", 0, "guards"),
        ("2026.6.34", 1, "guards"),
        ("2026.7.35", 1, "guards"),
        ("2026.7.2-beta.3", None, "guards"),
    ],
)
def test_what_an_undeclared_release_can_open(version: str, opens: int | None, config: str) -> None:
    found = reach(Release(Version(version)))
    assert (found.state, found.agent, found.guards_config) == (opens, opens, config == "guards")


def test_a_declared_schema_wins_over_what_age_says() -> None:
    found = reach(Release(Version("2026.9.6"), state_schema=18, agent_schema=23))
    assert (found.state, found.agent) == (18, 23)


def test_every_outcome_speaks_the_envelope() -> None:
    registry = shelf("2026.2.17", "2026.2.19", "2026.3.23-2")
    for present, target in (("2026.2.19", ""), ("2026.2.17", "2026.2.19"), ("2026.2.17", "2026.2.17"), ("2026.9.6", "")):
        assert '"schema": "upgrader/1"' in to_json(planned(registry, present, target))


def test_oddities_of_npms_configuration_are_told() -> None:
    registry = replace(shelf("2026.9.6", schemas=(18, 23)), problems=("strict-ssl=false",))
    assert planned(registry, "2026.9.5", schema=17).data.notes == ("strict-ssl=false",)


def test_with_a_table_of_its_own_the_same_machine_gets_another_plan() -> None:
    registry = shelf("2026.9.6", schemas=(18, 23))
    assert planned(registry, "2026.9.5", schema=17, evidence=table()).data.answer is Answer.GO
    assert planned(registry, "2026.9.5", schema=17, evidence=Table((entry("2026.9.5"),))).data.answer is Answer.STAY
