"""What may go from the shelf: whatever stands on it, every way back that was promised stays."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from upgrader.domain.installation.facts import NodeRuntime
from upgrader.domain.kept.pruning import Allowance, Choice, KeptKind, SetAside, Shelf, SlotUse, choose
from upgrader.domain.kept.slot import Slot, SlotOrigin
from upgrader.domain.kept.snapshot import Moment, OutsideFile, Snapshot
from upgrader.domain.version import Version

NOW = datetime(2026, 11, 21, tzinfo=UTC)
RELEASES = tuple(map(Version, ("2026.2.17", "2026.9.5", "2026.9.6")))


def slot(number: int, version: Version) -> Slot:
    node = NodeRuntime(Path(f"/data/nodes/n{number % 2}/bin/node"), "24.1.0")
    return Slot(f"slot{number}", version, SlotOrigin.STAGED, Path(f"/data/slots/slot{number}/openclaw"), node, "digest")


def snapshot(number: int, moment: Moment, of: Slot) -> Snapshot:
    unit = (OutsideFile(Path("/unit"), f"file{number}", 0o600),)
    tree = Path(f"/data/snapshots/s{number:03}/tree")
    return Snapshot(f"s{number:03}", "", moment, of.version, of.id, tree, 0, 0, "", unit)


@st.composite
def shelves(draw: st.DrawFn) -> Shelf:
    slots = tuple(slot(n, draw(st.sampled_from(RELEASES))) for n in range(draw(st.integers(1, 6))))
    moments = draw(st.lists(st.tuples(st.sampled_from(Moment), st.sampled_from(slots)), max_size=8))
    snapshots = tuple(snapshot(number, moment, of) for number, (moment, of) in enumerate(moments))
    rooted = draw(st.sampled_from(slots))
    others = draw(st.lists(st.sampled_from(slots), max_size=2))
    return Shelf(
        present=rooted.version,
        snapshots=snapshots,
        slots=slots,
        rooted=rooted.id,
        pinned=draw(st.none() | st.sampled_from(RELEASES)),
        uses=tuple(SlotUse(each.id, "a process runs from it") for each in others),
        nodes=(Path("/data/nodes/n0"), Path("/data/nodes/n1")),
        files=tuple(Path(f"/data/files/file{n}") for n in range(len(snapshots))),
    )


def names(choice: Choice, kind: KeptKind) -> set[str]:
    return {each.name for each in choice.going if each.kind is kind}


@given(shelves(), st.integers(1, 4))
def test_what_a_rollback_returns_to_stays_with_its_install_its_node_and_its_files(shelf: Shelf, count: int) -> None:
    choice = choose(shelf, Allowance(count), NOW)
    kept = [each for each in shelf.snapshots if each.id not in names(choice, KeptKind.SNAPSHOT)]
    stopped = [each for each in reversed(shelf.snapshots) if each.moment is Moment.STOPPED]
    returning = [each for each in stopped if each.version != shelf.present][:1]
    assert {each.id for each in (*stopped[:count], *returning)} <= {each.id for each in kept}
    gone = names(choice, KeptKind.SLOT)
    needed = {each.slot_id for each in kept} | {shelf.rooted} | {each.slot for each in shelf.uses}
    assert not needed & gone
    assert not {each.id for each in shelf.slots if each.version == shelf.pinned} & gone
    homes = {each.node.path.parent.parent.name for each in shelf.slots if each.id not in gone}
    assert not homes & names(choice, KeptKind.NODE)
    assert not {file.digest for each in kept for file in each.outside} & names(choice, KeptKind.FILE)


@given(shelves())
def test_nothing_that_stays_ever_names_what_went_before_it(shelf: Shelf) -> None:
    order = [each.kind for each in choose(shelf, Allowance(), NOW).going]
    assert order == sorted(order, key=(KeptKind.SNAPSHOT, KeptKind.FILE, KeptKind.SLOT, KeptKind.NODE).index)


@given(shelves())
def test_where_a_snapshot_cannot_be_read_no_install_and_no_file_goes(shelf: Shelf) -> None:
    choice = choose(replace(shelf, blind="a snapshot cannot be read and may need it"), Allowance(), NOW)
    assert not names(choice, KeptKind.SLOT) | names(choice, KeptKind.FILE)


def test_a_state_that_was_taken_out_goes_when_it_is_old_enough_and_not_before() -> None:
    places = [Path("/home/.openclaw.upgrader-old"), Path("/home/.openclaw.upgrader-new")]
    aside = tuple(SetAside(place, NOW - timedelta(days=days)) for place, days in zip(places, (31, 29), strict=True))
    shelf = Shelf(RELEASES[1], (), (), set_aside=aside)
    assert names(choose(shelf, Allowance(), NOW), KeptKind.SET_ASIDE) == {places[0].name}
