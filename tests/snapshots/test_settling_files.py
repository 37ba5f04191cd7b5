"""What a rollback settles of states that keep queues, jobs and pairing in files (up to 2026.7)."""

import json
from pathlib import Path

import pytest

from tests.snapshots.pair import Pair, actions
from tests.snapshots.stores import job, make_stores, message
from tests.snapshots.test_snapshots import contents
from upgrader.adapters.clock import SystemClock
from upgrader.adapters.settling.settler import Settler
from upgrader.services.openclaw.places.effects import KNOWLEDGE


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
