"""A rollback repeats nothing, loses nothing living, revives nothing revoked, and mends what was only broken."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.snapshots.stores import AGENT, STATE, device, job, make_stores, message, rows, run
from tests.snapshots.test_snapshots import contents
from upgrader.adapters.clock import SystemClock
from upgrader.adapters.files.exchange import exchange
from upgrader.adapters.settling.settler import Settler
from upgrader.domain.moves.settle import Settled
from upgrader.services.openclaw.places.effects import KNOWLEDGE


@dataclass(frozen=True)
class Pair:
    """The live state as the candidate leaves it, and the standby made at the stop."""

    live: Path
    standby: Path
    settler: Settler

    def stop(self) -> None:
        """What is live now is what the standby holds."""
        shutil.rmtree(self.standby, ignore_errors=True)
        shutil.copytree(self.live, self.standby, symlinks=True)

    def roll_back(self, *workspaces: str) -> tuple[Settled, ...]:
        """Exchange and settle; `live` is the restored tree then, `standby` what the candidate left."""
        self.exchange()
        return self.settle(*workspaces)

    def exchange(self) -> None:
        """As the operation does it: noted first."""
        self.settler.begin(self.standby, self.live)
        exchange(self.live, self.standby)

    def settle(self, *workspaces: str) -> tuple[Settled, ...]:
        """Settle once more, as a recovery would."""
        return self.settler.settle(self.live, self.standby, tuple(map(Path, workspaces))).items


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    """Two trees beside each other, the settler's record elsewhere."""
    live = make_stores(tmp_path / "state")
    return Pair(live, tmp_path / "state.standby", Settler(tmp_path / "data", KNOWLEDGE, SystemClock()))


def actions(items: tuple[Settled, ...]) -> list[tuple[str, str]]:
    return [(item.action, item.what) for item in items]


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


FAULTS = ("settler.perform", "settler.replace_durably", "workspaces.replace_durably", "workspaces.exchange",
          "files.replace_durably", "files.remove_durably", "files.sync_directory")  # fmt: skip


class Cut(BaseException):
    """Stands for a kill: nothing of ours catches it."""


