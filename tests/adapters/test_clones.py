"""Clones: quiet, equal in what counts, made without touching their source, and gone afterwards."""

import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.world.digests import tree_digest
from tests.world.processes import wait_until
from upgrader.adapters.canary.clone_databases import schema_of
from upgrader.adapters.canary.clones import StateClones
from upgrader.context.proving import CLONE_SUBJECTS
from upgrader.domain.canary.clone import Clone, CloneWish, ModelProvider, PathMove
from upgrader.domain.canary.report import Seal
from upgrader.domain.secret import Secret
from upgrader.domain.version import Version
from upgrader.services.openclaw.canary.clone_state import clone_plan
from upgrader.services.openclaw.places import locks

TOKEN = "t" * 48
OLD = Path("/home/claw/.openclaw")
CONFIG: dict[str, object] = {
    "gateway": {"mode": "local", "port": 18789, "auth": {"mode": "token", "token": TOKEN}},
    "channels": {"telegram": {"enabled": True, "botToken": "1:secret"}},
    "agents": {"entries": {"main": {"default": True, "workspace": str(OLD / "workspace")}, "beta": {}}},
    "tools": {"agentToAgent": {"enabled": True, "allow": ["*"]}},
}
STATE_TABLES = """
CREATE TABLE state_leases (scope TEXT, lease_key TEXT);
INSERT INTO state_leases VALUES ('gateway-owner', 'global');
CREATE TABLE delivery_queue_entries (id TEXT);
INSERT INTO delivery_queue_entries VALUES ('hello');
CREATE TABLE task_runs (task_id TEXT, ended_at INTEGER);
INSERT INTO task_runs VALUES ('runs', NULL), ('done', 5);
CREATE TABLE cron_jobs (job_id TEXT, enabled INTEGER, store_key TEXT);
INSERT INTO cron_jobs VALUES ('daily', 1, '/home/claw/.openclaw/cron/jobs.json');
CREATE TABLE agent_databases (agent_id TEXT, path TEXT);
INSERT INTO agent_databases VALUES ('main', '/home/claw/.openclaw/agents/main/agent/openclaw-agent.sqlite');
CREATE TABLE device_pairing_paired (device_id TEXT, scopes_json TEXT);
INSERT INTO device_pairing_paired VALUES ('d1', '["operator.admin","operator.read"]');
PRAGMA user_version = 8;
"""
AGENT_TABLES = """
CREATE TABLE session_nodes (session_key TEXT, entry_json TEXT, status TEXT);
INSERT INTO session_nodes VALUES ('agent:main:main', '{"status": "running", "mainRestartRecovery": {"n": 1}}', 'running');
CREATE TABLE session_pending_inputs (seq INTEGER);
INSERT INTO session_pending_inputs VALUES (1);
CREATE TABLE auth_profile_store (store_key TEXT, store_json TEXT);
INSERT INTO auth_profile_store VALUES ('p', '{"profiles": {"x": {"type": "oauth", "refresh": "r-secret"}}}');
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "snapshot"
    agent = root / "agents" / "main" / "agent"
    for folder in (root / "state", agent, root / "tmp", root / "cache", root / "delivery-queue"):
        folder.mkdir(parents=True)
    _database(root / "state" / "openclaw.sqlite", STATE_TABLES)
    _database(agent / "openclaw-agent.sqlite", AGENT_TABLES)
    (root / "openclaw.json").write_text(json.dumps(CONFIG))
    (root / "delivery-queue" / "one.json").write_text("{}")
    (root / "tmp" / "lock").write_text("123")
    (root / "cache" / "big").write_text("x" * 1000)
    return root


def _database(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


def _wish(**changed: object) -> CloneWish:
    model, seat = ModelProvider("http://127.0.0.1:1/v1", Secret("m" * 43), "canary-1"), PathMove(OLD, OLD)
    usual = CloneWish(Version("2026.9.5"), 18789, Path("/notes/gateway.jsonl"), model, Secret("o" * 36), seat)
    return replace(usual, **changed)  # type: ignore[arg-type]


def _clones(tmp_path: Path) -> StateClones:
    return StateClones(tmp_path / "canaries", CLONE_SUBJECTS, lambda path: not path.startswith(("tmp", "cache")))


def _make(tmp_path: Path, tree: Path, **changed: object) -> tuple[Path, Clone]:
    state = tmp_path / "clone"
    clone = _clones(tmp_path).make(tree, state, clone_plan(CONFIG, _wish(**changed)), "openclaw.json", CONFIG)
    return state, clone


def _rows(database: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(sql).fetchall()


def test_nothing_that_would_act_or_name_the_live_gateway_is_left_in_a_clone(tmp_path: Path, tree: Path) -> None:
    state, clone = _make(tmp_path, tree)
    database, agent = state / "state/openclaw.sqlite", state / "agents/main/agent/openclaw-agent.sqlite"
    for table in ("state_leases", "delivery_queue_entries"):
        assert _rows(database, f"SELECT * FROM {table}") == []
    assert _rows(database, "SELECT task_id FROM task_runs") == [("done",)]
    assert _rows(database, "SELECT enabled FROM cron_jobs") == [(0,)]
    assert _rows(agent, "SELECT * FROM session_pending_inputs") == []
    assert _rows(agent, "SELECT status, entry_json FROM session_nodes") == [("killed", '{"status":"killed"}')]
    assert "r-secret" not in str(_rows(agent, "SELECT store_json FROM auth_profile_store"))
    assert not (state / "delivery-queue").exists()
    assert not (state / "tmp").exists()
    assert not (state / "cache").exists()
    assert clone.state_schema == schema_of(database) == 8
    assert {"state_leases", "task_runs"} <= {edit.place.rpartition(" ")[2] for edit in clone.edits}


def test_a_session_that_chose_a_model_of_its_own_is_answered_by_the_stand_in(tmp_path: Path, tree: Path) -> None:
    chosen = {"providerOverride": "elsewhere", "modelOverride": "large", "cliSessionIds": {"some-cli": "x"}, "label": "l"}
    agent = "agents/main/agent/openclaw-agent.sqlite"
    with closing(sqlite3.connect(tree / agent)) as connection, connection:
        connection.execute("UPDATE session_nodes SET entry_json = ?", (json.dumps(chosen),))
        connection.execute("INSERT INTO session_nodes VALUES ('agent:main:odd', 'no JSON', 'running')")
    sessions = tree / "agents/main/sessions/sessions.json"
    sessions.parent.mkdir()
    sessions.write_text(json.dumps({"agent:main:main": chosen}))
    state, _ = _make(tmp_path, tree)
    kept = {"label": "l"}
    found = {str(key): str(entry) for key, entry in _rows(state / agent, "SELECT session_key, entry_json FROM session_nodes")}
    assert json.loads(found["agent:main:main"]) == {**kept, "status": "killed"}
    assert found["agent:main:odd"] == "no JSON"
    assert json.loads((state / "agents/main/sessions/sessions.json").read_text()) == {"agent:main:main": kept}


@pytest.mark.parametrize("seal", [Seal.SEALED, Seal.UNSEALED])
def test_no_link_of_a_clone_leads_back_or_to_what_is_not_there(tmp_path: Path, tree: Path, seal: Seal) -> None:
    sealed, outside, live, state = seal is Seal.SEALED, tmp_path / "outside", tmp_path / "live", tmp_path / "clone"
    (outside / "work").mkdir(parents=True)
    (outside / "work" / "mine").write_text("mine")
    (outside / "env").write_text("KEY=1")
    (tree / "notes").mkdir()
    named = {
        "workspace": outside / "work",
        ".env": outside / "env",
        "notes/here": live / "cache",
        "notes/beside": Path("../cache"),
        "notes/python": Path("/usr/bin/env"),
        "notes/nowhere": outside / "gone",
        "notes/loop": Path("loop"),
    }
    for name, target in named.items():
        (tree / name).symlink_to(target)
    seen = live if sealed else state
    seat = PathMove(live, seen)
    moves = {} if sealed else {"moves": (seat,), "inert": Secret("i" * 30)}
    _, clone = _make(tmp_path, tree, seat=seat, **moves)
    assert list((state / "workspace").iterdir()) == []
    assert not (state / "workspace").is_symlink()
    assert (state / ".env").read_text() == ("KEY=1" if sealed else "KEY=inert\n")
    links = {name: (state / name).readlink() for name in named if (state / name).is_symlink()}
    kept = {"notes/here": seen / "cache", **{n: named[n] for n in ("notes/beside", "notes/python", "notes/loop")}}
    assert links == ({**kept, "notes/nowhere": outside / "gone"} if sealed else kept)
    assert [edit.limit for edit in clone.edits if edit.limit] == [
        "workspace leads out of the state directory: in the canary it was empty"
    ]
    assert sorted(path.name for path in outside.rglob("*")) == ["env", "mine", "work"]


def test_no_file_of_a_clone_without_walls_names_the_live_state_or_holds_a_key(tmp_path: Path, tree: Path) -> None:
    session = {"agent:main:main": {"sessionFile": str(OLD / "agents/main/sessions/a.jsonl")}}
    models = {"providers": {"x": {"apiKey": "live-key", "headers": {"Authorization": "Bearer live-key"}}}}
    files = {"agents/main/sessions/sessions.json": session, "agents/main/agent/models.json": models}
    for name, said in files.items():
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).write_text(json.dumps(said))
    new = tmp_path / "clone"
    state, _ = _make(tmp_path, tree, moves=(PathMove(OLD, new),), seat=PathMove(OLD, new), inert=Secret("i" * 30))
    kept = (state / "agents/main/sessions/sessions.json").read_text()
    assert json.loads(kept)["agent:main:main"]["sessionFile"] == str(new / "agents/main/sessions/a.jsonl")
    assert "live-key" not in (state / "agents/main/agent/models.json").read_text()
    (tmp_path / "sealed").mkdir()
    sealed, _ = _make(tmp_path / "sealed", tree)
    assert json.loads((sealed / "agents/main/sessions/sessions.json").read_text()) == session


def test_a_database_that_is_none_is_told_and_left(tmp_path: Path, tree: Path) -> None:
    odd = tree / "credentials" / os.fsdecode(b"odd-\xff.json")
    odd.parent.mkdir()
    odd.write_text('{"token": "t"}')
    spoilt = tree / "agents" / "old" / "agent" / "openclaw-agent.sqlite"
    spoilt.parent.mkdir(parents=True)
    spoilt.write_bytes(b"not a database at all " * 100)
    state, clone = _make(tmp_path, tree)
    assert (state / spoilt.relative_to(tree)).read_bytes() == spoilt.read_bytes()
    assert r"credentials/odd-\xff.json" in {edit.place for edit in clone.edits}
    assert "cannot be read" in next(edit.why for edit in clone.edits if "agents/old" in edit.place)


def test_accounts_that_all_agents_share_are_inert_counted_and_not_pushed_to(tmp_path: Path, tree: Path) -> None:
    shared = {"profiles": {"openai:me": {"type": "oauth", "refresh": "live-refresh"}}}
    with closing(sqlite3.connect(tree / "state/openclaw.sqlite")) as connection, connection:
        connection.execute("CREATE TABLE config_machine_state (state_key TEXT, value_json TEXT)")
        connection.execute("INSERT INTO config_machine_state VALUES ('authProfiles.store', ?)", (json.dumps(shared),))
        connection.execute("CREATE TABLE auth_profile_stores (store_key TEXT, store_json TEXT)")
        connection.execute("INSERT INTO auth_profile_stores VALUES ('shared', ?)", (json.dumps(shared),))
        connection.execute("CREATE TABLE apns_registrations (node_id TEXT, token TEXT)")
        connection.execute("INSERT INTO apns_registrations VALUES ('phone', 'live-token')")
    state, _ = _make(tmp_path, tree)
    database = state / "state/openclaw.sqlite"
    told = [
        _rows(database, f"SELECT * FROM {t}") for t in ("config_machine_state", "auth_profile_stores", "apns_registrations")
    ]
    assert "live-" not in str(told)
    found = _clones(tmp_path).contents(state, "openclaw.json", tmp_path)
    assert found.credentials == ("openai:me", "x")


def test_the_source_is_not_touched_by_a_byte(tmp_path: Path, tree: Path) -> None:
    before = tree_digest(tree)
    _make(tmp_path, tree)
    assert tree_digest(tree) == before


def test_pairing_auth_and_policy_of_a_clone_are_those_of_its_source(tmp_path: Path, tree: Path) -> None:
    state, clone = _make(tmp_path, tree)
    assert {item.name for item in clone.likeness} >= {"device_pairing_paired", "gateway.auth", "tools", "agents"}
    assert all(item.source == item.clone for item in clone.likeness)
    config = json.loads((state / "openclaw.json").read_text())
    assert config["gateway"]["auth"]["token"] == TOKEN
    assert config["channels"]["telegram"]["enabled"] is False
    assert (state / "openclaw.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("names", "spoil"),
    [
        (
            ["device_pairing_paired"],
            lambda state: _database(
                state / "state/openclaw.sqlite", "UPDATE device_pairing_paired SET scopes_json = '[\"operator.admin\"]'"
            ),
        ),
        (["tools"], lambda state: _change_config(state, "tools", {})),
        (["gateway.auth", "gateway.auth.policy"], lambda state: _change_config(state, "gateway", {"auth": {"mode": "none"}})),
    ],
    ids=["one scope narrowed", "tool policy widened", "auth dropped"],
)
def test_one_narrowed_scope_or_changed_policy_is_seen(
    tmp_path: Path, tree: Path, names: list[str], spoil: Callable[[Path], None]
) -> None:
    state, _ = _make(tmp_path, tree)
    spoil(state)
    likeness = _clones(tmp_path).compare(tree, state, clone_plan(CONFIG, _wish()), "openclaw.json", CONFIG)
    assert [item.name for item in likeness if not item.holds] == names


def _change_config(state: Path, key: str, value: object) -> None:
    path = state / "openclaw.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))


def test_without_walls_paths_lead_into_the_clone_and_secrets_are_inert_but_pairing_is_not(tmp_path: Path, tree: Path) -> None:
    new = tmp_path / "clone"
    state, clone = _make(tmp_path, tree, moves=(PathMove(OLD, new),), inert=Secret("0" * 24), port=19999)
    config = json.loads((state / "openclaw.json").read_text())
    assert config["gateway"]["auth"]["token"] == "0" * 24
    assert config["gateway"]["port"] == 19999
    assert config["channels"]["telegram"]["botToken"] == "inert-00000000"
    assert config["models"]["providers"]["upgrader-canary"]["apiKey"] == "m" * 43
    assert config["agents"]["entries"]["main"]["workspace"] == str(new / "workspace")
    database = state / "state/openclaw.sqlite"
    assert str(OLD) not in str(_rows(database, "SELECT path FROM agent_databases UNION SELECT store_key FROM cron_jobs"))
    different = [item for item in clone.likeness if item.source != item.clone]
    assert [item.name for item in different] == ["gateway.auth"]  # the tools without what the canary adds
    assert all(item.holds for item in clone.likeness)


def test_the_directory_of_a_canary_is_private_and_goes_with_it(tmp_path: Path) -> None:
    clones = _clones(tmp_path)
    with clones.directory() as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        assert clones.sweep() == ()  # it is held
    assert list((tmp_path / "canaries").iterdir()) == []


LEFT = """
import signal, subprocess, sys
from pathlib import Path
from tests.adapters.test_clones import _clones
with _clones(Path(sys.argv[1])).directory() as folder:
    subprocess.Popen(["sleep", "1000"], env={"OPENCLAW_STATE_DIR": f"{folder}/state"}, start_new_session=True)
    print(folder, flush=True)
    signal.pause()
