"""What an observation needs to know of OpenClaw, behind one face (port Knowledge)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from upgrader.domain.canary.contents import SkillsListed
from upgrader.domain.canary.turns import TurnEnded, TurnProbe
from upgrader.domain.installation.facts import PairingEra
from upgrader.domain.pairing.observation import Act, ClientKind, Handshake, HandshakeResult, LogFinding, PairingStore, Reach
from upgrader.domain.pairing.ports import (
    Attempt,
    CallPlan,
    ClientIdentity,
    Credentials,
    Gateway,
    HttpReply,
    LogWindow,
    PairAnswer,
    PairAttempt,
    PairWish,
    Query,
    Rows,
)
from upgrader.domain.pairing.rules import PairingRules
from upgrader.domain.secret import Secret
from upgrader.domain.version import Version
from upgrader.services.openclaw.eras import era_of_state
from upgrader.services.openclaw.gateway import calls, connects, gateway_requests, liveness
from upgrader.services.openclaw.gateway.handshake import (
    Accepted,
    ClientName,
    Connect,
    Credential,
    challenge_nonce,
    connect_frame,
    parse_answer,
    protocol_of,
)
from upgrader.services.openclaw.logs import signatures
from upgrader.services.openclaw.pairing import pairing_data, pairing_rows, scopes
from upgrader.services.openclaw.places.paths import STATE_DATABASE

_VERSION_QUERY = Query("user_version", "PRAGMA user_version")


class OpenClawKnowledge:
    """Port Knowledge."""

    files: tuple[str, ...] = (
        pairing_data.DEVICE_FILE,
        pairing_data.DEVICE_AUTH_FILE,
        pairing_data.PAIRED_FILE,
        pairing_data.PENDING_FILE,
    )
    database: str = STATE_DATABASE
    store_queries: tuple[Query, ...] = (_VERSION_QUERY, *pairing_rows.STORE_QUERIES)
    credential_queries: tuple[Query, ...] = (_VERSION_QUERY, *pairing_rows.CREDENTIAL_QUERIES)

    def store(self, answers: tuple[Rows, ...], files: Mapping[str, bytes | None]) -> PairingStore:
        """All pairing data; the era is the database's, not the installed release's."""
        if _era(answers) is PairingEra.FILES:
            return pairing_data.parse_files(*(files[name] for name in self.files))
        return pairing_rows.parse_rows(answers, tuple(name for name in self.files if files[name] is not None))

    def credentials(self, answers: tuple[Rows, ...], files: Mapping[str, bytes | None]) -> Credentials | None:
        """What this machine's clients present."""
        if _era(answers) is PairingEra.FILES:
            return pairing_rows.credentials_from_files(files[pairing_data.DEVICE_FILE], files[pairing_data.DEVICE_AUTH_FILE])
        return pairing_rows.credentials_from_rows(answers)

    def rules(self, version: Version) -> PairingRules:
        """The rules of a release."""
        return scopes.rules(version)

    def attempts(
        self, gateway: Gateway, store: PairingStore, credentials: Credentials | None, reach: Reach, now_ms: int
    ) -> tuple[Attempt | Handshake, ...]:
        """The connects to make, in order."""
        shared = connects.SharedAuth(gateway.auth.mode, gateway.port)
        planned = connects.plan(scopes.rules(gateway.version), store, reach, shared)
        return tuple(_attempt(each, gateway, credentials, now_ms) for each in planned)

    def pairing(self, gateway: Gateway, identity: ClientIdentity, wish: PairWish, now_ms: int) -> PairAttempt:
        """A first connect with the shared secret: approved silently on loopback by 2.17, 9.5 and 9.6; 2.22 pairs nobody so."""
        rules = scopes.rules(gateway.version)
        ask = next(each for each in rules.asks if each.kind is wish.kind)
        named = connects.name_of(wish.kind, rules)
        name = ClientName(named.id, named.mode, display_name=wish.display_name)
        kind = Credential.SHARED_PASSWORD if gateway.auth.mode == "password" else Credential.SHARED_TOKEN
        connect = Connect(wish.kind, name, ask.scopes, protocol_of(gateway.version), kind)
        secret = gateway.auth.password if gateway.auth.mode == "password" else gateway.auth.token
        return PairAttempt(_reply(connect, identity, secret, now_ms), _read_pairing)

    def secret_probe(self, gateway: Gateway) -> Attempt:
        """A connect with the gateway's shared secret alone, of which nothing is recorded."""
        connect = connects.shared_secret_alone(scopes.rules(gateway.version), gateway.auth.mode)
        secret = gateway.auth.password if gateway.auth.mode == "password" else gateway.auth.token
        return Attempt(connect.kind, "", _reply(connect, None, secret, 0), _reader(connect.kind))

    def asks_apart(self, version: Version, auth_mode: str) -> bool:
        """See gateway_requests.asks_apart."""
        return gateway_requests.asks_apart(version, auth_mode)

    def turn_attempt(self, gateway: Gateway) -> Attempt:
        """The connect of a turn that is asked for over a connection."""
        connect = gateway_requests.turn_connect(gateway.version, gateway.auth.mode)
        return Attempt(connect.kind, "", _reply(connect, None, _secret(connect, gateway, None), 0), _reader(connect.kind))

    def turn_frame(self, probe: TurnProbe, seconds: float) -> bytes:
        """See gateway_requests.turn_frame."""
        return gateway_requests.turn_frame(probe, seconds)

    def turn_ended(self, probe: TurnProbe, frame: bytes) -> TurnEnded | None:
        """See gateway_requests.turn_ended."""
        return gateway_requests.turn_ended(probe, frame)

    def skills_frame(self) -> bytes:
        """See gateway_requests.skills_frame."""
        return gateway_requests.skills_frame()

    def skills_listed(self, frame: bytes) -> SkillsListed | None:
        """See gateway_requests.skills_listed."""
        return gateway_requests.skills_listed(frame)

    def may_read(self, met: Handshake) -> bool:
        """See gateway_requests.may_read."""
        return gateway_requests.may_read(met)

    def history_frame(self, session: str, word: str) -> bytes:
        """See gateway_requests.history_frame."""
        return gateway_requests.history_frame(session, word)

    def history_holds(self, word: str, frame: bytes) -> bool | None:
        """See gateway_requests.history_holds."""
        return gateway_requests.history_holds(word, frame)

    def call(self, gateway: Gateway, store: PairingStore, reach: Reach) -> CallPlan:
        """The one real call, to this gateway's own port: it may have been started on another than the configured one."""
        plan = calls.plan_call(scopes.rules(gateway.version), store, reach, gateway.auth.mode)
        return replace(plan, environment=(("OPENCLAW_GATEWAY_PORT", str(gateway.port)),))

    def readiness_paths(self, version: Version) -> tuple[str, ...]:
        """What to ask over HTTP."""
        return liveness.paths(version)

    def readiness(self, answers: tuple[tuple[str, HttpReply], ...]) -> tuple[bool, str]:
        """What the answers say."""
        said = liveness.judge(answers)
        return said.ready, said.detail

    def is_greeting(self, frame: bytes) -> bool:
        """Whether a frame is a gateway's challenge."""
        return challenge_nonce(frame) is not None

    def log(self, raw: bytes, window: LogWindow) -> tuple[LogFinding, ...]:
        """Known signatures."""
        return signatures.read_log(raw, window)

    def acts(self, raw: bytes, window: LogWindow) -> tuple[Act, ...]:
        """What was done to pairings on purpose."""
        return signatures.read_acts(raw, window)

    def log_paths(self, configured: Path | None, profile: str, uid: int, days: tuple[date, ...]) -> tuple[Path, ...]:
        """Where the log of these days may lie."""
        return signatures.log_paths(configured, profile, uid, days)

    def redacted(self, text: str) -> str:
        """A sample without anything that could be a secret."""
        return signatures.redacted(text)


