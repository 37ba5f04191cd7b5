"""What is changed in the files and databases of a clone before anything runs on it.

Tables and columns as read from real databases of 2026.9.5 (state schema 17, agent schema 21) and 9.6 (18, 23), and from
what OpenClaw removes from its own copies (dist/openclaw-state-snapshot-sanitizer-*.mjs of 9.6). File-era names from
2026.2.17 and the reference. A statement runs only where its table and columns exist, so one list serves all schemas.
"""

import json
from collections.abc import Mapping

from upgrader.domain.canary.clone import ClonePlan, CloneWish, Edit, FileRule, PathMove, Statement
from upgrader.services.openclaw.canary.clone_config import quiet_config
from upgrader.services.openclaw.canary.clone_secrets import inert_reference
from upgrader.services.openclaw.canary.open_clone import inert_variables, variables_without_proxies, with_hands
from upgrader.services.openclaw.configuration.secret_places import is_reference, is_secret

_OWNER = "names the live gateway's process: the clone would not start"
_EFFECT = "would be done a second time"
_TURN = "an interrupted turn would be resumed"
_LIVE = "names what the live gateway started"
_INERT = "what a remote party moves on (refresh tokens, sessions) has one living copy"

# Keys of a session entry that make a gateway go on with a turn after its start (docs/gateway/restart-recovery.md of 9.6;
# the keys are those of its dist). 2026.2.17 knows abortedLastRun only.
_RECOVERY = (
    "mainRestartRecovery",
    "abortedLastRun",
    "pendingFinalDelivery",
    "pendingFinalDeliveryText",
    "pendingFinalDeliveryContext",
    "restartRecoveryRuns",
    "restartRecoveryDeliveryRunId",
    "restartRecoveryDeliverySourceRunId",
    "restartRecoveryDeliveryContext",
    "restartRecoveryDeliveryReceiptState",
    "restartRecoveryBeforeAgentReplyState",
    "restartRecoveryHarnessCompletion",
    "restartRecoverySourceIngress",
)
# Keys by which a session goes to a model, an account or a runtime of its own choice, whatever the configuration says
# (dist/session-entry-slot-keys-*.mjs of 9.5; the first three, cliSessionIds and claudeCliSessionId in 2026.2.17 too).
_CHOICE = (
    "providerOverride",
    "modelOverride",
    "authProfileOverride",
    "authProfileOverrideSource",
    "authProfileOverrideCompactionCount",
    "modelOverrideSource",
    "modelOverrideRouteResolution",
    "modelOverrideFallbackOriginProvider",
    "modelOverrideFallbackOriginModel",
    "modelFallback",
    "modelSelectionLocked",
    "liveModelSwitchPending",
    "agentRuntimeOverride",
    "agentHarnessId",
    "cliSessionIds",
    "cliSessionBindings",
    "claudeCliSessionId",
    "quotaSuspension",
)
_MODEL = "the stand-in model answers in every session"


def _without(keys: tuple[str, ...], why: str) -> Statement:
    """Takes these keys out of every session entry that has one of them; what is no JSON is left."""
    paths = ", ".join(f"'$.{key}'" for key in keys)
    marked = " OR ".join(f"json_type(entry_json, '$.{key}') IS NOT NULL" for key in keys)
    sql = f"UPDATE session_nodes SET entry_json = json_remove(entry_json, {paths}) WHERE {_if_json(marked, '0')}"
    return Statement("session_nodes", sql, why, ("entry_json",))


def _if_json(then: str, otherwise: str) -> str:
    return f"CASE WHEN json_valid(entry_json) THEN {then} ELSE {otherwise} END"


_KILLED = _if_json("json_set(entry_json, '$.status', 'killed')", "entry_json")

DROP = (
    Edit("delivery-queue", _EFFECT),
    Edit("session-delivery-queue", _EFFECT),
    Edit("restart-sentinel.json", _EFFECT),
    Edit("subagents/runs.json", _TURN),
    Edit("tmp", _OWNER),
    Edit("cache", "made anew"),
    Edit("update-check.json", "made anew"),
    Edit("sandbox/containers.json", _LIVE),
    Edit("sandbox/browsers.json", _LIVE),
)
# Without walls: copies of the configuration that OpenClaw keeps (.bak, .last-good, .clobbered in dist of 2026.9.5).
_DROP_OPEN = (*DROP, Edit("openclaw.json.*", "no walls here"))

