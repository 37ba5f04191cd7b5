"""Which databases a release of OpenClaw can open, and what it does with a newer one's configuration. Pure."""

from upgrader.domain.plan.facts import Reach
from upgrader.domain.plan.release import Release
from upgrader.domain.version import Version

PACKAGE = "openclaw"

# Releases before 6.1 have no shared state database (string scan: absent in 5.28, present in 6.1).
_FIRST_DATABASE = "2026.6.1-beta.1"
# docs/reference/database-schemas/integrity-and-recovery.md: every release through 7.1 used schema 1/1, the first start of
# anything from 7.2-beta.1 on migrates one way. The maintained line 7.33 to 7.35 is built from 7.1 (its file-based pairing
# code was read in 7.35), though its numbers sort after the betas.
_FIRST_MIGRATING = "2026.7.2-beta.1"
_MAINTAINED = ("2026.7.33", "2026.8.1-beta.1")
# The refusal of service commands on a configuration of a newer release (`meta.lastTouchedVersion`): absent in 4.20,
# present in 4.29 (string scan); nothing between was looked at, so the later bound stands.
_FIRST_CONFIG_GUARD = "2026.4.29-beta.1"


def reach(release: Release) -> Reach:
    """What `release` can open: what its package declares, else what is known of its age, else unknown."""
    version = release.version
    state, agent = release.state_schema, release.agent_schema
    known = _undeclared(version)
    return Reach(
        known if state is None else state,
        known if agent is None else agent,
        guards_config=version.at_least(_FIRST_CONFIG_GUARD),
    )


def _undeclared(version: Version) -> int | None:
    """The schema of a package that declares none: `openclaw.schemaVersions` came with 7.2-beta.7."""
    if not version.at_least(_FIRST_DATABASE):
        return 0
    maintained = version.at_least(_MAINTAINED[0]) and not version.at_least(_MAINTAINED[1])
    if not version.at_least(_FIRST_MIGRATING) or maintained:
        return 1
    return None
