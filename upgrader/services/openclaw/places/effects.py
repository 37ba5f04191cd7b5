"""Where OpenClaw keeps what acts on the world, what a remote party advances, and the operator's acts on pairing.

Sources: package 2026.9.5 and 2026.9.6 (`src/state/openclaw-state-schema.ts`, `src/infra/delivery-queue-sqlite.kernel.ts`,
`src/agents/main-session-recovery/`, `src/agents/subagents/registry/`, `src/cron/service/`), 2026.2.17
(`src/infra/outbound/delivery-queue.ts`, `src/cron/`), and the rows a real 9.5 left (pairing acts: `devices revoke` writes
revokedAtMs, `devices rotate` rotatedAtMs, `devices remove` a row in apns_registration_tombstones; no audit row for any).
"""

import json

from upgrader.domain.installation.facts import PairingEra
from upgrader.domain.kept.pathclass import PathClass
from upgrader.domain.moves.settle import (
    EffectFiles,
    EffectKnowledge,
    Job,
    JobStatements,
    MovingTable,
    OutboxTable,
    PairingStatements,
    TokenActs,
    Where,
)
from upgrader.services.openclaw.places.paths import AGENT_DATABASES, STATE_DATABASE, classify

OUTBOX: tuple[OutboxTable, ...] = (
    OutboxTable(
        Where.STATE,
        "delivery_queue_entries",
        ("queue_name", "id"),
        "status = 'pending' OR (status = 'failed' AND recovery_state = 'settlement_pending')",
        ("status", "retry_count", "last_attempt_at", "platform_send_started_at", "recovery_state"),
        "",
        "outgoing message",
        carries="retry_count = 0 AND last_attempt_at IS NULL AND platform_send_started_at IS NULL",
    ),
    OutboxTable(
        Where.STATE,
        "channel_ingress_events",
        ("queue_name", "event_id"),
        "status IN ('pending', 'claimed')",
        ("status", "attempts", "last_attempt_at", "claimed_at"),
        # The completed row stays: by it a channel knows an event that is delivered once more.
        "status = 'completed', completed_at = :now, updated_at = :now, claim_token = NULL, claim_owner = NULL,"
        " claimed_at = NULL",
        "incoming message",
        carries="status = 'pending' AND attempts = 0",
    ),
    OutboxTable(
        Where.STATE,
        "subagent_runs",
        ("run_id",),
        # Still running, or finished and its result not yet told to the session that asked.
        "coalesce(json_extract(payload_json, '$.execution.status'),"
        " CASE WHEN json_extract(payload_json, '$.endedAt') IS NULL THEN '' ELSE 'terminal' END) <> 'terminal'"
        " OR coalesce(json_extract(payload_json, '$.delivery.status'), '') IN ('pending', 'in_progress', 'suspended')",
        (
            "json_extract(payload_json, '$.execution.status')",
            "json_extract(payload_json, '$.execution.startedAt')",
            "json_extract(payload_json, '$.execution.lifecycleGeneration')",
            "json_extract(payload_json, '$.generation')",
            "json_extract(payload_json, '$.delivery.status')",
        ),
        "",
        "sub-agent run",
    ),
    OutboxTable(
        Where.STATE,
        "task_runs",
        ("task_id",),
        "status IN ('queued', 'running') OR delivery_status IN ('pending', 'session_queued')",
        ("status", "delivery_status", "started_at", "last_event_at"),
        "status = CASE WHEN status IN ('queued', 'running') THEN 'lost' ELSE status END,"
        " delivery_status = 'not_applicable', ended_at = coalesce(ended_at, :now), last_event_at = :now",
        "background task",
    ),
    OutboxTable(Where.STATE, "gateway_restart_sentinel", ("sentinel_key",), "1", ("ts", "status"), "", "restart notice"),
    OutboxTable(Where.STATE, "gateway_restart_intent", ("intent_key",), "1", ("created_at",), "", "restart intent"),
    OutboxTable(Where.STATE, "gateway_restart_handoff", ("handoff_key",), "1", ("created_at",), "", "restart handoff"),
    OutboxTable(
        Where.AGENT,
        "session_nodes",
        ("session_key",),
        # A turn cut by the stop: a gateway resumes it by itself seconds after its start, no switch guards that.
        "status = 'running' OR coalesce(json_extract(entry_json, '$.abortedLastRun'), 0) = 1"
        " OR json_type(entry_json, '$.pendingFinalDelivery') IS NOT NULL",
        (
            "status",
            "json_extract(entry_json, '$.abortedLastRun')",
            "json_extract(entry_json, '$.mainRestartRecovery.revision')",
            "json_extract(entry_json, '$.pendingFinalDelivery')",
            "updated_at",
        ),
        "status = CASE WHEN status = 'running' THEN 'failed' ELSE status END,"
        " entry_json = json_remove(json_set(entry_json, '$.abortedLastRun', json('false'), '$.status',"
        " CASE WHEN json_extract(entry_json, '$.status') = 'running' THEN 'failed'"
        " ELSE json_extract(entry_json, '$.status') END),"
        " '$.mainRestartRecovery', '$.restartRecoveryRuns', '$.pendingFinalDelivery', '$.activeWriterRunId')",
        "interrupted turn",
    ),
    OutboxTable(
        Where.AGENT,
        "session_pending_inputs",
        ("input_id",),
        "consumed_event_id IS NULL AND state <> 'cancelled'",
        ("consumed_event_id",),
        "",
        "queued input",
    ),
    OutboxTable(
        Where.AGENT,
        "conversation_deliveries",
        ("operation_id",),
        "status IN ('created', 'queued')",
        ("status", "queue_id"),
        "status = 'unknown', updated_at = :now",
        "conversation delivery",
    ),
    OutboxTable(
        Where.AGENT,
        "context_engine_turn_outbox",
        ("advancement_key",),
        "1",
        ("attempt_count", "last_attempt_at"),
        "",
        "context engine turn",
    ),
)

