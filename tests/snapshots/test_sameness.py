"""The proof of sameness fails on one changed byte and on one changed row, and names it; only the list is left out."""

import json
import shutil
from pathlib import Path

import pytest

from tests.snapshots.conftest import make_state
from tests.snapshots.stores import AGENT, STATE, device, make_stores, message, rows, run
from tests.snapshots.test_snapshots import contents
from upgrader.adapters.kept.compare import Comparer
from upgrader.domain.kept.sameness import Exclusions, KeyExclusion, Sameness, TableExclusion
from upgrader.services.openclaw.places.sameness import EXCLUSIONS


@pytest.fixture
def twins(tmp_path: Path) -> tuple[Path, Path]:
    """Two equal states with files, links, a workspace and two databases."""
    one = tmp_path / "one"
    make_state(one)
    (one / STATE).unlink()
    (one / "state").rmdir()
    make_stores(one / "stores")
    for name in ("state", "agents/main/agent"):
        (one / "stores" / name).rename(one / name)
    shutil.rmtree(one / "stores")
    device(one, "phone", "token-1")
    message(one, "m")
    run(one, "INSERT INTO transcript_events VALUES ('s', 1, '{}'), ('s', 1, '{}')", store=AGENT)
    shutil.copytree(one, tmp_path / "two", symlinks=True)
    return one, tmp_path / "two"


def compared(twins: tuple[Path, Path], exclusions: Exclusions = EXCLUSIONS) -> Sameness:
    return Comparer(exclusions, twins[0].parent / "scratch").compare(*twins)


def places(found: Sameness) -> list[str]:
    return [difference.place for difference in found.differences]


def test_equal_states_are_the_same_and_neither_is_touched(twins: tuple[Path, Path]) -> None:
    before = contents(twins[0]), contents(twins[1])
    found = compared(twins)
    assert found.holds
    assert found.paths > 10
    assert found.rows == 4
    assert (contents(twins[0]), contents(twins[1])) == before


def test_one_changed_byte_is_named(twins: tuple[Path, Path]) -> None:
    path = twins[1] / "workspace/notes.md"
    path.write_bytes(b"minE")
    assert places(compared(twins)) == ["workspace/notes.md"]


def test_one_changed_row_is_named_by_table_key_and_column_and_no_value_is_told(twins: tuple[Path, Path]) -> None:
    device(twins[1], "phone", "token-2")
    found = compared(twins)
    assert [(d.place, d.what) for d in found.differences] == [(f"{STATE}: device_pairing_paired[phone]", "tokens_json differs")]
    assert "token-2" not in str(found)


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("DELETE FROM device_pairing_paired", "the row is gone"),
        ("INSERT INTO device_pairing_paired VALUES ('x', '[]', '{}')", "the row appeared"),
        ("CREATE TABLE more (a)", "appeared"),
        ("ALTER TABLE device_pairing_paired ADD COLUMN more TEXT", "has another form"),
        ("PRAGMA user_version = 18", "schema 0 became 18"),
        ("DROP TABLE cron_jobs", "is gone"),
    ],
)
def test_every_kind_of_change_in_a_database_is_told(twins: tuple[Path, Path], sql: str, what: str) -> None:
    run(twins[1], sql)
    assert what in [difference.what for difference in compared(twins).differences]


@pytest.mark.parametrize("change", ["gone", "appeared", "mode", "link", "kind"])
def test_every_kind_of_change_of_a_path_is_told(twins: tuple[Path, Path], change: str) -> None:
    path = twins[1] / "devices/paired.json"
    if change == "gone":
        path.unlink()
    elif change == "appeared":
        (twins[1] / "new").mkdir()
    elif change == "mode":
        path.chmod(0o777)
    elif change == "link":
        (twins[1] / "current").unlink()
        (twins[1] / "current").symlink_to("elsewhere")
    else:
        path.unlink()
        path.mkdir()
    assert len(compared(twins).differences) == 1


def test_a_duplicate_row_less_is_told(twins: tuple[Path, Path]) -> None:
    run(twins[1], "DELETE FROM transcript_events WHERE rowid = 1", store=AGENT)
    assert [d.what for d in compared(twins).differences] == ["2 rows became 1"]


def test_equal_rows_in_other_pages_are_the_same(twins: tuple[Path, Path]) -> None:
    run(twins[1], "CREATE TABLE x (a)")
    run(twins[1], "DROP TABLE x")
    run(twins[1], "VACUUM")
    assert (twins[0] / STATE).read_bytes() != (twins[1] / STATE).read_bytes()
    assert compared(twins).holds


def test_only_what_stands_on_the_list_is_left_out(twins: tuple[Path, Path]) -> None:
    acts = json.loads(str(rows(twins[1], "SELECT tokens_json FROM device_pairing_paired")[0][0]))
    acts["operator"]["lastUsedAtMs"] = 9
    run(twins[1], "UPDATE device_pairing_paired SET tokens_json = ?", json.dumps(acts))
    run(twins[1], "UPDATE delivery_queue_entries SET updated_at = 2")
    assert places(compared(twins)) == [f"{STATE}: delivery_queue_entries[q, m]"]
    queue = "delivery_queue_entries"
    listed = Exclusions(
        tables=(TableExclusion("state/*", queue, "why", column="updated_at", rows="id = 'm'"),),
        keys=(KeyExclusion("state/*", frozenset({"lastUsedAtMs"}), "why", "device_pairing_paired", "tokens_json"),),
    )
    assert compared(twins, listed).holds
    other = Exclusions(tables=(TableExclusion("state/*", queue, "why", rows="id = 'other'"),), keys=listed.keys)
    assert places(compared(twins, other)) == [f"{STATE}: delivery_queue_entries[q, m]"]


def test_every_exclusion_gives_its_reason() -> None:
    reasons = [one.reason for one in EXCLUSIONS.paths]
    reasons += [one.reason for one in EXCLUSIONS.tables]
    reasons += [one.reason for one in EXCLUSIONS.keys]
    assert all(reasons)
