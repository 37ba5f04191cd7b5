"""What each path of OpenClaw's state directory is for, per era of its stores.

Sources: the packages 2026.2.17 to 2026.9.6 (`src/config/paths.ts`, `src/infra/device-pairing.ts`,
`src/state/openclaw-state-schema.ts`, docs/cli/backup.md) and the state directories 2026.2.17, 2026.9.5 and 2026.9.6 leave.
Patterns are globs over the path relative to the state directory; `**` crosses `/`. The first that fits decides.
"""

import re
from functools import cache

from upgrader.domain.installation.facts import PairingEra
from upgrader.domain.kept.pathclass import PathClass

STATE_DATABASE = "state/openclaw.sqlite"
AGENT_DATABASES = "agents/*/agent/openclaw-agent.sqlite"
_C = PathClass

# Both eras. Order matters: what belongs to one process, then what is rebuilt, then the stores.
_COMMON: tuple[tuple[str, PathClass], ...] = (
    ("tmp/**", _C.RUNTIME),  # tmp/openclaw-<uid>/: locks naming a pid; a copied one is believed while that pid lives
    ("browser/*/user-data/Singleton*", _C.RUNTIME),  # Chromium's locks: host name and pid
    ("**/*.sock", _C.RUNTIME),
    ("*.pid", _C.RUNTIME),
    ("cache/**", _C.CACHE),  # 49 MB control-ui-assets, made anew at the first start
    ("completions/**", _C.CACHE),
    ("update-check.json", _C.CACHE),
    ("plugin-skills/**", _C.CACHE),  # generated absolute links
    ("sandbox/skills-workspaces/**", _C.CACHE),
    ("openclaw.json*", _C.CONFIG),
    ("clawdbot.json*", _C.CONFIG),
    ("moldbot.json*", _C.CONFIG),
    ("moltbot.json*", _C.CONFIG),
    ("config-journal-fingerprint.key", _C.CONFIG),  # 9.x: the key by which it recognises its own config writes
    (".env", _C.CREDENTIALS),
    ("*.systemd.env", _C.CREDENTIALS),
    ("gateway/tls/**", _C.IDENTITY),
    ("identity/**", _C.IDENTITY),
    ("node.json", _C.IDENTITY),
    ("devices/**", _C.PAIRING),
    ("nodes/**", _C.PAIRING),
    ("exec-approvals.json", _C.PAIRING),
    # Allow-lists of channels are decisions of the operator, not something a remote party advances.
    ("credentials/*-allowFrom.json", _C.PAIRING),
    ("credentials/*-pairing.json", _C.PAIRING),
    ("credentials/**", _C.MOVING),  # whatsapp ratchets, OAuth and copilot tokens: a remote party advances them
    ("telegram/**", _C.MOVING),  # update offsets
    ("discord/**", _C.MOVING),
    ("matrix/**", _C.MOVING),  # sync cursors and crypto store
    ("signal/**", _C.MOVING),
    ("imessage/**", _C.MOVING),
    ("delivery-queue/**", _C.OUTBOX),
    ("session-delivery-queue/**", _C.OUTBOX),
    ("restart-sentinel.json", _C.OUTBOX),
    ("subagents/runs.json", _C.OUTBOX),  # a run without endedAt is taken up again at the start
    ("cron/jobs.json*", _C.OUTBOX),
    ("cron/runs/**", _C.TRANSCRIPT),
    ("agents/*/agent/auth-profiles.json", _C.MOVING),  # refreshed OAuth profiles beside API keys
    ("agents/*/agent/auth.json", _C.CREDENTIALS),
    ("agents/*/agent/models.json", _C.CONFIG),
    ("agents/*/sessions/**", _C.TRANSCRIPT),
    ("sessions/**", _C.TRANSCRIPT),
    ("transcripts/**", _C.TRANSCRIPT),
    ("logs/**", _C.TRANSCRIPT),
    ("workspace/**", _C.WORKSPACE),
    ("workspace-*/**", _C.WORKSPACE),
)

_DATABASES: tuple[tuple[str, PathClass], ...] = (
    ("**/*.sqlite", _C.DATABASE),
    ("**/*.sqlite-wal", _C.DATABASE),
    ("**/*.sqlite-shm", _C.DATABASE),
    ("**/*.sqlite-journal", _C.DATABASE),
)

# From 8.1 on sessions, pairing and jobs are rows; what an import kept of their files (`*.migrated`) moves no more.
_KEPT_BY_IMPORTS: tuple[tuple[str, PathClass], ...] = (
    ("**/*.migrated", _C.UNKNOWN),
    ("**/*.doctor-importing", _C.UNKNOWN),
)


def classify(era: PairingEra, path: str) -> PathClass:
    """The class of a path (relative, `/` between parts) in a state of this era; `unknown` where no pattern fits."""
    table = (*_DATABASES, *_KEPT_BY_IMPORTS, *_COMMON) if era is PairingEra.SQLITE else (*_DATABASES, *_COMMON)
    runtime_first = (*(row for row in _COMMON if row[1] in (_C.RUNTIME, _C.CACHE)), *table)
    for pattern, found in runtime_first:
        if _compiled(pattern).fullmatch(path):
            return found
    return _C.UNKNOWN


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """A glob as an expression. `x/**` fits `x` itself too; `**/x` fits `x` at the top."""
    text = ""
    for part in re.split(r"(\*\*/|/\*\*$|\*)", pattern):
        text += {"**/": "(?:.*/)?", "/**": "(?:/.*)?", "*": "[^/]*"}.get(part, re.escape(part))
    return re.compile(text, re.DOTALL)