STATE_SQL = (
    Statement("state_leases", "DELETE FROM state_leases", _OWNER),
    Statement("agent_database_leases", "DELETE FROM agent_database_leases", _OWNER),
    Statement(
        "config_machine_state",
        "DELETE FROM config_machine_state WHERE state_key = 'gateway.supervision'",
        _OWNER,
        ("state_key",),
    ),
    Statement("delivery_queue_entries", "DELETE FROM delivery_queue_entries", _EFFECT),
    Statement("channel_ingress_events", "DELETE FROM channel_ingress_events", _EFFECT),
    Statement("gateway_restart_sentinel", "DELETE FROM gateway_restart_sentinel", _EFFECT),
    Statement("gateway_restart_intent", "DELETE FROM gateway_restart_intent", _EFFECT),
    Statement("gateway_restart_handoff", "DELETE FROM gateway_restart_handoff", _EFFECT),
    Statement("web_push_subscriptions", "DELETE FROM web_push_subscriptions", _EFFECT),
    Statement("subagent_runs", "DELETE FROM subagent_runs", _TURN),
    Statement("task_runs", "DELETE FROM task_runs WHERE ended_at IS NULL", _TURN, ("ended_at",)),
    Statement("cron_run_receipts", "DELETE FROM cron_run_receipts WHERE finished_at_ms IS NULL", _TURN, ("finished_at_ms",)),
    Statement("worker_turn_tool_authorities", "DELETE FROM worker_turn_tool_authorities", _TURN),
    Statement("worker_workspace_pending_results", "DELETE FROM worker_workspace_pending_results", _TURN),
    Statement("agent_deletion_journal", "DELETE FROM agent_deletion_journal", _EFFECT),
    Statement("sandbox_registry_entries", "DELETE FROM sandbox_registry_entries", _LIVE),
    Statement("cron_jobs", "UPDATE cron_jobs SET enabled = 0", "due jobs must not run", ("enabled",)),
    *(
        Statement(table, f"DELETE FROM {table}", _INERT)
        for table in ("mcp_oauth_stores", "mcp_oauth_pending_authorizations", "worker_environment_credentials")
    ),
    *(
        Statement(table, f"DELETE FROM {table}", _EFFECT)
        for table in (
            "apns_registrations",
            "github_publication_requests",
            "github_personal_publication_requests",
            "github_repository_publication_requests",
        )
    ),
    # Accounts that all agents share: a table of 8.x, which 9.x takes into a row (dist/openclaw-state-db-*.mjs of 9.5).
    Statement("auth_profile_stores", "UPDATE auth_profile_stores SET store_json = inert(store_json)", _INERT, ("store_json",)),
    Statement(
        "config_machine_state",
        "UPDATE config_machine_state SET value_json = inert(value_json) WHERE state_key = 'authProfiles.store'",
        _INERT,
        ("state_key", "value_json"),
    ),
    # Else the edited configuration is compared with the last one known good, and may be taken for damaged.
    Statement("config_health_entries", "DELETE FROM config_health_entries", "the configuration was edited"),
)

AGENT_SQL = (
    Statement("session_pending_inputs", "DELETE FROM session_pending_inputs", _TURN),
    Statement("context_engine_turn_outbox", "DELETE FROM context_engine_turn_outbox", _EFFECT),
    _without(_RECOVERY, _TURN),
    _without(_CHOICE, _MODEL),
    Statement(
        "session_nodes",
        f"UPDATE session_nodes SET status = 'killed', entry_json = {_KILLED} WHERE status = 'running'",
        _TURN,
        ("entry_json", "status"),
    ),
    Statement("session_windows", "UPDATE session_windows SET status = 'killed' WHERE status = 'running'", _TURN, ("status",)),
    Statement("auth_profile_store", "UPDATE auth_profile_store SET store_json = inert(store_json)", _INERT, ("store_json",)),
)

_SECRETS_SQL = (
    Statement("secret_store_entries", "UPDATE secret_store_entries SET value = 'inert'", "no walls here", ("value",)),
    Statement(
        "plugin_state_entries", "UPDATE plugin_state_entries SET value_json = inert(value_json)", _INERT, ("value_json",)
    ),
    *(
        Statement(table, f"DELETE FROM {table}", _LIVE)
        for table in ("capture_events", "capture_blobs", "native_hook_relay_bridges", "worktrees")
    ),
)

# Files of state that name others by absolute paths: session stores (sessionFile), approvals (a socket), jobs, registries.
_WITH_PATHS = ("*.json", "*/*.json", "agents/*/agent/*.json", "agents/*/sessions/sessions.json")
# Names of secrets in stores of accounts, beyond those of a configuration.
_SECRET_VALUES = frozenset({"authorization", "access", "refresh", "key", "id_token"})


_OPEN = Edit("gateway.auth", "a token of its own: this place has no walls")