MOVING: tuple[MovingTable, ...] = (
    MovingTable(Where.STATE, "mcp_oauth_stores", ("store_key",), "updated_at", "OAuth login of an MCP server"),
    MovingTable(
        Where.STATE,
        "plugin_state_entries",
        ("plugin_id", "namespace", "entry_key"),
        "",
        "channel cursor",
        # telegram.update-offsets, reef inbox-cursor, replay and dedupe ledgers; caches and settings are not moving.
        "namespace LIKE '%offset%' OR namespace LIKE '%cursor%' OR namespace LIKE '%sync%' OR namespace LIKE '%replay%'"
        " OR namespace LIKE '%delivered%' OR namespace LIKE '%dedupe%' OR namespace LIKE '%token%'"
        " OR namespace LIKE '%session-state%'",
    ),
    MovingTable(Where.AGENT, "auth_profile_store", ("store_key",), "updated_at", "model provider login"),
    MovingTable(Where.AGENT, "auth_profile_state", ("state_key",), "updated_at", "model provider login state"),
)


PAIRING = PairingStatements(
    table="device_pairing_paired",
    devices="SELECT device_id, tokens_json FROM device_pairing_paired",
    set_tokens="UPDATE device_pairing_paired SET tokens_json = :tokens WHERE device_id = :device",
    remove="DELETE FROM device_pairing_paired WHERE device_id = :device",
    tombstones="SELECT node_id, deleted_at_ms FROM apns_registration_tombstones",
    entomb="INSERT OR REPLACE INTO apns_registration_tombstones (node_id, deleted_at_ms) VALUES (:device, :at)",
    own_tokens="SELECT device_id, role, token, scopes_json, updated_at_ms FROM device_auth_tokens",
    set_own=(
        "INSERT OR REPLACE INTO device_auth_tokens (device_id, role, token, scopes_json, updated_at_ms)"
        " VALUES (:device, :role, :token, :scopes, :at)"
    ),
)

JOBS = JobStatements(
    select="SELECT store_key, job_id, enabled, declaration_key, job_json, state_json FROM cron_jobs",
    retire="DELETE FROM cron_jobs WHERE store_key = :store AND job_id = :job",
    advance="UPDATE cron_jobs SET state_json = :state WHERE store_key = :store AND job_id = :job",
)

FILES = EffectFiles(
    queue=("delivery-queue/*.json", "session-delivery-queue/*.json", "restart-sentinel.json"),
    jobs="cron/jobs.json",
    runs="subagents/runs.json",
    transcripts="agents/*/sessions/*.jsonl",
    indexes="agents/*/sessions/sessions.json",
    paired="devices/paired.json",
    moving=(
        "credentials",
        "telegram",
        "discord",
        "matrix",
        "signal",
        "imessage",
        "agents/*/agent/auth-profiles.json",
    ),
)


def job_of(job_id: str, enabled: object, declared: object, job_json: str, state_json: str) -> Job:
    """A job from a row of `cron_jobs`, or from an entry of jobs.json given as JSON text. Raises ValueError."""
    job, state = json.loads(job_json), json.loads(state_json or "{}")
    state = {**job.get("state", {}), **state}
    return Job(
        id=job_id,
        once=job.get("schedule", {}).get("kind") == "at",
        enabled=bool(enabled),
        managed=bool(declared),
        next_run_ms=_milliseconds(state.get("nextRunAtMs")),
        last_run_ms=_milliseconds(state.get("lastRunAtMs")),
        running=_milliseconds(state.get("runningAtMs")) is not None,
    )


def advanced_state(state_json: str, next_run_ms: int | None, last_run_ms: int | None) -> str:
    """A job's state with its slot taken: times set, the running mark removed; everything else as it was."""
    state = json.loads(state_json or "{}")
    for name, value in (("nextRunAtMs", next_run_ms), ("lastRunAtMs", last_run_ms), ("runningAtMs", None)):
        if value is None:
            state.pop(name, None)
        else:
            state[name] = value
    return json.dumps(state, separators=(",", ":"))


def token_acts(record: object) -> TokenActs:
    """The acts noted on one token record of a pairing store."""
    if not isinstance(record, dict):
        return TokenActs(None, None)
    return TokenActs(_milliseconds(record.get("revokedAtMs")), _milliseconds(record.get("rotatedAtMs")))


def _milliseconds(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _is_moving(path: str) -> bool:
    return classify(PairingEra.FILES, path) is PathClass.MOVING


KNOWLEDGE = EffectKnowledge(
    state_database=STATE_DATABASE,
    agent_databases=AGENT_DATABASES,
    outbox=OUTBOX,
    moving=MOVING,
    pairing=PAIRING,
    jobs=JOBS,
    files=FILES,
    transcript_rows="SELECT session_id, max(seq), count(*) FROM transcript_events GROUP BY session_id",
    job_of=job_of,
    advanced_state=advanced_state,
    token_acts=token_acts,
    is_moving_path=_is_moving,
)
