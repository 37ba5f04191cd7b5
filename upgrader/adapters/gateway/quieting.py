"""Asks the running gateway to become idle, by its own command line."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from upgrader.domain.installation.facts import Installation
from upgrader.domain.moves.quiet import GatewayIdentity, Quietness, Suspension
from upgrader.domain.ports import Command, Runner
from upgrader.domain.process import CommandTimedOut
from upgrader.domain.version import Version

_LIMIT = timedelta(seconds=60)
_NOT_OFFERED = Suspension(Quietness.NOT_OFFERED)


class Words(Protocol):
    """What the service knows of a release's suspension."""

    def is_offered(self, version: Version, /) -> bool:
        """Whether this release may be asked."""

    def suspend_arguments(self, request: str, /) -> tuple[str, ...]:
        """The command that asks or renews."""

    def resume_arguments(self, suspension: str, /) -> tuple[str, ...]:
        """The command that releases."""

    def read_answer(self, raw: bytes, /) -> Suspension:
        """The meaning of what it printed."""

    def identify_arguments(self) -> tuple[str, ...]:
        """The command that asks who serves."""

    def read_identity(self, raw: bytes, /) -> GatewayIdentity | None:
        """The meaning of what it printed."""

    def interrupt_arguments(self, suspension: str, gateway: GatewayIdentity, /) -> tuple[str, ...]:
        """The command that lets the next stop cut off."""

    def is_armed(self, raw: bytes, /) -> bool:
        """Whether it agreed."""


@dataclass(frozen=True)
class GatewayQuieting:
    """Port Quieting. `words` are the service's: who may be asked, what to say, what the answers mean."""

    runner: Runner
    words: Words
    argv: Callable[[Installation, tuple[str, ...]], tuple[str, ...]]
    environment: Callable[[Installation], Mapping[str, str]]

    def suspend(self, installation: Installation, request: str) -> Suspension:
        """Ask once, or renew. NOT_OFFERED where the release does not know the question or does not answer it."""
        if not self.words.is_offered(installation.package.version):
            return _NOT_OFFERED
        try:
            return self.words.read_answer(self._say(installation, self.words.suspend_arguments(request)))
        except CommandTimedOut:
            return _NOT_OFFERED

    def resume(self, installation: Installation, suspension: str) -> None:
        """Admit work again; where that fails the gateway does it by itself when the lease ends, two minutes later."""
        try:
            self._say(installation, self.words.resume_arguments(suspension))
        except CommandTimedOut:
            return

    def identify(self, installation: Installation) -> GatewayIdentity | None:
        """Who serves, by its own word."""
        if not self.words.is_offered(installation.package.version):
            return None
        try:
            return self.words.read_identity(self._say(installation, self.words.identify_arguments()))
        except CommandTimedOut:
            return None

    def interrupt(self, installation: Installation, suspension: str, gateway: GatewayIdentity) -> bool:
        """Arm the coming stop; False when the gateway did not agree."""
        try:
            return self.words.is_armed(self._say(installation, self.words.interrupt_arguments(suspension, gateway)))
        except CommandTimedOut:
            return False

    def _say(self, installation: Installation, arguments: tuple[str, ...]) -> bytes:
        command = Command(self.argv(installation, arguments), _LIMIT, self.environment(installation), installation.home)
        return self.runner.run(command).stdout
