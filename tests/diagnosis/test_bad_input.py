"""Pairing data as it should never be: always a finding, never a traceback, never a changed file."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.diagnosis.told import causes, diagnosed, said
from tests.pairing.stores import KNOWLEDGE, Stored, reader
from tests.world.fixtures import WorldOf
from upgrader.adapters.databases.read_only import ReadOnlyDatabases
from upgrader.adapters.probes.observed_files import StateFiles
from upgrader.domain.checks.pairing import judge_store
from upgrader.domain.version import Version
from upgrader.operations.diagnosis.pairing_store import StoreReader
from upgrader.services.openclaw import auth_profiles, scene_facts
from upgrader.services.openclaw.pairing import pairing_edits
from upgrader.services.openclaw.pairing.pairing_data import parse_files

FILES = ("identity/device.json", "identity/device-auth.json", "devices/paired.json", "devices/pending.json")
FOREIGN: dict[str, bytes] = {
    "truncated": b'{"a": {"deviceId": "a", "tok',
    "empty": b"",
    "a list": b"[]",
    "binary": bytes(range(256)),
    "of another world": b"<html>not found</html>",
    "records that are none": b'{"a": 7, "b": null, "c": []}',
    "deeply nested": b"[" * 20_000,
}


@pytest.mark.parametrize("content", FOREIGN)
def test_a_foreign_pairing_file_is_a_finding_and_stays_as_it_is(world_of: WorldOf, content: str) -> None:
    world = world_of("2026.2.22")
    for name in FILES[1:]:
        (world.state / name).write_bytes(FOREIGN[content])
    before = world.state_digest()
    done = diagnosed(world)
    assert done.exit_code == 3, done.text
    assert done.json["data"]["causes"][0]["impact"] == "breaks now"
    assert said(world, "--yes", "--json", "repair").exit_code in (3, 4)
    assert world.state_digest() == before


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5).map(
        lambda each: json.dumps({"profiles": {"a": each, "b": {"key": each}}, "usageStats": {"b": each}}).encode()
    )
)
def test_logins_of_any_form_are_read_or_passed_over(raw: bytes) -> None:
    auth_profiles.logins("main", raw, raw)
    auth_profiles.logins("main", b'{"profiles": {"a": {"key": "k"}}}', raw)


def test_a_huge_or_unreadable_file_is_named(world_of: WorldOf) -> None:
    world = world_of("2026.2.22")
    path = world.state / "devices" / "paired.json"
    with path.open("r+b") as file:
        file.truncate(64 * 1024 * 1024)
    assert causes(world)[0]["code"] == "data-unreadable"
    path.unlink()
    path.symlink_to("/dev/zero")
    assert causes(world)[0]["code"] == "data-unreadable"
    path.unlink()
    os.mkfifo(path)
    assert causes(world)[0]["code"] == "data-unreadable"


def test_a_corrupt_or_foreign_database_is_named_and_not_touched(world_of: WorldOf) -> None:
    world = world_of("2026.9.5")
    whole = world.database.read_bytes()
    world.database.write_bytes(whole[:100] + os.urandom(len(whole) - 100))
    before = world.database.read_bytes()
    assert causes(world)[0]["code"] == "data-unreadable"
    assert said(world, "--yes", "--json", "repair").exit_code == 3
    assert world.database.read_bytes() == before
    world.database.write_bytes(whole[:5000])
    assert diagnosed(world).exit_code == 3


def test_a_database_locked_by_another_process_is_named(tmp_path: Path) -> None:
    stored = Stored(tmp_path / "state", "sqlite")
    hold = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN EXCLUSIVE')"
    script = f"{hold}; print('held', flush=True); sys.stdin.read()"
    argv = [sys.executable, "-S", "-c", script, str(stored.database)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        databases = ReadOnlyDatabases(tmp_path, busy=timedelta(milliseconds=50))
        assert "locked" in StoreReader(databases, StateFiles(), KNOWLEDGE).store(stored.state).problems[0]
        holder.communicate()


def test_a_schema_newer_than_known_is_told_and_the_rest_is_judged(world_of: WorldOf) -> None:
    world = world_of("2026.9.6")
    world.change("PRAGMA user_version = 99")
    world.change_token(world.own)
    found = {each["code"]: each for each in causes(world)}
    assert "schema-too-new" in found
    assert "cache-token-differs" in found


_JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
_KEYS = ("deviceId", "publicKey", "roles", "role", "scopes", "approvedScopes", "tokens", "createdAtMs", "requestId", "ts")
_RECORDS = st.dictionaries(st.text(max_size=6), st.dictionaries(st.sampled_from(_KEYS), _JSON) | _JSON, max_size=4)


@given(st.binary(max_size=300), st.binary(max_size=300), st.binary(max_size=300), st.binary(max_size=300))
def test_no_bytes_in_the_files_are_an_error(device: bytes, auth: bytes, paired: bytes, pending: bytes) -> None:
    store = parse_files(device, auth, paired, pending)
    judge_store(store, KNOWLEDGE.rules(Version("2026.2.22")))


@given(_RECORDS, _RECORDS)
def test_wrongly_typed_records_are_judged_or_named(paired: dict[str, Any], pending: dict[str, Any]) -> None:
    raw = json.dumps(paired).encode(), json.dumps(pending).encode()
    store = parse_files(None, None, *raw)
    for release in ("2026.2.17", "2026.9.6"):
        judge_store(store, KNOWLEDGE.rules(Version(release)))
    scene_facts.dates_of_file(raw[0])
    scene_facts.secrets_of_store((), {"devices/paired.json": raw[0]})


@given(_RECORDS, st.sampled_from(["synced", "widened", "forgotten"]))
def test_an_edit_of_wrongly_typed_records_changes_them_whole_or_says_that_it_cannot(records: dict[str, Any], edit: str) -> None:
    files: dict[str, bytes | None] = {"devices/paired.json": json.dumps(records).encode()}
    device = next(iter(records), "nobody")
    try:
        changed = {
            "synced": lambda: pairing_edits.synced(files, device, 1),
            "widened": lambda: pairing_edits.widened(files, device, ("operator.read",)),
            "forgotten": lambda: pairing_edits.forgotten(files, device),
        }[edit]()
    except (ValueError, KeyError, TypeError, AttributeError):
        return
    assert all(isinstance(json.loads(raw), dict) for raw in changed.values())
    if edit != "synced":
        kept = json.loads(changed["devices/paired.json"])
        assert {k: v for k, v in kept.items() if k != device} == {k: v for k, v in records.items() if k != device}


_CELLS: Any = st.none() | st.integers(-(2**60), 2**60) | st.text(max_size=12) | st.binary(max_size=12) | st.just("[7]")


@settings(max_examples=12)
@given(_CELLS, _CELLS, _CELLS)
def test_wrongly_typed_cells_of_the_tables_are_judged_or_named(
    tmp_path_factory: pytest.TempPathFactory, tokens: Any, scopes: Any, roles: Any
) -> None:
    folder: Path = tmp_path_factory.mktemp("cells")
    stored = Stored(folder / "state", "sqlite")
    stored.change("UPDATE device_pairing_paired SET tokens_json = ?, scopes_json = ?, roles_json = ?", tokens, scopes, roles)
    stored.change("UPDATE device_auth_tokens SET scopes_json = ?", scopes)
    before = stored.database.read_bytes()
    judge_store(reader(folder).store(stored.state), KNOWLEDGE.rules(Version("2026.9.6")))
    assert stored.database.read_bytes() == before


def test_a_broken_configuration_or_no_state_at_all_is_the_cause_itself(world_of: WorldOf) -> None:
    world = world_of("2026.2.22")
    kept = world.config.read_bytes()
    for content in (b"{broken", b"[]", b"\x00\xff", b'{"$include": "nowhere.json"}'):
        world.config.write_bytes(content)
        done = diagnosed(world)
        assert done.exit_code == 3
        (found,) = done.json["data"]["causes"]
        assert found["code"].startswith("config"), found
        assert "`" in found["remedy"]
        assert world.config.read_bytes() == content
    world.config.write_bytes(kept)
    world.state.rename(world.home / "moved-away")
    (found,) = diagnosed(world).json["data"]["causes"]
    assert found["code"] == "no_state"
