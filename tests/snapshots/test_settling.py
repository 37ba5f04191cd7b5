"""A rollback repeats nothing, loses nothing living, revives nothing revoked, and mends what was only broken."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.snapshots.pair import Pair, actions
from tests.snapshots.stores import AGENT, STATE, device, job, message, rows, run
from tests.snapshots.test_snapshots import contents


def test_when_nothing_happened_the_restored_state_stays_byte_for_byte(pair: Pair) -> None:
    message(pair.live, "a")
    job(pair.live, "j", "at", nextRunAtMs=5)
    device(pair.live, "phone", "t")
    run(pair.live, "INSERT INTO session_nodes VALUES ('k', '{\"status\":\"running\"}', 1, 'running')", store=AGENT)
    pair.stop()
    before = contents(pair.standby)
    assert pair.roll_back() == ()
    assert contents(pair.live) == before


@pytest.mark.parametrize(
    "what_the_candidate_did",
    [
        "UPDATE delivery_queue_entries SET status = 'completed'",
        "DELETE FROM delivery_queue_entries",
        "UPDATE delivery_queue_entries SET platform_send_started_at = 9",
    ],
)
def test_a_message_that_went_out_or_may_have_is_not_sent_again(pair: Pair, what_the_candidate_did: str) -> None:
    message(pair.live, "a")
    pair.stop()
    run(pair.live, what_the_candidate_did)
    assert actions(pair.roll_back()) == [("settled", "outgoing message q/a")]
    assert rows(pair.live, "SELECT * FROM delivery_queue_entries WHERE status = 'pending'") == []


def test_what_was_taken_out_is_kept_and_never_shown(pair: Pair, tmp_path: Path) -> None:
    message(pair.live, "a")
    pair.stop()
    run(pair.live, "DELETE FROM delivery_queue_entries")
    items = pair.roll_back()
    kept = next((tmp_path / "data" / "settling").glob("*/rows.jsonl"))
    assert "private words" in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert "private words" not in str(items)


def test_a_message_still_waiting_is_sent_and_a_new_one_is_carried(pair: Pair) -> None:
    message(pair.live, "old")
    pair.stop()
    message(pair.live, "new")
    assert actions(pair.roll_back()) == [("carried", "outgoing message q/new")]
    assert rows(pair.live, "SELECT id FROM delivery_queue_entries ORDER BY id") == [("new",), ("old",)]


def test_a_new_message_in_another_form_is_listed_with_its_place(pair: Pair) -> None:
    pair.stop()
    run(pair.live, "ALTER TABLE delivery_queue_entries ADD COLUMN more TEXT")
    message(pair.live, "new")
    (item,) = pair.roll_back()
    assert item.action == "listed"
    assert item.place == str(pair.standby)


def test_a_handled_incoming_message_stays_known(pair: Pair) -> None:
    names = "queue_name, event_id, status, payload_json, updated_at"
    run(pair.live, f"INSERT INTO channel_ingress_events ({names}) VALUES ('q', 'e', 'pending', '{{}}', 1)")
    pair.stop()
    run(pair.live, "DELETE FROM channel_ingress_events")
    assert actions(pair.roll_back()) == [("settled", "incoming message q/e")]
    assert rows(pair.live, "SELECT status FROM channel_ingress_events") == [("completed",)]


def test_a_one_shot_job_that_ran_does_not_run_again_and_one_that_did_not_does(pair: Pair) -> None:
    job(pair.live, "ran", "at", nextRunAtMs=5)
    job(pair.live, "waits", "at", nextRunAtMs=6)
    pair.stop()
    run(pair.live, "DELETE FROM cron_jobs WHERE job_id = 'ran'")
    assert actions(pair.roll_back()) == [("settled", "scheduled job ran")]
    assert rows(pair.live, "SELECT job_id FROM cron_jobs") == [("waits",)]


def test_a_slot_of_a_recurring_job_is_taken_once(pair: Pair) -> None:
    job(pair.live, "j", "cron", nextRunAtMs=100, lastRunAtMs=50)
    pair.stop()
    run(pair.live, "UPDATE cron_jobs SET state_json = ?", json.dumps({"nextRunAtMs": 200, "lastRunAtMs": 101}))
    assert actions(pair.roll_back()) == [("settled", "scheduled job j")]
    ((state,),) = rows(pair.live, "SELECT state_json FROM cron_jobs")
    assert json.loads(str(state)) == {"nextRunAtMs": 200, "lastRunAtMs": 101}


def test_an_interrupted_turn_the_candidate_resumed_is_not_resumed_again(pair: Pair) -> None:
    entry = {"status": "running", "abortedLastRun": True, "mainRestartRecovery": {"revision": 1}, "sessionId": "s"}
    run(pair.live, "INSERT INTO session_nodes VALUES ('k', ?, 1, 'running')", json.dumps(entry), store=AGENT)
    pair.stop()
    run(pair.live, "UPDATE session_nodes SET status = 'done', entry_json = '{\"status\":\"done\"}'", store=AGENT)
    assert actions(pair.roll_back()) == [("settled", "interrupted turn k")]
    ((status, text),) = rows(pair.live, "SELECT status, entry_json FROM session_nodes", store=AGENT)
    assert status == "failed"
    assert json.loads(str(text)) == {"status": "failed", "abortedLastRun": False, "sessionId": "s"}


def test_a_refreshed_login_and_a_moved_cursor_are_carried(pair: Pair) -> None:
    run(pair.live, "INSERT INTO mcp_oauth_stores VALUES ('m', 1, 'old', 1)")
    run(pair.live, "INSERT INTO plugin_state_entries VALUES ('telegram', 'telegram.update-offsets', 'bot', '1', 1, NULL)")
    run(pair.live, "INSERT INTO plugin_state_entries VALUES ('telegram', 'telegram.sticker-cache', 'x', '1', 1, NULL)")
    run(pair.live, "INSERT INTO auth_profile_store VALUES ('p', 'old', 1)", store=AGENT)
    pair.stop()
    run(pair.live, "UPDATE mcp_oauth_stores SET store_json = 'new', updated_at = 2")
    run(pair.live, "UPDATE plugin_state_entries SET value_json = '2'")
    run(pair.live, "UPDATE auth_profile_store SET store_json = 'new', updated_at = 2", store=AGENT)
    items = pair.roll_back()
    assert {item.action for item in items} == {"carried"}
    assert rows(pair.live, "SELECT store_json FROM mcp_oauth_stores") == [("new",)]
    assert rows(pair.live, "SELECT value_json FROM plugin_state_entries ORDER BY namespace") == [("1",), ("2",)]
    assert rows(pair.live, "SELECT store_json FROM auth_profile_store", store=AGENT) == [("new",)]


def test_ratchet_files_return_as_they_are_now_used_up_ones_do_not_return(pair: Pair) -> None:
    keys = pair.live / "credentials" / "whatsapp" / "default"
    keys.mkdir(parents=True)
    for name in ("creds.json", "pre-key-1.json"):
        (keys / name).write_text("old")
    pair.stop()
    (keys / "pre-key-1.json").unlink()
    (keys / "creds.json").write_text("new")
    (keys / "pre-key-2.json").write_text("new")
    pair.roll_back()
    assert {path.name: path.read_text() for path in keys.iterdir()} == {"creds.json": "new", "pre-key-2.json": "new"}


def test_what_the_operator_revoked_rotated_or_removed_stays_so(pair: Pair) -> None:
    for name in ("revoked", "rotated", "removed"):
        device(pair.live, name, f"{name}-1")
    run(pair.live, "INSERT INTO device_auth_tokens VALUES ('rotated', 'operator', 'rotated-1', '[]', 1)")
    pair.stop()
    device(pair.live, "revoked", "revoked-1", revokedAtMs=7)
    device(pair.live, "rotated", "rotated-2", rotatedAtMs=8)
    run(pair.live, "UPDATE device_auth_tokens SET token = 'rotated-2', updated_at_ms = 8")
    run(pair.live, "DELETE FROM device_pairing_paired WHERE device_id = 'removed'")
    run(pair.live, "INSERT INTO apns_registration_tombstones VALUES ('removed', 9)")
    items = pair.roll_back()
    assert [item.action for item in items] == ["revoked", "revoked", "revoked", "carried"]
    paired = rows(pair.live, "SELECT device_id, tokens_json FROM device_pairing_paired")
    tokens = {str(key): json.loads(str(text))["operator"] for key, text in paired}
    assert tokens.keys() == {"revoked", "rotated"}
    assert tokens["revoked"]["revokedAtMs"] == 7
    assert tokens["rotated"]["token"] == "rotated-2"
    assert rows(pair.live, "SELECT token FROM device_auth_tokens") == [("rotated-2",)]
    assert rows(pair.live, "SELECT node_id FROM apns_registration_tombstones") == [("removed",)]
    assert "rotated-2" not in str(items)


@pytest.mark.parametrize("fault", ["row deleted", "scopes narrowed", "token changed"])
def test_a_pairing_that_was_broken_and_not_revoked_is_whole_again(pair: Pair, fault: str) -> None:
    device(pair.live, "phone", "right")
    pair.stop()
    before = contents(pair.standby)
    if fault == "row deleted":
        run(pair.live, "DELETE FROM device_pairing_paired")
    elif fault == "scopes narrowed":
        device(pair.live, "phone", "right", scopes=("operator.read",))
    else:
        device(pair.live, "phone", "wrong")
    items = pair.roll_back()
    assert {item.action for item in items} <= {"listed"}
    assert contents(pair.live) == before


def test_a_device_paired_after_the_upgrade_stays_paired(pair: Pair) -> None:
    device(pair.live, "laptop", "a")
    pair.stop()
    device(pair.live, "phone", "b")
    assert actions(pair.roll_back()) == [("carried", "device phone")]
    assert rows(pair.live, "SELECT device_id FROM device_pairing_paired ORDER BY 1") == [("laptop",), ("phone",)]


def test_messages_written_after_the_upgrade_are_told_with_their_place(pair: Pair) -> None:
    run(pair.live, "INSERT INTO transcript_events VALUES ('s', 1, '{}')", store=AGENT)
    pair.stop()
    for number in (2, 3):
        run(pair.live, "INSERT INTO transcript_events VALUES ('s', ?, '{}')", number, store=AGENT)
    (item,) = pair.roll_back()
    assert item.what.startswith("2 messages of 1 sessions")
    assert item.place == str(pair.standby / AGENT)


def test_a_workspace_is_the_same_directory_before_and_after_and_both_ways(pair: Pair) -> None:
    workspace = pair.live / "workspace"
    workspace.mkdir()
    (workspace / "notes").write_text("at the stop")
    pair.stop()
    held = os.open(workspace / "notes", os.O_WRONLY | os.O_APPEND)
    inode = workspace.stat().st_ino
    pair.roll_back("workspace")
    pair.settle("workspace")
    os.write(held, b", and on")
    os.close(held)
    assert workspace.stat().st_ino == inode
    assert (workspace / "notes").read_text() == "at the stop, and on"


def test_a_workspace_inside_another_moves_along_and_one_that_holds_databases_does_not(pair: Pair) -> None:
    inner = pair.live / "workspace" / "research"
    inner.mkdir(parents=True)
    (inner / "notes").write_text("at the stop")
    pair.stop()
    (inner / "notes").write_text("newest")
    items = pair.roll_back("workspace", "workspace/research", ".")
    assert (inner / "notes").read_text() == "newest"
    assert [(item.action, item.what) for item in items] == [("listed", ".")]
    assert pair.live.stat().st_ino != pair.standby.stat().st_ino


def test_what_was_settled_is_not_taken_for_new_when_settling_is_run_again(pair: Pair) -> None:
    message(pair.live, "a")
    job(pair.live, "j", "at", nextRunAtMs=5)
    pair.stop()
    run(pair.live, "UPDATE delivery_queue_entries SET platform_send_started_at = 9")
    run(pair.live, "UPDATE cron_jobs SET enabled = 0, state_json = '{\"lastRunAtMs\": 6}'")
    first = pair.roll_back()
    assert actions(first) == [("settled", "outgoing message q/a"), ("settled", "scheduled job j")]
    assert pair.settle() == first


def test_going_back_to_the_newer_state_keeps_what_the_older_never_had(pair: Pair) -> None:
    """A restore that fails its checks is undone: the newer tree comes in again, the older one goes out."""
    message(pair.live, "both")
    job(pair.live, "j", "at", nextRunAtMs=5)
    pair.stop()
    run(pair.live, "ALTER TABLE delivery_queue_entries ADD COLUMN more TEXT")
    for name in ("newer", "also"):
        message(pair.live, name)
    job(pair.live, "k", "at", nextRunAtMs=6)
    pair.roll_back()
    run(pair.live, "DELETE FROM delivery_queue_entries WHERE id = 'both'")
    run(pair.live, "DELETE FROM cron_jobs WHERE job_id = 'j'")
    items = pair.roll_back()
    assert {item.what for item in items if item.action == "settled"} == {"outgoing message q/both", "scheduled job j"}
    assert rows(pair.live, "SELECT id FROM delivery_queue_entries ORDER BY 1") == [("also",), ("newer",)]
    assert rows(pair.live, "SELECT job_id FROM cron_jobs") == [("k",)]


def test_settling_again_does_nothing_more_and_tells_the_same(pair: Pair) -> None:
    message(pair.live, "a")
    device(pair.live, "phone", "t")
    pair.stop()
    run(pair.live, "DELETE FROM delivery_queue_entries")
    device(pair.live, "phone", "t", revokedAtMs=7)
    first = pair.roll_back()
    before = contents(pair.live)
    assert pair.settle() == first
    assert contents(pair.live) == before


def test_what_a_killed_gateway_left_in_its_log_counts_and_is_not_rolled_in(pair: Pair) -> None:
    killed = (
        "import os, sqlite3, sys; d = sqlite3.connect(sys.argv[1]); "
        "d.execute(\"INSERT INTO device_pairing_paired VALUES ('phone', '[]', '{}')\"); d.commit(); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", killed, str(pair.live / STATE)], check=False, timeout=30)
    assert (pair.live / f"{STATE}-wal").stat().st_size > 0
    pair.stop()
    before = contents(pair.standby)
    assert pair.roll_back() == ()
    assert contents(pair.live) == before
