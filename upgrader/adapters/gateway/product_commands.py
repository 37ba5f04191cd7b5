"""Port ProductCommands: OpenClaw's own command line. Its answers may hold tokens: only a redacted end of an error is kept."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from upgrader.domain.diagnosis.repairing import StepFailed
from upgrader.domain.installation.facts import Installation
from upgrader.domain.ports import Command, Runner
from upgrader.domain.process import CommandMissing, CommandTimedOut
from upgrader.domain.version import Version

_LIMIT = timedelta(seconds=120)


class CommandKnowledge(Protocol):
    """The arguments (services/openclaw/pairing/repair_commands.py)."""

    LIST: tuple[str, ...]

    def approve(self, request_id: str) -> tuple[str, ...]:
        """Approve one request."""

    def rotate(self, device_id: str, wanted: tuple[str, ...]) -> tuple[str, ...]:
        """A new token with these scopes."""

    def remove(self, device_id: str, version: Version) -> tuple[str, ...]:
        """Remove a device; empty where there is no such command."""


@dataclass(frozen=True)
class OpenClawCommands:
    """Runs them; `argv` and `environment` make a command of this installation, `redacted` an answer that may be shown."""

    knowledge: CommandKnowledge
    runner: Runner
    argv: Callable[[Installation, tuple[str, ...]], tuple[str, ...]]
    environment: Callable[[Installation], Mapping[str, str]]
    redacted: Callable[[str], str]

    def reissue(self, installation: Installation) -> None:
        """`devices list`: where the command line shows its identity, the gateway hands it its token. Raises StepFailed."""
        self._run(installation, self.knowledge.LIST)

    def approve(self, installation: Installation, request_id: str) -> None:
        """Approve. Raises StepFailed."""
        self._run(installation, self.knowledge.approve(request_id))

    def rotate(self, installation: Installation, device_id: str, scopes: tuple[str, ...]) -> None:
        """Rotate with these scopes. Raises StepFailed."""
        self._run(installation, self.knowledge.rotate(device_id, scopes))

    def remove(self, installation: Installation, device_id: str) -> None:
        """Remove. Raises StepFailed, also where this release has no such command (code `no_such_command`)."""
        words = self.knowledge.remove(device_id, installation.package.version)
        if not words:
            version = installation.package.version
            raise StepFailed(f"{version} has no `openclaw devices remove`", code="no_such_command")
        self._run(installation, words)

    def _run(self, installation: Installation, words: tuple[str, ...]) -> None:
        environment = {**self.environment(installation), "OPENCLAW_GATEWAY_PORT": str(installation.port)}
        command = Command(self.argv(installation, words), _LIMIT, environment, installation.home)
        shown = f"`openclaw {' '.join(words[:2])}`"
        try:
            ran = self.runner.run(command)
        except (CommandTimedOut, CommandMissing) as error:
            raise StepFailed(f"{shown} did not end well", why=error.message) from error
        if ran.exit_code:
            said = " ".join((ran.stderr or ran.stdout)[-1200:].decode(errors="replace").split())
            raise StepFailed(f"{shown} ended with {ran.exit_code}", why=self.redacted(said))
