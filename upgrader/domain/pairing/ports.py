"""The ports of the observation: what reads databases, files, sockets and logs without changing any of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Protocol, TypeVar

from upgrader.domain.installation.facts import AuthFacts
from upgrader.domain.pairing.observation import Act, ClientKind, Handshake, LogFinding, PairingStore, Reach
from upgrader.domain.pairing.rules import PairingRules
from upgrader.domain.secret import Secret
from upgrader.domain.version import Version
from upgrader.errors import UpgraderError

T = TypeVar("T")
Cell = str | int | float | bytes | None


@dataclass(frozen=True)
class Query:
    """One statement that only reads. `name` is how its rows are found again; a table that is missing gives no rows."""

    name: str
    sql: str


@dataclass(frozen=True)
class Rows:
    """The rows of one query. `present` is False where the table does not exist."""

    name: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    present: bool = True


@dataclass(frozen=True)
class ClientIdentity:
    """An Ed25519 device identity: id (sha256 of the raw public key, hex), the raw public key in base64url, the key as PEM."""

    device_id: str
    public_key: str
    private_key: Secret


@dataclass(frozen=True)
class Credentials:
    """What this machine's clients present: their identity and the cached device tokens by role."""

    identity: ClientIdentity
    tokens: tuple[tuple[str, Secret], ...] = ()

    def token(self, role: str) -> Secret:
        """The token of a role, empty where there is none."""
        return next((secret for name, secret in self.tokens if name == role), Secret(""))


@dataclass(frozen=True)
class HttpReply:
    """A small answer over loopback. Status 0: nobody answered."""

    status: int
    body: bytes = b""


@dataclass(frozen=True)
class ServedLog:
    """The end of a log file. `cut` says that older lines were left out."""

    raw: bytes
    cut: bool = False


class DatabaseUnreadable(UpgraderError):
    """A database is there and cannot be read."""

    default_code = "database_unreadable"


class NoAnswer(UpgraderError):
    """Nobody answered on the gateway's port, or not as a gateway does. `code` names the cause."""

    default_code = "gateway_no_answer"


class Databases(Protocol):
    """Reads SQLite files without leaving a trace beside them."""

    def read(self, path: Path, queries: tuple[Query, ...]) -> tuple[Rows, ...]:
        """One consistent read of all queries. An absent file gives Rows that are not present. Raises DatabaseUnreadable."""


class SmallFiles(Protocol):
    """Reads small files of a state directory."""

    def read(self, path: Path) -> bytes | None:
        """The bytes, None where there is no such file. Raises FileUnreadable."""


class FileUnreadable(UpgraderError):
    """A file is there and cannot be read, or is larger than any such file should be."""

    default_code = "file_unreadable"


class Sockets(Protocol):
    """One conversation with a gateway over its WebSocket."""

    def converse(
        self, port: int, reply: Callable[[bytes], bytes | None], read: Callable[[bytes], T | None], origin: str = ""
    ) -> T:
        """Connect over loopback; `reply` turns the gateway's challenge into our frame, `read` finds the answer to it.

        Both get whole frames and return None for a frame that is not theirs. Without a challenge nothing is sent. The
        connection is closed when the answer is there. Raises NoAnswer.
        """

    def ask(
        self, port: int, attempt: "Attempt", question: Callable[[Handshake], bytes | None], answer: Callable[[bytes], T | None]
    ) -> tuple[Handshake, T | None]:
        """Connect as `attempt` says, then ask what `question` makes of the outcome (None: nothing) over the same connection.

        `answer` gets every frame after that and returns None for one that is not its. Raises NoAnswer.
        """

    def greeting(self, port: int) -> bytes:
        """The first frame a gateway sends of its own accord. Raises NoAnswer."""


class Http(Protocol):
    """GET over loopback."""

    def get(self, port: int, path: str) -> HttpReply:
        """The answer; status 0 when nobody answers in time."""


class Logs(Protocol):
    """Reads the end of log files."""

    def tail(self, path: Path) -> ServedLog:
        """The end of the file, nothing where it is absent or unreadable."""


