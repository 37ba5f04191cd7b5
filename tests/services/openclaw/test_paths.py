"""Each path of a state has one class, decided by one table; what is not known is the user's own."""

import pytest

from upgrader.domain.installation.facts import PairingEra
from upgrader.domain.kept.pathclass import PathClass, in_snapshot, in_standby
from upgrader.services.openclaw.places.paths import classify

BOTH = [
    ("openclaw.json", PathClass.CONFIG),
    ("openclaw.json.bak.1", PathClass.CONFIG),
    (".env", PathClass.CREDENTIALS),
    ("gateway.systemd.env", PathClass.CREDENTIALS),
    ("identity/device.json", PathClass.IDENTITY),
    ("devices/paired.json", PathClass.PAIRING),
    ("credentials/whatsapp/default/creds.json", PathClass.MOVING),
    ("credentials/telegram-allowFrom.json", PathClass.PAIRING),
    ("telegram/update-offset-default.json", PathClass.MOVING),
    ("delivery-queue/x.json", PathClass.OUTBOX),
    ("cron/jobs.json", PathClass.OUTBOX),
    ("agents/main/sessions/a.jsonl", PathClass.TRANSCRIPT),
    ("agents/main/agent/auth-profiles.json", PathClass.MOVING),
    ("agents/main/agent/openclaw-agent.sqlite", PathClass.DATABASE),
    ("state/openclaw.sqlite-wal", PathClass.DATABASE),
    ("workspace", PathClass.WORKSPACE),
    ("workspace-beta/notes.md", PathClass.WORKSPACE),
    ("cache/control-ui-assets/x.js", PathClass.CACHE),
    ("tmp", PathClass.RUNTIME),
    ("tmp/openclaw-0/gateway.state.lock.sqlite", PathClass.RUNTIME),
    ("exec-approvals.sock", PathClass.RUNTIME),
    ("extensions/mine/index.js", PathClass.UNKNOWN),
    ("my own file", PathClass.UNKNOWN),
]


@pytest.mark.parametrize("era", list(PairingEra))
@pytest.mark.parametrize(("path", "expected"), BOTH)
def test_a_path_has_its_class(era: PairingEra, path: str, expected: PathClass) -> None:
    assert classify(era, path) is expected


def test_what_an_import_kept_does_not_move_any_more() -> None:
    assert classify(PairingEra.SQLITE, "devices/paired.json.migrated") is PathClass.UNKNOWN
    assert classify(PairingEra.SQLITE, "agents/main/agent/auth-profiles.json.migrated") is PathClass.UNKNOWN


def test_only_caches_and_locks_are_left_out_of_snapshots_and_only_locks_out_of_a_standby() -> None:
    assert {one for one in PathClass if not in_snapshot(one)} == {PathClass.CACHE, PathClass.RUNTIME}
    assert {one for one in PathClass if not in_standby(one)} == {PathClass.RUNTIME}
