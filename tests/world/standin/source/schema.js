// The part of OpenClaw's databases that an outside tool meets: names and columns as in 2026.9.5 and 2026.9.6.

const text = (...names) => names.map((name) => `${name} TEXT`);
const whole = (...names) => names.map((name) => `${name} INTEGER`);
const must = (...columns) => columns.map((column) => `${column} NOT NULL`);

/** name -> [columns…, key clause] */
export const STATE_TABLES = {
  schema_meta: [...must("meta_key TEXT", "role TEXT", "schema_version INTEGER"), ...text("agent_id", "app_version"),
    ...must("created_at INTEGER", "updated_at INTEGER"), "PRIMARY KEY (meta_key)"],
  state_leases: [...must("scope TEXT", "lease_key TEXT", "owner TEXT"), ...whole("expires_at", "heartbeat_at"), ...text("payload_json"),
    ...must("created_at INTEGER", "updated_at INTEGER"), "PRIMARY KEY (scope, lease_key)"],
  device_identities: [...must("identity_key TEXT", "device_id TEXT", "public_key_pem TEXT", "private_key_pem TEXT",
    "created_at_ms INTEGER", "updated_at_ms INTEGER"), "PRIMARY KEY (identity_key)"],
  device_auth_tokens: [...must("device_id TEXT", "role TEXT", "token TEXT", "scopes_json TEXT", "updated_at_ms INTEGER"),
    "PRIMARY KEY (device_id, role)"],
  gateway_origin_device_tokens: [...must("gateway_scope TEXT", "device_id TEXT", "role TEXT", "token TEXT", "scopes_json TEXT",
    "updated_at_ms INTEGER"), "PRIMARY KEY (gateway_scope, device_id, role)"],
  device_pairing_paired: [...must("device_id TEXT", "public_key TEXT"), ...text("display_name", "operator_label", "platform",
    "device_family", "client_id", "client_mode", "browser_origin", "role", "roles_json", "scopes_json", "approved_scopes_json",
    "remote_ip", "tokens_json", "approved_via", "node_surface_json", "pending_node_surface_json"),
    ...must("created_at_ms INTEGER", "approved_at_ms INTEGER"), ...whole("last_seen_at_ms"), ...text("last_seen_reason"),
    "PRIMARY KEY (device_id)"],
  device_pairing_pending: [...must("request_id TEXT", "device_id TEXT", "public_key TEXT"), ...text("display_name", "platform",
    "device_family", "client_id", "client_mode", "browser_origin", "role", "roles_json", "scopes_json", "remote_ip"),
    ...whole("silent", "is_repair"), ...must("ts INTEGER"), ...whole("refreshed_at_ms"), "PRIMARY KEY (request_id)"],
  device_bootstrap_tokens: [...must("token_key TEXT", "token TEXT"), ...text("setup_id"), ...must("ts INTEGER"), ...text("device_id",
    "public_key", "profile_json"), ...must("issued_at_ms INTEGER"), ...whole("last_used_at_ms"), "PRIMARY KEY (token_key)"],
  agent_databases: [...must("agent_id TEXT", "path TEXT", "schema_version INTEGER", "last_seen_at INTEGER"), ...whole("size_bytes"),
    "PRIMARY KEY (agent_id, path)"],
  agent_database_leases: ["lease_id TEXT PRIMARY KEY", ...must("agent_id TEXT", "path TEXT", "owner_pid INTEGER"),
    ...whole("owner_start_time"), ...must("opened_at INTEGER")],
  config_machine_state: [...must("state_key TEXT", "value_json TEXT", "updated_at_ms INTEGER"), "PRIMARY KEY (state_key)"],
  config_health_entries: [...must("config_path TEXT"), ...text("last_known_good_json", "last_promoted_good_json",
    "last_observed_suspicious_signature"), ...must("updated_at_ms INTEGER"), "PRIMARY KEY (config_path)"],
  diagnostic_events: [...must("scope TEXT", "event_key TEXT", "payload_json TEXT", "created_at INTEGER", "sequence INTEGER"),
    "PRIMARY KEY (scope, event_key)"],
  gateway_boot_lifecycle: [...must("boot_id TEXT", "pid INTEGER", "started_at_ms INTEGER"), ...whole("completed_at_ms"),
    ...text("outcome", "startup_reason", "reason"), "PRIMARY KEY (boot_id)"],
  gateway_restart_intent: [...must("intent_key TEXT", "kind TEXT", "pid INTEGER", "created_at INTEGER"), ...text("reason"),
    ...whole("force", "wait_ms"), ...must("updated_at_ms INTEGER"), "PRIMARY KEY (intent_key)"],
  gateway_restart_sentinel: [...must("sentinel_key TEXT", "version INTEGER", "kind TEXT", "status TEXT", "ts INTEGER"),
    ...text("session_key", "message"), ...must("payload_json TEXT", "updated_at_ms INTEGER"), "PRIMARY KEY (sentinel_key)"],
  gateway_restart_handoff: [...must("handoff_key TEXT", "kind TEXT", "version INTEGER", "intent_id TEXT", "pid INTEGER",
    "created_at INTEGER", "expires_at INTEGER"), ...text("reason"), ...must("source TEXT", "restart_kind TEXT", "supervisor_mode TEXT",
    "updated_at_ms INTEGER"), "PRIMARY KEY (handoff_key)"],
  cron_jobs: [...must("store_key TEXT", "job_id TEXT"), ...text("declaration_key", "owner_agent_id"), ...must("name TEXT"),
    ...text("description"), ...must("enabled INTEGER"), ...text("agent_id"), ...must("payload_kind TEXT", "job_json TEXT"),
    "state_json TEXT NOT NULL DEFAULT '{}'", ...whole("runtime_updated_at_ms"), ...text("schedule_identity"),
    "sort_order INTEGER NOT NULL DEFAULT 0", ...must("updated_at INTEGER"), "PRIMARY KEY (store_key, job_id)"],
  delivery_queue_entries: [...must("queue_name TEXT", "id TEXT", "status TEXT"), ...text("entry_kind", "session_key", "channel",
    "target", "account_id"), "retry_count INTEGER NOT NULL DEFAULT 0", ...whole("last_attempt_at"), ...text("last_error",
    "recovery_state"), ...whole("platform_send_started_at"), ...must("entry_json TEXT", "enqueued_at INTEGER",
    "updated_at INTEGER"), ...whole("failed_at"), "PRIMARY KEY (queue_name, id)"],
  channel_ingress_events: [...must("queue_name TEXT", "event_id TEXT", "channel_id TEXT", "account_id TEXT", "status TEXT"),
    ...text("lane_key"), ...must("payload_json TEXT"), ...text("metadata_json"), ...must("received_at INTEGER",
    "updated_at INTEGER"), ...text("claim_token", "claim_owner"), ...whole("claimed_at"), "attempts INTEGER NOT NULL DEFAULT 0",
    ...whole("last_attempt_at"), ...text("last_error", "failed_reason"), ...whole("failed_at", "completed_at"),
    ...text("completed_metadata_json"), "PRIMARY KEY (queue_name, event_id)"],
  subagent_runs: [...must("run_id TEXT", "child_session_key TEXT"), ...text("controller_session_key"),
    ...must("requester_session_key TEXT", "created_at INTEGER", "payload_json TEXT"), "PRIMARY KEY (run_id)"],
  migration_sources: [...must("source_key TEXT", "migration_kind TEXT", "source_path TEXT", "target_table TEXT"),
    ...text("source_sha256"), ...whole("source_size_bytes", "source_record_count"), ...must("last_run_id TEXT", "status TEXT",
    "imported_at INTEGER", "removed_source INTEGER", "report_json TEXT"), "PRIMARY KEY (source_key)"],
};

/** Tables a later schema of the shared database adds. */
export const STATE_ADDED = {
  18: { github_publication_requests: [...must("request_id TEXT", "status TEXT", "payload_json TEXT", "updated_at_ms INTEGER"),
    "PRIMARY KEY (request_id)"] },
};

export const AGENT_TABLES = {
  schema_meta: STATE_TABLES.schema_meta,
  session_nodes: [...must("session_key TEXT"), ...text("current_session_id"), ...must("entry_json TEXT", "updated_at INTEGER"),
    ...text("status", "parent_session_key", "spawned_by", "label"), "PRIMARY KEY (session_key)"],
  transcript_events: [...must("session_id TEXT", "seq INTEGER", "event_json TEXT", "created_at INTEGER"),
    "PRIMARY KEY (session_id, seq)"],
};

export const AGENT_ADDED = {
  23: { transcript_archives: [...must("session_id TEXT", "body BLOB", "created_at INTEGER"), "PRIMARY KEY (session_id)"] },
};

export function createStatements(tables) {
  return Object.entries(tables).map(([name, columns]) => `CREATE TABLE IF NOT EXISTS ${name} (${columns.join(", ")}) STRICT`);
}
