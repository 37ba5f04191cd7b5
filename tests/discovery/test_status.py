"""`status` as values and as text."""

import io
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from rich.console import Console

from tests.discovery.machine import Machine, lock_of
from upgrader.context.finding import Finder
from upgrader.domain.installation.facts import InstallKind, NodeRuntime
from upgrader.domain.kept.slot import Slot, SlotOrigin
from upgrader.domain.kept.snapshot import Moment, Snapshot
from upgrader.domain.moves.ports import JournalFile
from upgrader.domain.status import OpenMove, StatusData
from upgrader.domain.version import Version
from upgrader.operations.status import Records, ShowStatus
from upgrader.report.envelope import to_json
from upgrader.report.status_text import render_status


@dataclass(frozen=True)
class Kept:
    """What would be kept; nothing unfinished."""

    items: tuple[object, ...] = ()

    def list(self) -> tuple[object, ...]:
        return self.items

    def open_run(self) -> JournalFile | None:
        return None


def status_of(machine: Machine, slots: tuple[Slot, ...] = (), snapshots: tuple[Snapshot, ...] = ()) -> StatusData:
    """What the command finds in this machine."""
    records = Records(Kept(slots), Kept(snapshots), Kept())  # type: ignore[arg-type]
    return ShowStatus(Finder(machine.discover(), machine.selection()), lambda _: records).run().data


def text_of(data: StatusData, width: int) -> str:
    """As a terminal of this width shows it, without colour."""
    console = Console(width=width, no_color=True, record=True, file=io.StringIO())
    console.print(render_status(data))
    return console.export_text()


def slot(name: str, root: Path) -> Slot:
    """A retained install."""
    return Slot(
        name, Version("2026.9.6"), SlotOrigin.STAGED, root, NodeRuntime(Path("/n"), "24.19.0"), "d", size_bytes=650_000_000
    )


def snapshot(number: int) -> Snapshot:
    """One of many."""
    return Snapshot(f"s{number}", f"2026-11-{number:02}", Moment.STOPPED, Version("2026.9.5"), "a", Path("/t"), 3, 2000, "d")


def test_a_stopped_installation_is_told_as_values_without_secrets(machine: Machine) -> None:
    package, state = machine.install(), machine.make_state()
    data = status_of(machine, (slot("one", package), slot("two", state)), tuple(map(snapshot, range(1, 13))))
    found = data.installation
    assert (found.version, found.kind, found.auth, found.port) == ("2026.9.5", InstallKind.NPM_GLOBAL.value, "token", 18790)
    assert [each.in_use for each in data.slots] == [True, False]
    assert (data.snapshots[0].id, len(data.snapshots), data.snapshots_in_all) == ("s12", 10, 12)
    records = Records(Kept(), Kept(), Kept())  # type: ignore[arg-type]
    outcome = ShowStatus(Finder(machine.discover(), machine.selection()), lambda _: records).run()
    assert "s3cret" not in to_json(outcome)
    assert outcome.exit_code == 0


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_text_fits_the_terminal_and_loses_nothing(machine: Machine, width: int) -> None:
    package, state = machine.install(), machine.make_state()
    with machine.gateway(package, "--lock", str(lock_of(state)), "--state", str(state)) as identity:
        data = status_of(machine, (slot("one", package),), (snapshot(3),))
    text = text_of(data, width)
    assert all(len(line) <= width for line in text.splitlines())
    joined = "".join(text.split())
    for expected in (str(package), str(state), f"pid{identity.pid}", "2026.9.5", "650MB", "s3", "listensnowhereyet"):
        assert "".join(expected.split()) in joined
    assert "s3cret" not in text


def test_a_gateway_that_runs_another_version_than_the_disk_holds_is_said_first(machine: Machine) -> None:
    package, state = machine.install(), machine.make_state()
    with machine.gateway(package, "--lock", str(lock_of(state)), "--state", str(state)):
        data = status_of(machine)
    stale = replace(data, gateways=(replace(data.gateways[0], version="2026.9.4"),))
    assert "still runs 2026.9.4: restart it" in text_of(stale, 100).splitlines()[0]


def test_an_unfinished_move_and_obstacles_are_shown_with_what_to_do(machine: Machine) -> None:
    machine.install()
    machine.make_state()
    machine.environment["OPENCLAW_NIX_MODE"] = "1"
    text = text_of(replace(status_of(machine), open_move=OpenMove("t1", "upgrade", "2026.9.6", "2026-11-21T10:00:00Z")), 120)
    assert "unfinished: upgrade to 2026.9.6" in text
    assert "in the way of a move:" in text
    assert "hint: change the release in your Nix configuration" in text
