"""Small databases with the tables of 2026.9.5 that matter to a rollback, filled by the tests."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

STATE_SQL = """
CREATE TABLE delivery_queue_entries (queue_name TEXT NOT NULL, id TEXT NOT NULL, status TEXT NOT NULL, entry_kind TEXT,
  session_key TEXT, channel TEXT, target TEXT, account_id TEXT, retry_count INTEGER NOT NULL DEFAULT 0,
  last_attempt_at INTEGER, last_error TEXT, recovery_state TEXT, platform_send_started_at INTEGER, entry_json TEXT NOT NULL,
  enqueued_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, failed_at INTEGER, PRIMARY KEY (queue_name, id)) STRICT;
CREATE TABLE channel_ingress_events (queue_name TEXT NOT NULL, event_id TEXT NOT NULL, status TEXT NOT NULL,
  payload_json TEXT NOT NULL, updated_at INTEGER NOT NULL, claim_token TEXT, claim_owner TEXT, claimed_at INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0, last_attempt_at INTEGER, completed_at INTEGER,
  PRIMARY KEY (queue_name, event_id)) STRICT;
CREATE TABLE subagent_runs (run_id TEXT NOT NULL PRIMARY KEY, payload_json TEXT NOT NULL DEFAULT '{}') STRICT;
CREATE TABLE cron_jobs (store_key TEXT NOT NULL, job_id TEXT NOT NULL, declaration_key TEXT, enabled INTEGER NOT NULL,
  job_json TEXT NOT NULL, state_json TEXT NOT NULL DEFAULT '{}', PRIMARY KEY (store_key, job_id)) STRICT;
CREATE TABLE mcp_oauth_stores (store_key TEXT NOT NULL PRIMARY KEY, format_version INTEGER NOT NULL, store_json TEXT NOT NULL,
  updated_at INTEGER NOT NULL) STRICT;
CREATE TABLE plugin_state_entries (plugin_id TEXT NOT NULL, namespace TEXT NOT NULL, entry_key TEXT NOT NULL,
  value_json TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER,
  PRIMARY KEY (plugin_id, namespace, entry_key)) STRICT;
CREATE TABLE device_pairing_paired (device_id TEXT NOT NULL PRIMARY KEY, scopes_json TEXT, tokens_json TEXT) STRICT;
CREATE TABLE device_auth_tokens (device_id TEXT NOT NULL, role TEXT NOT NULL, token TEXT NOT NULL, scopes_json TEXT NOT NULL,
  updated_at_ms INTEGER NOT NULL, PRIMARY KEY (device_id, role)) STRICT;
CREATE TABLE apns_registration_tombstones (node_id TEXT NOT NULL PRIMARY KEY, deleted_at_ms INTEGER NOT NULL) STRICT;
"""
AGENT_SQL = """
CREATE TABLE session_nodes (session_key TEXT NOT NULL PRIMARY KEY, entry_json TEXT NOT NULL, updated_at INTEGER NOT NULL,
  status TEXT) STRICT;
CREATE TABLE transcript_events (session_id TEXT NOT NULL, seq INTEGER NOT NULL, event_json TEXT NOT NULL) STRICT;
CREATE TABLE auth_profile_store (store_key TEXT NOT NULL PRIMARY KEY, store_json TEXT NOT NULL, updated_at INTEGER NOT NULL);
"""
STATE, AGENT = "state/openclaw.sqlite", "agents/main/agent/openclaw-agent.sqlite"


def make_stores(tree: Path) -> Path:
    """A state directory with both databases, empty, WAL mode, closed."""
    for name, sql in ((STATE, STATE_SQL), (AGENT, AGENT_SQL)):
        (tree / name).parent.mkdir(parents=True)
        with closing(sqlite3.connect(tree / name)) as database:
            database.execute("PRAGMA journal_mode=WAL")
            database.executescript(sql)
    return tree


def run(tree: Path, sql: str, *parameters: object, store: str = STATE) -> None:
    """Change one database as its owner would."""
    with closing(sqlite3.connect(tree / store)) as database:
        database.execute(sql, parameters)
        database.commit()


def rows(tree: Path, sql: str, store: str = STATE) -> list[tuple[object, ...]]:
    """What a query finds."""
    with closing(sqlite3.connect(f"file:{tree / store}?mode=ro&immutable=1", uri=True)) as database:
        return database.execute(sql).fetchall()


def message(tree: Path, key: str, status: str = "pending") -> None:
    """A message that waits to be sent."""
    run(
        tree,
        "INSERT INTO delivery_queue_entries (queue_name, id, status, entry_json, enqueued_at, updated_at)"
        " VALUES ('q', ?, ?, '{\"text\": \"private words\"}', 1, 1)",
        key,
        status,
    )


def job(tree: Path, key: str, kind: str, **state: int) -> None:
    """A scheduled job."""
    text = json.dumps({"id": key, "schedule": {"kind": kind}, "state": {}})
    run(tree, "INSERT INTO cron_jobs VALUES ('s', ?, NULL, 1, ?, ?)", key, text, json.dumps(state))


def device(tree: Path, key: str, token: str, scopes: tuple[str, ...] = ("operator.admin",), **acts: int) -> None:
    """A paired device with one operator token; written over what was there."""
    tokens = json.dumps({"operator": {"token": token, "role": "operator", "scopes": scopes, "createdAtMs": 1, **acts}})
    run(tree, "INSERT OR REPLACE INTO device_pairing_paired VALUES (?, ?, ?)", key, json.dumps(scopes), tokens)