def _era(answers: tuple[Rows, ...]) -> PairingEra:
    found = next((a for a in answers if a.name == _VERSION_QUERY.name and a.rows), None)
    value = found.rows[0][0] if found else None
    return era_of_state(value if isinstance(value, int) else None)


def _attempt(planned: connects.Planned, gateway: Gateway, credentials: Credentials | None, now_ms: int) -> Attempt | Handshake:
    if isinstance(planned, connects.NotMade):
        return Handshake(planned.kind.value, HandshakeResult.NOT_TRIED, reason=planned.reason)
    secret = _secret(planned, gateway, credentials)
    identity = credentials.identity if credentials and planned.signs else None
    return Attempt(planned.kind, planned.origin, _reply(planned, identity, secret, now_ms), _reader(planned.kind))


def _secret(connect: Connect, gateway: Gateway, credentials: Credentials | None) -> Secret:
    match connect.credential:
        case Credential.DEVICE_TOKEN:
            return credentials.token("operator") if credentials else Secret("")
        case Credential.SHARED_TOKEN:
            return gateway.auth.token
        case Credential.SHARED_PASSWORD:
            return gateway.auth.password
        case Credential.NONE:
            return Secret("")


def _reply(connect: Connect, identity: ClientIdentity | None, secret: Secret, now_ms: int) -> Callable[[bytes], bytes | None]:
    def reply(frame: bytes) -> bytes | None:
        nonce = challenge_nonce(frame)
        return None if nonce is None else connect_frame(connect, identity, secret, nonce, now_ms)

    return reply


def _reader(kind: ClientKind) -> Callable[[bytes], Handshake | None]:
    def read(frame: bytes) -> Handshake | None:
        answer = parse_answer(frame)
        if answer is None:
            return None
        if isinstance(answer, Accepted):
            return Handshake(kind.value, HandshakeResult.ACCEPTED, scopes=answer.scopes, server_version=answer.server_version)
        return Handshake(kind.value, HandshakeResult.REFUSED, answer.code, signatures.redacted(answer.reason))

    return read


def _read_pairing(frame: bytes) -> PairAnswer | None:
    answer = parse_answer(frame)
    if answer is None:
        return None
    if isinstance(answer, Accepted):
        return PairAnswer(answer.device_token, answer.scopes)
    return PairAnswer(Secret(""), code=answer.code, reason=signatures.redacted(answer.reason))
