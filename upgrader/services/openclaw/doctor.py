"""Which doctor call belongs to which move, in one table with its sources.

The doctor of a release is its migration. Before 4.25 an unattended `--fix` may install and restart the service, and plain
`--non-interactive` runs the state migrations without asking; from 4.25 on OPENCLAW_SERVICE_REPAIR_POLICY=external keeps
`--fix` away from the service (OpenClaw's own updater draws the line there: EXTERNAL_SERVICE_REPAIR_POLICY_MIN_VERSION in
dist/update-runner-doctor-*.mjs of 2026.9.6). An older release's doctor is never let onto a newer state.
"""

from dataclasses import dataclass

from upgrader.domain.moves.doctor import DoctorCall
from upgrader.domain.version import Version

_PLAIN = ("doctor", "--non-interactive")
# Node's last line after an uncaught error: 2026.9.6 without its entry (measured).
_CRASH = r"^Node\.js v\d+\.\d+\.\d+\s*\Z"
_FIX = ("doctor", "--fix", "--non-interactive")
_EXTERNAL = (("OPENCLAW_SERVICE_REPAIR_POLICY", "external"),)


@dataclass(frozen=True)
class _Row:
    """The call for targets from `since` on, up to the next row."""

    since: str
    arguments: tuple[str, ...]
    mandatory: bool
    accepted: tuple[int, ...]
    source: str
    environment: tuple[tuple[str, str], ...] = ()


_ROWS = (
    _Row("2026.1.1", _PLAIN, False, (0,), "reference 4.2, read in 2026.2.17 to 3.13: findings do not change its exit code"),
    _Row("2026.4.25-beta.1", _FIX, False, (0, 1), "dist/update-runner-doctor-*.mjs of 2026.9.6", _EXTERNAL),
    _Row(
        "2026.7.2-beta.1",
        _FIX,
        True,
        (0, 1),
        "9.6 started on a 9.5 state without it: exit 78, 'requires state migration' (measured); 9.6 ends 1 on warnings",
        _EXTERNAL,
    ),
)
# 7.33 to 7.35 sort after the 7.2 betas but are built from the 7.1 line, with pairing in files.
_FILE_ERA = ("2026.7.33", "2026.7.36")


def doctor_call(present: Version, target: Version) -> DoctorCall | None:
    """The call that brings a state of `present` into the form of `target`; None where no doctor may or need run.

    None for a move to an older release (it must be able to open the state as it is), and for the same release.
    """
    if target <= present:
        return None
    row = _ROWS[1] if target.at_least(_FILE_ERA[0]) and not target.at_least(_FILE_ERA[1]) else _row(target)
    return DoctorCall(row.arguments, dict(row.environment), row.accepted, row.mandatory, row.source, _CRASH)


def _row(target: Version) -> _Row:
    return [row for row in _ROWS if target.at_least(row.since)][-1]
