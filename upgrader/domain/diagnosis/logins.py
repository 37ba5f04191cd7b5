"""Logins at model providers as an agent's store holds them: names, fingerprints and failures, never a key."""

from dataclasses import dataclass

from upgrader.domain.secret import Fingerprint
from upgrader.domain.version import Version


@dataclass(frozen=True)
class Login:
    """One auth profile of one agent. `key` is the fingerprint of what it presents; `refusals` counts its auth failures as
    OpenClaw counts them, `refused_ms` is the last one, ms since the epoch. `renews` for one whose key changes by itself."""

    agent: str
    profile: str
    key: Fingerprint
    refusals: int = 0
    refused_ms: int | None = None
    renews: bool = False


@dataclass(frozen=True)
class KeptLogins:
    """The logins in a snapshot: which one it is, when it was taken (ISO, UTC) and of which release."""

    snapshot: str
    created: str
    version: Version
    logins: tuple[Login, ...]

    def of(self, login: Login) -> Login | None:
        """The same profile of the same agent, as it was."""
        return next((each for each in self.logins if (each.agent, each.profile) == (login.agent, login.profile)), None)


@dataclass(frozen=True)
class LoginsSeen:
    """The logins as they are now, and as the newest snapshot holds them; `before` is None where there is none."""

    now: tuple[Login, ...] = ()
    before: KeptLogins | None = None

    def lost(self) -> tuple[Login, ...]:
        """Those that the snapshot holds and that are gone."""
        if self.before is None:
            return ()
        present = {(each.agent, each.profile) for each in self.now}
        return tuple(each for each in self.before.logins if (each.agent, each.profile) not in present)
