"""Which era of stores a release or a state directory belongs to."""

from upgrader.domain.installation.facts import PairingEra
from upgrader.domain.version import Version

# Pairing moved into SQLite between 7.1 and 7.2-beta.1; the extended-stable line 7.33 to 7.35 is built from the code of 7.1.
_SQLITE_FROM = "2026.7.2-beta.1"
_EXTENDED_FROM, _EXTENDED_UNTIL = "2026.7.33", "2026.8.0"
_CODE_OF_EXTENDED = Version("2026.7.1")


def code_line(version: Version) -> Version:
    """The release whose code counts: 7.33 to 7.35 sort after the 7.2 betas and behave as 7.1 (pairing code read in 7.35)."""
    extended = version.at_least(_EXTENDED_FROM) and not version.at_least(_EXTENDED_UNTIL)
    return _CODE_OF_EXTENDED if extended else version


def era_of(version: Version) -> PairingEra:
    """Where this release keeps its pairings."""
    return PairingEra.SQLITE if code_line(version).at_least(_SQLITE_FROM) else PairingEra.FILES


def era_of_state(user_version: int | None) -> PairingEra:
    """Where a state directory keeps them, by `user_version` of state/openclaw.sqlite (None: there is none).

    6.34 to 7.1 create that database at version 1 with pairing tables they never use: the existence of tables says nothing.
    """
    return PairingEra.SQLITE if user_version is not None and user_version > 1 else PairingEra.FILES