"""


def test_what_a_killed_run_left_is_found_and_removed_processes_first(tmp_path: Path) -> None:
    with subprocess.Popen(
        (sys.executable, "-c", LEFT, str(tmp_path)), stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    ) as tool:
        assert tool.stdout is not None
        folder = Path(tool.stdout.readline().decode().strip())
        tool.send_signal(signal.SIGKILL)
    assert folder.is_dir()
    assert _holders(folder)
    assert _clones(tmp_path).sweep() == (folder,)
    assert not folder.exists()
    wait_until(lambda: not _holders(folder), "the end of what it held", 5)


def _holders(folder: Path) -> list[int]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and str(folder) in process.environ().get("OPENCLAW_STATE_DIR", ""):
                found.append(process.pid)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def test_what_a_gateway_left_in_everybodys_temporary_directory_goes_with_its_clone(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()

    def left(state: Path, config: Path, uid: int) -> tuple[Path, ...]:
        return (shared / f"*.{state.parent.parent.name}.lock*", *locks.left_outside(state, config, uid))

    clones = StateClones(tmp_path / "canaries", replace(CLONE_SUBJECTS, left_outside=left), lambda _: True)
    with clones.directory() as folder:
        state = folder / "home" / ".openclaw"
        state.mkdir(parents=True)
        (state / "openclaw.json").write_text("{}")
        (shared / f"gateway.{folder.name}.lock.sqlite-wal").write_text("")
        (shared / "gateway.another.lock").write_text("")
    assert [path.name for path in shared.iterdir()] == ["gateway.another.lock"]
    assert not folder.exists()


def test_locks_are_found_by_the_names_openclaw_gives_them() -> None:
    state = Path("/home/claw/.openclaw")
    patterns = locks.left_outside(state, state / "openclaw.json", 1000)
    digest = hashlib.sha256(b"/home/claw/.openclaw/state/openclaw.sqlite").hexdigest()[:8]
    assert patterns[0] == Path(f"/tmp/openclaw-state-locks-1000/*.{digest}.lock.sqlite*")
    assert all(str(pattern).startswith("/tmp/openclaw-1000/gateway.") for pattern in patterns[1:])