@pytest.mark.parametrize("place", FAULTS)
def test_a_restore_cut_off_before_it_was_settled_gives_the_newer_state_back_whole(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    workspace, keys, queue = (pair.live / name for name in ("workspace", "credentials", "delivery-queue"))
    for folder in (workspace, keys, queue):
        folder.mkdir()
        (folder / "old.json").write_text("old")
    message(pair.live, "older")
    pair.stop()
    (queue / "old.json").unlink()
    for folder in (workspace, keys):
        (folder / "old.json").write_text("new")
        (folder / "more.json").write_text("new")
    run(pair.live, "DELETE FROM delivery_queue_entries")
    message(pair.live, "newer")
    before, inode = contents(pair.live), workspace.stat().st_ino

    def cut(*_arguments: object) -> object:
        raise Cut

    pair.exchange()
    with monkeypatch.context() as patch:
        patch.setattr(f"upgrader.adapters.settling.{place}", cut)
        with pytest.raises(Cut):
            pair.settle("workspace")
    assert pair.roll_back("workspace") == ()
    assert (contents(pair.live), workspace.stat().st_ino) == (before, inode)


@pytest.mark.parametrize("place", FAULTS)
@pytest.mark.parametrize("side", ["before", "after"])
def test_a_kill_at_any_write_is_made_good_by_settling_again(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, place: str, side: str
) -> None:
    workspace, keys, queue = (pair.live / name for name in ("workspace", "credentials", "delivery-queue"))
    for folder in (workspace, keys, queue):
        folder.mkdir()
        (folder / "old.json").write_text("old")
    message(pair.live, "a")
    device(pair.live, "phone", "t")
    pair.stop()
    run(pair.live, "DELETE FROM delivery_queue_entries")
    message(pair.live, "b")
    device(pair.live, "phone", "t", revokedAtMs=7)
    (keys / "old.json").write_text("new")
    (keys / "more.json").write_text("new")
    (queue / "old.json").unlink()
    (workspace / "old.json").write_text("written after the upgrade")
    exchange(pair.live, pair.standby)
    assert cut_at_each_call(monkeypatch, place, side, lambda: pair.settle("workspace")) > 0
    assert (workspace / "old.json").read_text() == "written after the upgrade"
    assert rows(pair.live, "SELECT id FROM delivery_queue_entries") == [("b",)]
    assert {path.name: path.read_text() for path in keys.iterdir()} == {"old.json": "new", "more.json": "new"}
    assert list(queue.iterdir()) == []
    expected = {"outgoing message q/a", "outgoing message q/b", "operator token of device phone", "delivery-queue/old.json"}
    assert expected <= {item.what for item in pair.settle("workspace")}


def cut_at_each_call(monkeypatch: pytest.MonkeyPatch, place: str, side: str, settle: Callable[[], object]) -> int:
    """Settle, killed at the first call of `place`, then settle killed at the second, … until it ends. How many kills."""
    module, name = place.split(".")
    target = f"upgrader.adapters.settling.{module}.{name}"
    real = pytest.importorskip(f"upgrader.adapters.settling.{module}").__dict__[name]
    for kills in range(40):
        left = [kills]

        def cut(*arguments: object, left: list[int] = left) -> object:
            left[0] -= 1
            if left[0] < 0 and side == "before":
                raise Cut
            answer = real(*arguments)
            if left[0] < 0:
                raise Cut
            return answer

        with monkeypatch.context() as patch:
            patch.setattr(target, cut)
            try:
                settle()
            except Cut:
                continue
            return kills
    raise AssertionError("it never ends")


class TestTheEraOfFiles:
    """Up to 7.35 queues, jobs, pairing and transcripts are files."""

    @pytest.fixture
    def pair(self, tmp_path: Path) -> Pair:
        """Trees without databases."""
        live = tmp_path / "state"
        for folder in ("delivery-queue", "cron", "devices", "agents/main/sessions"):
            (live / folder).mkdir(parents=True)
        return Pair(live, tmp_path / "state.standby", Settler(tmp_path / "data", KNOWLEDGE, SystemClock()))

    def test_a_queued_file_that_is_gone_is_not_sent_again(self, pair: Pair) -> None:
        for name in ("sent", "waits"):
            (pair.live / "delivery-queue" / f"{name}.json").write_text(json.dumps({"id": name, "retryCount": 0}))
        pair.stop()
        (pair.live / "delivery-queue/sent.json").unlink()
        assert actions(pair.roll_back()) == [("settled", "delivery-queue/sent.json")]
        assert [path.name for path in (pair.live / "delivery-queue").iterdir()] == ["waits.json"]

    def test_a_queued_file_imported_and_still_waiting_is_kept(self, pair: Pair) -> None:
        (pair.live / "delivery-queue/waits.json").write_text("{}")
        pair.stop()
        (pair.live / "delivery-queue/waits.json").unlink()
        make_stores(pair.live / "x").joinpath("state").rename(pair.live / "state")
        message(pair.live, "waits")
        assert pair.roll_back() == ()

    def test_jobs_that_ran_do_not_run_again_even_when_they_were_imported(self, pair: Pair) -> None:
        once = {"enabled": True, "schedule": {"kind": "at"}, "state": {"nextRunAtMs": 5}}
        jobs = [{"id": name, **once} for name in ("ran", "waits")]
        (pair.live / "cron/jobs.json").write_text(json.dumps({"version": 1, "jobs": jobs}))
        pair.stop()
        (pair.live / "cron/jobs.json").rename(pair.live / "cron/jobs.json.migrated")
        make_stores(pair.live / "x").joinpath("state").rename(pair.live / "state")
        job(pair.live, "waits", "at", nextRunAtMs=5)
        assert actions(pair.roll_back()) == [("settled", "scheduled job ran")]
        assert [one["id"] for one in json.loads((pair.live / "cron/jobs.json").read_text())["jobs"]] == ["waits"]

    def test_acts_on_pairing_stay_and_faults_do_not(self, pair: Pair) -> None:
        paired = pair.live / "devices/paired.json"

        def record(**acts: int) -> dict[str, object]:
            return {"tokens": {"operator": {"token": "t", **acts}}}

        paired.write_text(json.dumps({"a": record(), "b": record()}))
        pair.stop()
        paired.write_text(json.dumps({"a": record(revokedAtMs=7)}))
        assert actions(pair.roll_back()) == [("revoked", "operator token of device a"), ("listed", "device b")]
        assert json.loads(paired.read_text()) == {"a": record(revokedAtMs=7), "b": record()}

    def test_transcripts_that_grew_are_carried_with_their_index(self, pair: Pair) -> None:
        sessions = pair.live / "agents/main/sessions"
        (sessions / "s.jsonl").write_text("one\n")
        (sessions / "sessions.json").write_text(json.dumps({"k": {"sessionId": "s", "updatedAt": 1}}))
        pair.stop()
        (sessions / "s.jsonl").write_text("one\ntwo\n")
        (sessions / "n.jsonl").write_text("new\n")
        later = {"k": {"sessionId": "s", "updatedAt": 2}, "n": {"sessionId": "n", "updatedAt": 3}}
        (sessions / "sessions.json").write_text(json.dumps(later))
        assert {item.action for item in pair.roll_back()} == {"carried"}
        assert (sessions / "s.jsonl").read_text() == "one\ntwo\n"
        assert (sessions / "n.jsonl").read_text() == "new\n"
        assert json.loads((sessions / "sessions.json").read_text()) == later

    def test_when_nothing_happened_no_file_is_written(self, pair: Pair) -> None:
        (pair.live / "agents/main/sessions/sessions.json").write_text("{}")
        (pair.live / "devices/paired.json").write_text("{}")
        (pair.live / "cron/jobs.json").write_text('{"jobs": []}')
        pair.stop()
        before = contents(pair.standby)
        assert pair.roll_back() == ()
        assert contents(pair.live) == before
