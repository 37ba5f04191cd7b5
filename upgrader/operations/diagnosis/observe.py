"""The observation: records, connects, one real call, readiness and the log of a gateway, changing nothing on a live one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from upgrader.domain.checks.pairing_change import StoreChange, differences
from upgrader.domain.installation.configuration import Configuration
from upgrader.domain.installation.facts import Installation
from upgrader.domain.pairing.observation import (
    CALL_UNFINISHED,
    Act,
    CallResult,
    Handshake,
    HandshakeResult,
    LogFinding,
    Observation,
    PairingStore,
    Reach,
    Weight,
)
from upgrader.domain.pairing.ports import Attempt, Gateway, Http, Knowledge, Logs, LogWindow, NoAnswer, Sockets
from upgrader.domain.ports import Clock, Command, Runner
from upgrader.domain.process import CommandMissing, CommandTimedOut
from upgrader.operations.diagnosis.pairing_store import StoreReader

_CALL_LIMIT = timedelta(seconds=120)
_LOG_SPAN = timedelta(hours=24)  # OpenClaw deletes older logs at its start
_SAID = 400  # characters kept of what a call answered


@dataclass(frozen=True)
class Senses:
    """The ports of an observation."""

    reader: StoreReader
    sockets: Sockets
    http: Http
    logs: Logs
    runner: Runner
    clock: Clock
    knowledge: Knowledge


@dataclass(frozen=True)
class GatewayObserver:
    """Port Observer. `configuration` reads openclaw.json anew; `argv` and `environment` make an OpenClaw command of it."""

    senses: Senses
    configuration: Callable[[Installation], Configuration]
    argv: Callable[[Installation, tuple[str, ...]], tuple[str, ...]]
    environment: Callable[[Installation], Mapping[str, str]]
    reach: Reach = Reach.LIVE

    def observe(self, installation: Installation) -> Observation:
        """One look, in this order: store, readiness, connects, call, log, store again. Raises ConfigInvalid."""
        senses, state = self.senses, installation.state.path
        configuration = self.configuration(installation)
        version = installation.package.version
        gateway = Gateway(version, installation.port, configuration.auth)
        before = senses.reader.store(state)
        ready, detail = self._readiness(gateway)
        running = installation.is_running or ready
        handshakes: tuple[Handshake, ...] = ()
        calls: tuple[CallResult, ...] = ()
        if running:
            handshakes = tuple(self._handshakes(gateway, before, state))
            calls = (self._call(installation, gateway, before),)
        findings, acts = self._log(installation, configuration.log_file)
        after = senses.reader.store(state)
        looked = StoreChange(before, after, senses.knowledge.rules(version), self.reach, acts)
        return Observation(
            version=version,
            store=before,
            running=running,
            ready=ready,
            ready_detail=detail,
            handshakes=handshakes,
            calls=calls,
            log=findings,
            acts=(*after.acts, *acts),
            gateway_auth=(configuration.auth.token or configuration.auth.password).fingerprint,
            tool_policy=configuration.tool_policy,
            store_changed_by_probe=bool(differences(looked)),
            reach=self.reach,
            own_after=after.own,
        )

    def _readiness(self, gateway: Gateway) -> tuple[bool, str]:
        knowledge = self.senses.knowledge
        paths = knowledge.readiness_paths(gateway.version)
        if paths:
            return knowledge.readiness(tuple((path, self.senses.http.get(gateway.port, path)) for path in paths))
        return self._greeting(gateway.port)

    def _greeting(self, port: int) -> tuple[bool, str]:
        """Before 3.1 only the WebSocket tells: a gateway greets with a challenge. Nothing is sent to it."""
        try:
            greets = self.senses.knowledge.is_greeting(self.senses.sockets.greeting(port))
        except NoAnswer as error:
            return False, error.why
        return greets, "it greets over its WebSocket" if greets else "it does not greet as a gateway"

    def _handshakes(self, gateway: Gateway, store: PairingStore, state: Path) -> list[Handshake]:
        senses = self.senses
        now_ms = int(senses.clock.now().timestamp() * 1000)
        credentials = senses.reader.credentials(state)
        attempts = senses.knowledge.attempts(gateway, store, credentials, self.reach, now_ms)
        return [self._attempt(gateway.port, each) if isinstance(each, Attempt) else each for each in attempts]

    def _attempt(self, port: int, attempt: Attempt) -> Handshake:
        try:
            return self.senses.sockets.converse(port, attempt.reply, attempt.read, attempt.origin)
        except NoAnswer as error:
            return Handshake(attempt.kind.value, HandshakeResult.ERROR, error.code, error.why)
        except ValueError as error:
            return Handshake(attempt.kind.value, HandshakeResult.ERROR, "identity_unusable", str(error))

    def _call(self, installation: Installation, gateway: Gateway, store: PairingStore) -> CallResult:
        plan = self.senses.knowledge.call(gateway, store, self.reach)
        if not plan.arguments:
            return CallResult("openclaw", None, plan.reason)
        shown = " ".join(("openclaw", *plan.arguments))
        environment = {**self.environment(installation), **dict(plan.environment)}
        command = Command(self.argv(installation, plan.arguments), _CALL_LIMIT, environment, installation.home)
        try:
            ran = self.senses.runner.run(command)
        except CommandTimedOut as error:
            return CallResult(shown, CALL_UNFINISHED, error.message)
        except CommandMissing as error:
            return CallResult(shown, 127, error.why)
        said = ran.stdout if ran.exit_code == 0 else ran.stderr or ran.stdout
        text = " ".join(said[-_SAID * 4 :].decode(errors="replace").split())
        return CallResult(shown, ran.exit_code, self.senses.knowledge.redacted(text))

    def _log(self, installation: Installation, configured: Path | None) -> tuple[tuple[LogFinding, ...], tuple[Act, ...]]:
        """The lines since the gateway's start, of the last day at most."""
        senses, now = self.senses, self.senses.clock.now()
        gateway = next(iter(installation.gateways), None)
        began = datetime.fromtimestamp(gateway.identity.started, UTC) if gateway else now - _LOG_SPAN
        window = LogWindow(max(began, now - _LOG_SPAN), gateway.identity.pid if gateway else None)
        days = tuple(dict.fromkeys((window.since.astimezone().date(), now.astimezone().date())))
        paths = senses.knowledge.log_paths(configured, installation.profile, installation.state.owner_uid, days)
        raw = b"".join(senses.logs.tail(path).raw for path in paths)
        findings, acts = senses.knowledge.log(raw, window), senses.knowledge.acts(raw, window)
        if configured is None:
            # The default file is shared by every gateway and command of this user, and its lines name no process.
            findings = tuple(replace(each, weight=Weight.NOTICE) for each in findings)
        return findings, acts
