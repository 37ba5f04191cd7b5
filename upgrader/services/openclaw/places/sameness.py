"""What may differ between two stopped states of one OpenClaw when nobody but its gateway touched them, and why.

Everything else must be equal. Measured on 2026.9.5: the state stopped, started again, asked once (`gateway call health`),
stopped, compared table by table; the reasons name what was seen. A new release starts with this list and must fail on
whatever it adds.
"""

from upgrader.domain.kept.sameness import Exclusions, KeyExclusion, PathExclusion, TableExclusion
from upgrader.services.openclaw.places.paths import STATE_DATABASE as _STATE

# A heartbeat is due every half hour; one that falls due while a state is started and stopped runs, and leaves its record.
_HEARTBEAT_JOB = "payload_kind = 'heartbeat'"
_HEARTBEAT_RUN = "job_id IN (SELECT job_id FROM cron_jobs WHERE payload_kind = 'heartbeat')"

EXCLUSIONS = Exclusions(
    paths=(
        PathExclusion("tmp", "locks and sockets of one process"),
        PathExclusion("tmp/*", "locks and sockets of one process; a copied lock would name a dead pid"),
        PathExclusion("*.sock", "a socket of one process"),
        PathExclusion("browser/*/user-data/Singleton*", "Chromium's locks: host name and pid"),
        PathExclusion("logs/*", "every start writes to them"),
        PathExclusion("update-check.json", "when the registry was asked last (up to 7.x)"),
    ),
    tables=(
        TableExclusion(_STATE, "gateway_boot_lifecycle", "one row for each start of a gateway"),
        TableExclusion(_STATE, "state_leases", "who runs now and until when: pid, host, heartbeat"),
        TableExclusion(_STATE, "agent_database_leases", "which process has an agent database open"),
        TableExclusion(_STATE, "agent_databases", "when it was opened last", column="last_seen_at"),
        TableExclusion(_STATE, "agent_databases", "size of the file when it was opened last", column="size_bytes"),
        TableExclusion(_STATE, "config_health_entries", "when the configuration was looked at last", column="updated_at_ms"),
        TableExclusion(_STATE, "diagnostic_events", "when the configuration was read last", column="created_at"),
        TableExclusion(_STATE, "cron_jobs", "a heartbeat that fell due meanwhile", column="state_json", rows=_HEARTBEAT_JOB),
        TableExclusion(
            _STATE, "cron_jobs", "a heartbeat that fell due meanwhile", column="runtime_updated_at_ms", rows=_HEARTBEAT_JOB
        ),
        TableExclusion(_STATE, "cron_jobs", "a heartbeat that fell due meanwhile", column="updated_at", rows=_HEARTBEAT_JOB),
        TableExclusion(_STATE, "cron_run_receipts", "the receipt of a heartbeat", rows=_HEARTBEAT_RUN),
        TableExclusion(
            _STATE,
            "task_runs",
            "the record of a heartbeat's run",
            rows="runtime = 'cron' AND source_id IN (SELECT job_id FROM cron_jobs WHERE payload_kind = 'heartbeat')",
        ),
        TableExclusion(_STATE, "device_pairing_paired", "when a device was seen last", column="last_seen_at_ms"),
        TableExclusion(_STATE, "device_pairing_paired", "on what occasion it was seen last", column="last_seen_reason"),
    ),
    keys=(
        KeyExclusion(
            _STATE,
            frozenset({"ino", "ctimeMs", "observedAt"}),
            "the same bytes lie on another inode after a restore, and no ctime can be set; hash, size and mtime count",
            table="config_health_entries",
            column="last_known_good_json",
        ),
        KeyExclusion(
            _STATE,
            frozenset({"lastUsedAtMs"}),
            "when a device token was used last; every handshake writes it",
            table="device_pairing_paired",
            column="tokens_json",
        ),
        KeyExclusion(
            "devices/paired.json",
            frozenset({"lastUsedAtMs", "lastSeenAtMs", "lastSeenReason"}),
            "when a device was seen and its token used last",
        ),
    ),
)