class Identities(Protocol):
    """Makes identities."""

    def fresh(self) -> ClientIdentity:
        """A new Ed25519 identity."""


@dataclass(frozen=True)
class LogWindow:
    """Which lines count: those at or after `since`, of process `pid` where a line names one."""

    since: datetime
    pid: int | None = None


@dataclass(frozen=True)
class Attempt:
    """A connect to be made: what to answer to the challenge, and how to read the outcome. Both hold secrets."""

    kind: ClientKind
    origin: str
    reply: Callable[[bytes], bytes | None]
    read: Callable[[bytes], Handshake | None]


@dataclass(frozen=True)
class PairAttempt:
    """A connect by which a new client pairs itself; `read` gives the device token it was handed, or the refusal."""

    reply: Callable[[bytes], bytes | None]
    read: Callable[[bytes], "PairAnswer | None"]


@dataclass(frozen=True)
class PairAnswer:
    """What came of pairing: the device token and its scopes, or code and reason of the refusal."""

    token: Secret
    scopes: tuple[str, ...] = ()
    code: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Gateway:
    """The gateway to talk to: its release, port and own authentication."""

    version: Version
    port: int
    auth: AuthFacts


@dataclass(frozen=True)
class CallPlan:
    """One real `openclaw` call, or why none is made: then `arguments` is empty. `environment` goes on top of the caller's."""

    arguments: tuple[str, ...]
    reason: str = ""
    environment: tuple[tuple[str, str], ...] = ()


class Knowledge(Protocol):
    """What is known of OpenClaw that an observation needs: pure functions (services/openclaw/knowledge.py)."""

    files: tuple[str, ...]
    database: str
    store_queries: tuple[Query, ...]
    credential_queries: tuple[Query, ...]

    def store(self, answers: tuple[Rows, ...], files: Mapping[str, bytes | None]) -> PairingStore:
        """All pairing data out of the rows and the files of either era."""

    def credentials(self, answers: tuple[Rows, ...], files: Mapping[str, bytes | None]) -> Credentials | None:
        """What this machine's clients present, None without an identity."""

    def rules(self, version: Version) -> PairingRules:
        """The rules of a release."""

    def attempts(
        self, gateway: Gateway, store: PairingStore, credentials: Credentials | None, reach: Reach, now_ms: int
    ) -> tuple[Attempt | Handshake, ...]:
        """The connects to make; a Handshake says that and why one is not made."""

    def pairing(self, gateway: Gateway, identity: ClientIdentity, wish: "PairWish", now_ms: int) -> PairAttempt:
        """How a new client of this kind pairs itself."""

    def call(self, gateway: Gateway, store: PairingStore, reach: Reach) -> CallPlan:
        """The one real call of an observation."""

    def may_read(self, met: Handshake) -> bool:
        """Whether a connect was accepted with the right to read what was said."""

    def history_frame(self, session: str, word: str) -> bytes:
        """The request for what was said last in a session."""

    def history_holds(self, word: str, frame: bytes) -> bool | None:
        """Whether the answer to it holds the word; None for any other frame."""

    def readiness_paths(self, version: Version) -> tuple[str, ...]:
        """What to ask over HTTP; empty where only a WebSocket tells."""

    def readiness(self, answers: tuple[tuple[str, HttpReply], ...]) -> tuple[bool, str]:
        """(ready, what it said)."""

    def is_greeting(self, frame: bytes) -> bool:
        """Whether a frame is a gateway's challenge."""

    def log(self, raw: bytes, window: LogWindow) -> tuple[LogFinding, ...]:
        """Known signatures."""

    def acts(self, raw: bytes, window: LogWindow) -> tuple[Act, ...]:
        """What was done to pairings on purpose."""

    def log_paths(self, configured: Path | None, profile: str, uid: int, days: tuple[date, ...]) -> tuple[Path, ...]:
        """Where the log of these days may lie."""

    def redacted(self, text: str) -> str:
        """A sample without anything that could be a secret."""


@dataclass(frozen=True)
class PairWish:
    """How a new client names itself: its kind and the name it shows."""

    kind: ClientKind
    display_name: str
