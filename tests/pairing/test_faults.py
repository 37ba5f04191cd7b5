"""Each way a pairing can be broken, in both eras: found by its check, and a whole store passes all of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.pairing.stores import KNOWLEDGE, Stored
from tests.world.devices import OPERATOR_SCOPES, Device
from upgrader.domain.check import Judgement, Need, Verdict
from upgrader.domain.checks.pairing import judge_store
from upgrader.domain.checks.pairing_change import StoreChange, compare_stores
from upgrader.domain.pairing.observation import Act, ActKind, PairingStore, Reach
from upgrader.domain.version import Version

RELEASE = {"files": "2026.3.13", "sqlite": "2026.9.6"}
READ = ["operator.read"]


@pytest.fixture(params=["files", "sqlite"])
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Stored:
    """A whole store of each era."""
    return Stored(tmp_path / "state", str(request.param))


def judged(stored: Stored, release: str = "") -> dict[str, Judgement]:
    rules = KNOWLEDGE.rules(Version(release or RELEASE[stored.era]))
    return {j.check: j for j in judge_store(stored.read(), rules)}


def failed(judgements: dict[str, Judgement]) -> set[str]:
    return {name for name, j in judgements.items() if j.verdict is Verdict.FAIL}


def compared(
    before: PairingStore, after: PairingStore, release: str, reach: Reach = Reach.LIVE, acts: tuple[Act, ...] = ()
) -> set[str]:
    change = StoreChange(before, after, KNOWLEDGE.rules(Version(release)), reach, acts)
    return {j.check for j in compare_stores(change) if j.verdict is Verdict.FAIL and j.need is Need.REQUIRED}


def test_a_whole_store_passes_every_check(stored: Stored) -> None:
    assert failed(judged(stored)) == set()


def test_a_store_compared_with_itself_has_not_changed(stored: Stored) -> None:
    store = stored.read()
    assert compared(store, store, RELEASE[stored.era]) == set()


def test_a_token_that_differs_between_cache_and_record_is_found(stored: Stored) -> None:
    stored.edit_token(stored.own, token="x" * 43)
    assert failed(judged(stored)) == {"pairing.token-equal.operator"}


def test_an_empty_token_in_the_cache_is_found(stored: Stored) -> None:
    stored.edit_cache(token="")
    assert failed(judged(stored)) == {"pairing.token-equal.operator"}


def test_an_empty_token_in_a_record_is_found(stored: Stored) -> None:
    stored.edit_token(stored.phone, token="")
    assert failed(judged(stored)) == {"pairing.token-present"}


def test_a_cache_of_another_device_is_found(stored: Stored) -> None:
    stored.edit_cache(deviceId="f" * 64)
    assert "pairing.cache-device" in failed(judged(stored))


def test_a_missing_cache_is_found(stored: Stored) -> None:
    stored.drop_cache()
    assert failed(judged(stored)) == {"pairing.cache-present"}


def test_a_missing_record_of_this_machine_is_found(stored: Stored) -> None:
    stored.forget_device(stored.own)
    assert failed(judged(stored)) == {"pairing.recorded"}


def test_a_record_with_another_key_is_found(stored: Stored) -> None:
    stored.edit(stored.own, lambda record: record.update(publicKey="A" * 43))
    assert "pairing.recorded" in failed(judged(stored))


def test_an_id_that_is_not_the_hash_of_its_key_is_found(stored: Stored) -> None:
    stored.rename_identity("0" * 64)
    assert "pairing.identity" in failed(judged(stored))


def test_a_device_narrower_than_its_token_is_refused_altogether(stored: Stored) -> None:
    stored.edit(stored.own, lambda record: record.update(scopes=READ, approvedScopes=READ))
    assert "pairing.token-baseline" in failed(judged(stored))


def test_a_token_of_a_role_that_is_not_approved_is_found(stored: Stored) -> None:
    stored.edit(stored.phone, lambda record: record.update(roles=["node"]))
    assert "pairing.token-role" in failed(judged(stored))


def test_a_revoked_token_is_told_and_never_blamed_on_an_upgrade(stored: Stored) -> None:
    stored.edit_token(stored.own, revokedAtMs=1_788_000_000_001)
    seen = judged(stored)["pairing.token-equal.operator"]
    assert (seen.verdict, seen.need) == (Verdict.FAIL, Need.WANTED)


def test_a_waiting_repair_of_this_machine_is_told(stored: Stored) -> None:
    stored.ask(stored.own, "operator.write")
    assert failed(judged(stored)) == {"pairing.pending"}


def test_a_file_that_is_not_json_is_named(tmp_path: Path) -> None:
    stored = Stored(tmp_path / "state", "files")
    (tmp_path / "state" / "devices" / "paired.json").write_text("{")
    assert "pairing.readable" in failed(judged(stored))


def test_files_that_were_not_imported_are_found(tmp_path: Path) -> None:
    stored = Stored(tmp_path / "state", "sqlite")
    for table in ("device_pairing_paired", "device_auth_tokens", "device_identities"):
        stored.change(f"DELETE FROM {table}")
    Stored(tmp_path / "older", "files")
    for name in ("devices/paired.json", "identity/device.json", "identity/device-auth.json"):
        target = tmp_path / "state" / name
        target.parent.mkdir(exist_ok=True)
        (tmp_path / "older" / name).rename(target)
    assert "pairing.imported" in failed(judged(stored))


def test_scopes_of_2_17_fail_by_the_rules_of_2_19_and_pass_by_those_of_2_22(tmp_path: Path) -> None:
    stored = Stored(tmp_path / "state", "files")
    three = ["operator.admin", "operator.approvals", "operator.pairing"]
    stored.edit(stored.own, lambda record: record.update(scopes=three) or record.pop("approvedScopes"))
    stored.edit_token(stored.own, scopes=three)
    wanted = {"pairing.scopes.backend-read", "pairing.scopes.backend-write"}
    assert failed(judged(stored, "2026.2.17")) == set()
    assert failed(judged(stored, "2026.2.19")) == wanted
    assert failed(judged(stored, "2026.2.22")) == set()


def test_2_19_needs_read_and_write_literally(tmp_path: Path) -> None:
    stored = Stored(tmp_path / "state", "files")
    assert failed(judged(stored, "2026.2.19")) == set()
    stored.edit(stored.own, lambda record: record.update(scopes=[s for s in OPERATOR_SCOPES if s != "operator.read"]))
    assert failed(judged(stored, "2026.2.19")) == {"pairing.scopes.backend-read"}


def test_7_1_holds_the_approved_list_against_clients_even_if_the_other_one_is_wide(tmp_path: Path) -> None:
    stored = Stored(tmp_path / "state", "files")
    stored.edit(stored.own, lambda record: record.update(approvedScopes=READ))
    assert "pairing.token-baseline" in failed(judged(stored, "2026.7.1"))
    assert "pairing.token-baseline" not in failed(judged(stored, "2026.3.13"))


Fault = Callable[[Stored], None]
CHANGES: dict[str, tuple[Fault, str]] = {
    "a row is gone": (lambda s: s.forget_device(s.phone), "pairing.same.rows"),
    "the device's scopes are narrowed": (lambda s: _scopes(s, READ, READ), "pairing.same.scopes"),
    "only the device level is narrowed": (lambda s: _scopes(s, READ, list(OPERATOR_SCOPES)), "pairing.same.scopes"),
    "only the approved list is narrowed": (lambda s: _scopes(s, list(OPERATOR_SCOPES), READ), "pairing.same.scopes"),
    "the token's scopes are narrowed": (lambda s: s.edit_token(s.phone, scopes=READ), "pairing.same.scopes"),
    "the token is another": (lambda s: s.edit_token(s.phone, token="x" * 43), "pairing.same.tokens"),
    "the token is gone": (lambda s: s.edit(s.phone, lambda record: record["tokens"].clear()), "pairing.same.tokens"),
    "a role is gone": (
        lambda s: s.edit(s.phone, lambda record: record.update(roles=["node"], role="node")),
        "pairing.same.scopes",
    ),
    "the recorded key is another": (
        lambda s: s.edit(s.phone, lambda record: record.update(publicKey="B" * 43)),
        "pairing.same.fields",
    ),
    "this machine's cache is gone": (lambda s: s.drop_cache(), "pairing.same.identity"),
    "a client of this machine was refused": (lambda s: s.ask(s.own, "operator.write"), "pairing.same.requests"),
}


def _scopes(stored: Stored, device: list[str], approved: list[str]) -> None:
    stored.edit(stored.phone, lambda record: record.update(scopes=device, approvedScopes=approved))


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_nobody_asked_for_is_found(stored: Stored, name: str) -> None:
    fault, check = CHANGES[name]
    before = stored.read()
    fault(stored)
    assert check in compared(before, stored.read(), RELEASE[stored.era])


def test_a_row_an_operator_removed_is_no_fault(tmp_path: Path) -> None:
    stored = Stored(tmp_path / "state", "sqlite")
    before = stored.read()
    stored.forget_device(stored.phone)
    stored.change("INSERT INTO apns_registration_tombstones VALUES (?, 1788000000001)", stored.phone.id)
    assert compared(before, stored.read(), "2026.9.6") == set()
    assert compared(before, stored.read(), "2026.9.6", Reach.CLONE) == {"pairing.same.rows"}, "on a clone nobody removes"


def test_an_old_removal_does_not_excuse_a_row_that_is_gone_now(tmp_path: Path) -> None:
    stored = Stored(tmp_path / "state", "sqlite")
    stored.change("INSERT INTO apns_registration_tombstones VALUES (?, 1788000000001)", stored.phone.id)
    before = stored.read()
    stored.forget_device(stored.phone)
    assert compared(before, stored.read(), "2026.9.6") == {"pairing.same.rows"}


def test_a_removal_the_log_tells_of_is_no_fault(tmp_path: Path) -> None:
    stored = Stored(tmp_path / "state", "files")
    before = stored.read()
    stored.forget_device(stored.phone)
    removed = (Act(ActKind.REMOVED, stored.phone.id, at_ms=1),)
    assert compared(before, stored.read(), "2026.3.13", acts=removed) == set()


def test_a_rotated_token_is_no_fault(stored: Stored) -> None:
    before = stored.read()
    stored.edit_token(stored.phone, token="y" * 43, rotatedAtMs=1_788_000_000_002)
    assert compared(before, stored.read(), RELEASE[stored.era]) == set()


def test_what_ordinary_use_changes_is_no_fault(stored: Stored) -> None:
    def used(record: dict[str, Any]) -> None:
        record.update(displayName="another name", lastSeenAtMs=1_788_000_000_009)
        record["tokens"]["operator"]["lastUsedAtMs"] = 1_788_000_000_009

    before = stored.read()
    stored.edit(stored.phone, used)
    assert compared(before, stored.read(), RELEASE[stored.era]) == set()


def test_moving_from_files_into_tables_is_no_change(tmp_path: Path) -> None:
    files = Stored(tmp_path / "files", "files")
    tables = Stored(tmp_path / "tables", "sqlite", own=files.own, phone=files.phone)
    assert compared(files.read(), tables.read(), "2026.9.6") == set()


def test_a_new_device_is_told_live_and_fails_on_a_clone(stored: Stored) -> None:
    before = stored.read()
    stored.pair_record(Device.new("stranger").record())
    assert compared(before, stored.read(), RELEASE[stored.era]) == set()
    assert compared(before, stored.read(), RELEASE[stored.era], Reach.CLONE) == {"pairing.same.extra"}


def test_no_secret_is_in_anything_that_is_said(stored: Stored) -> None:
    stored.edit_token(stored.own, token="x" * 43)
    store = stored.read()
    said = repr(store) + repr(judged(stored))
    assert stored.own.token not in said
    assert stored.phone.token not in said
    assert "x" * 43 not in said
    assert "PRIVATE KEY" not in said
