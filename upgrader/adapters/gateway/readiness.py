"""Waits until a started gateway may be believed: this very process, and the answers its release gives."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from upgrader.domain.installation.facts import Installation, ProcessIdentity
from upgrader.domain.pairing.ports import HttpReply
from upgrader.domain.ports import Clock
from upgrader.domain.process import StartFailed
from upgrader.domain.version import Version

_POLL = timedelta(milliseconds=200)


class _Liveness(Protocol):
    @property
    def ready(self) -> bool: ...
    @property
    def detail(self) -> str: ...


@dataclass(frozen=True)
class LiveReadiness:
    """Port Readiness.

    `paths(version)` are the HTTP probes of a release, none before 3.1; `judge` says what their answers mean; `greets(port)`
    whether a WebSocket greets there as a gateway does; `last_words(installation)` the command that shows what it said at its
    end. `limit` is how long a start may take.
    """

    clock: Clock
    alive: Callable[[ProcessIdentity], bool]
    get: Callable[[int, str], HttpReply]
    paths: Callable[[Version], tuple[str, ...]]
    judge: Callable[[tuple[tuple[str, HttpReply], ...]], _Liveness]
    greets: Callable[[int], bool]
    last_words: Callable[[Installation], str]
    limit: timedelta = timedelta(minutes=5)

    def wait(self, installation: Installation, release: Version, gateway: ProcessIdentity) -> None:
        """Return once it serves. Raises StartFailed when it ended, or did not serve in time."""
        deadline = self.clock.monotonic() + self.limit.total_seconds()
        detail = "nobody answered"
        while self.clock.monotonic() < deadline:
            if not self.alive(gateway):
                raise StartFailed(
                    f"the gateway of {release} ended right after its start",
                    why="its log says why",
                    hint=self.last_words(installation),
                    code="gateway_ended",
                )
            ready, detail = self._look(installation.port, release)
            if ready:
                return
            self.clock.wait(_POLL)
        raise StartFailed(
            f"the gateway of {release} did not become ready within {self.limit.total_seconds():.0f} s",
            why=detail,
            hint=self.last_words(installation),
            code="not_ready",
        )

    def _look(self, port: int, release: Version) -> tuple[bool, str]:
        paths = self.paths(release)
        if not paths:
            return self.greets(port), "no WebSocket greets"
        found = self.judge(tuple((path, self.get(port, path)) for path in paths))
        return found.ready, found.detail
