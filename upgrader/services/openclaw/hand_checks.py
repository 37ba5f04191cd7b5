"""The checks of `verify` in OpenClaw's own commands, for a person without this tool.

Sources: command registrations of 2026.2.17 and 2026.9.6; which of them are content while agents are refused was run on
2026.2.19 (`gateway health`, `gateway status` and `doctor` are, an agent's `sessions_spawn` is not).
"""

from upgrader.domain.told import HandCheck
from upgrader.domain.version import Version
from upgrader.services.openclaw.eras import code_line

_SPAWN = 'openclaw agent --agent main --message "use sessions_spawn with the task: say hi"'


def of(version: Version) -> tuple[HandCheck, ...]:
    """What to type, and what a whole pairing answers. The last one alone shows what an agent's tools may do."""
    line = code_line(version)
    checks = [HandCheck("openclaw gateway call health --json", '`"ok": true`: somebody serves; says nothing of agents')]
    if line.at_least("2026.3.13"):
        checks.append(HandCheck("openclaw gateway status --require-rpc", "exit code 0"))
    checks += [
        HandCheck("openclaw devices list --json", "this machine is paired, its `scopes` are complete, `pending` is empty"),
        HandCheck("openclaw gateway status --json", "no `configAudit` issue about tokens, no second listener"),
        HandCheck("openclaw logs", "no `pairing required`, `device token mismatch` or `security audit` since the start"),
    ]
    if line.at_least("2026.6.34"):
        checks.append(HandCheck("openclaw doctor --lint --json --severity-min error", '`"ok": true`'))
    checks.append(HandCheck(_SPAWN, "the sub-agent answers; not `gateway closed (1008): pairing required`"))
    return tuple(checks)