def clone_plan(config: Mapping[str, object], wish: CloneWish) -> ClonePlan:
    """Everything that is changed in a clone of a state with this configuration (parsed, includes resolved)."""
    quiet = quiet_config(config, wish)
    unknown = tuple(edit for edit in quiet.edits if edit.place == _OPEN.place)
    return ClonePlan(
        config=quiet,
        drop=DROP if wish.inert is None else _DROP_OPEN,
        files=file_rules(wish),
        state_sql=state_sql(wish),
        agent_sql=AGENT_SQL,
        seat=wish.seat,
        moves=wish.moves,
        inert=inert,
        may_differ=unknown if wish.inert is None else (_OPEN,),
        undone=(lambda clone: clone) if wish.inert is None else with_hands,
    )


def state_sql(wish: CloneWish) -> tuple[Statement, ...]:
    """The statements for state/openclaw.sqlite."""
    return STATE_SQL if wish.inert is None else (*STATE_SQL, *_SECRETS_SQL)


def file_rules(wish: CloneWish) -> tuple[FileRule, ...]:
    """The files to change. A file that is no JSON object stays as it is."""
    rules = (
        FileRule("agents/*/sessions/sessions.json", lambda data: _sessions_without(_RECOVERY, data), _TURN),
        FileRule("agents/*/sessions/sessions.json", lambda data: _sessions_without(_CHOICE, data), _MODEL),
        FileRule("cron/jobs.json", _disable_jobs, "due jobs must not run"),
        FileRule("agents/*/agent/auth-profiles.json", _inert_bytes, _INERT),
        FileRule("agents/*/agent/auth.json", _inert_bytes, _INERT),
        FileRule("credentials/*.json", _inert_bytes, _INERT),
        FileRule("credentials/*/*.json", _inert_bytes, _INERT),
        FileRule("credentials/*/*/*.json", _inert_bytes, _INERT),
        FileRule("*.env", variables_without_proxies, "no way out, and the stand-in model is asked directly"),
    )
    if wish.inert is None:
        return rules
    return (
        *rules,
        FileRule("*.env", inert_variables, "no walls here"),
        FileRule("agents/*/agent/models.json", _inert_bytes, "no walls here"),
        *(FileRule(f"credentials/{below}/*.json", _inert_throughout, "no walls here") for below in ("*", "*/*", "*/*/*")),
        *(FileRule(pattern, lambda data: _moved(data, wish.moves), "it leads into the clone") for pattern in _WITH_PATHS),
    )


def inert(text: str) -> str:
    """The same JSON with every secret value replaced; text that is no JSON is returned empty."""
    try:
        document = json.loads(text)
    except ValueError:
        return "{}"
    return json.dumps(_inert_node(document))


def _inert_node(node: object, name: str = "") -> object:
    if is_reference(node):
        return inert_reference()
    if isinstance(node, dict):
        return {key: _inert_node(value, key) for key, value in node.items()}
    if isinstance(node, list):
        return [_inert_node(value, name) for value in node]
    return "inert" if isinstance(node, str) and name and (name.lower() in _SECRET_VALUES or is_secret((name,))) else node


def _inert_bytes(data: bytes) -> bytes:
    return inert(data.decode("utf-8", "replace")).encode()


def _inert_throughout(data: bytes) -> bytes:
    """A login of a channel: whatever it is called, each text and each number of it may be a key (Baileys keeps bytes)."""
    try:
        document = json.loads(data)
    except ValueError:
        return b"{}"
    return json.dumps(_throughout(document)).encode()


def _throughout(node: object) -> object:
    if isinstance(node, dict):
        return {key: _throughout(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_throughout(value) for value in node if isinstance(value, dict | list)]
    return "inert" if isinstance(node, str) else node


def _sessions_without(keys: tuple[str, ...], data: bytes) -> bytes:
    document = _object(data)
    marked = [e for e in document.values() if isinstance(e, dict) and any(key in e for key in keys)]
    for entry in marked:
        for key in keys:
            entry.pop(key, None)
    return json.dumps(document, indent=2).encode() if marked else data


def _disable_jobs(data: bytes) -> bytes:
    document = _object(data)
    listed = document.get("jobs")
    jobs = [job for job in listed if isinstance(job, dict)] if isinstance(listed, list) else []
    for job in jobs:
        job["enabled"] = False
    return json.dumps(document, indent=2).encode() if jobs else data


def _moved(data: bytes, moves: tuple[PathMove, ...]) -> bytes:
    for move in moves:
        data = data.replace(str(move.old).encode(), str(move.new).encode())
    return data


def _object(data: bytes) -> dict[str, object]:
    try:
        document = json.loads(data)
    except ValueError:
        return {}
    return dict(document) if isinstance(document, Mapping) else {}
