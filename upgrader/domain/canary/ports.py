"""What a canary needs from outside: clones, kept proofs, looks at pairing, turns, and what is known of OpenClaw. The place it
runs in is a port too: `enclosure`.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from upgrader.domain.canary.clone import Clone, ClonePlan, CloneWish
from upgrader.domain.canary.contents import Contents, SkillsListed
from upgrader.domain.canary.course import PairingSeen, Readiness, Word
from upgrader.domain.canary.enclosure import Place, Site
from upgrader.domain.canary.report import CanaryReport, CanaryRequest, Seal
from upgrader.domain.canary.turns import TurnEnded, TurnKind, TurnProbe
from upgrader.domain.check import Judgement
from upgrader.domain.installation.facts import AuthFacts
from upgrader.domain.kept.slot import Slot
from upgrader.domain.moves.doctor import DoctorCall
from upgrader.domain.pairing.observation import LogFinding
from upgrader.domain.pairing.ports import Gateway
from upgrader.domain.version import Version


class Canaries(Protocol):
    """Runs a candidate on a clone."""

    def run(self, request: CanaryRequest) -> CanaryReport:
        """The whole course on a clone of the request's snapshot, with a control run when it fails. Leaves nothing running."""


class Clones(Protocol):
    """Makes and removes clones."""

    def directory(self) -> AbstractContextManager[Path]:
        """A fresh private directory; removed at the end, or by the next run when this process dies."""

    def sweep(self) -> tuple[Path, ...]:
        """Remove what dead runs left, processes first."""

    def make(self, tree: Path, state: Path, plan: ClonePlan, config_name: str, source: Mapping[str, object]) -> Clone:
        """Copy, edit, compare. Nothing is written into `tree`."""

    def blank(self, config_name: str, data: bytes) -> AbstractContextManager[Path]:
        """A tree that holds nothing but this configuration: an empty profile. Removed like `directory`."""

    def schema(self, state: Path) -> int | None:
        """The schema of a state directory's database, None where there is none."""

    def contents(self, state: Path, config_name: str, package: Path) -> Contents:
        """What the state holds now, and the package that runs on it brings along, by names and counts."""

    def mentions(self, state: Path, words: tuple[str, ...], since: float) -> frozenset[str]:
        """Which of these words lie in files of the state that changed since that moment (epoch seconds)."""


class Proofs(Protocol):
    """Reports that were kept, each with what it was about."""

    def find(self, request: CanaryRequest, seal: Seal) -> CanaryReport | None:
        """The kept report of the same two slots on the same state, sealed alike; None when anything differs."""

    def about(self, request: CanaryRequest) -> str:
        """A digest of all that a report of this request is about, as it is now."""

    def keep(self, request: CanaryRequest, report: CanaryReport) -> None:
        """Keep a report; the newest of a candidate replaces the one before."""

    def forget(self, request: CanaryRequest) -> None:
        """Keep none of this candidate."""


class PairingProbe(Protocol):
    """Looks at pairing on a clone: the store before and after, and handshakes over the place's own loopback."""

    def broken(self, request: CanaryRequest) -> tuple[Judgement, ...]:
        """What of the snapshot's pairing the present release itself refuses, by its own rules; nothing is started."""

    def before(self, request: CanaryRequest, site: Site) -> None:
        """Remember the store as it is before the release touches it."""

    def judge(self, request: CanaryRequest, slot: Slot, site: Site, place: Place, port: int, word: Word | None) -> PairingSeen:
        """With the gateway ready: compare the store, try the handshakes of every kind of client, judge.

        Each accepted connect is asked for `word`, where one was said: only this clone's gateway has heard it.
        """


class TurnAsker(Protocol):
    """Asks for an agent's turn over a connection of ours, where that is the very same as by OpenClaw's command line."""

    def gateway(self, request: CanaryRequest, slot: Slot, site: Site, port: int) -> Gateway | None:
        """The gateway to ask, None where the command line has to be used: there its connect is recorded."""

    def ask(self, place: Place, gateway: Gateway, probe: TurnProbe, limit: timedelta) -> TurnEnded:
        """The turn, to its end."""

    def skills(self, place: Place, gateway: Gateway) -> SkillsListed:
        """The skills that the gateway lists."""


class Lore(Protocol):
    """What is known of OpenClaw that a course needs: pure functions (services/openclaw/canary/lore.py)."""

    def clone_plan(self, config: Mapping[str, object], wish: CloneWish) -> ClonePlan:
        """Everything that is changed in a clone."""

    def environment(
        self, slot: Slot, home: Path, state: Path, temporary: Path, config_name: str, profile: str
    ) -> dict[str, str]:
        """All a candidate sees of an environment."""

    INERT_NAME: str  # a variable that references to what is not there are made to name

    def auth_environment(self, config: Mapping[str, object], auth: AuthFacts) -> dict[str, str]:
        """The gateway's own secrets as variables, where its configuration does not hold them itself."""

    def secret_texts(self, value: object) -> tuple[str, ...]:
        """Every text of a configuration that may be a secret, by its name."""

    def code_paths(self, config: Mapping[str, object], home: Path) -> tuple[Path, ...]:
        """Where a person's own plugins and skills lie that the configuration names."""

    def command(self, slot: Slot, *arguments: str) -> tuple[str, ...]:
        """An OpenClaw command of a slot."""

    def doctor_call(self, present: Version, target: Version) -> DoctorCall | None:
        """The doctor call of a move."""

    def readiness(self, version: Version) -> Readiness:
        """How a release tells that it is ready."""

    def is_ready(self, path: str, status: int, body: bytes) -> bool:
        """Whether an HTTP answer says ready."""

    def is_greeting(self, message: bytes) -> bool:
        """Whether a WebSocket's first message is a gateway's."""

    def turn_probe(self, kind: TurnKind, nonce: str, config: Mapping[str, object], version: Version) -> TurnProbe:
        """The turn to run."""

    def turn_arguments(self, probe: TurnProbe) -> tuple[str, ...]:
        """The command of a turn."""

    def not_applicable(self, kind: TurnKind, config: Mapping[str, object], version: Version) -> str:
        """Why the user's policy forbids a turn; empty when it does not."""

    def answer_status(self, result: str) -> tuple[str, str]:
        """(status, error) of a tool's answer."""

    def holds_answer(self, result: str, probe: TurnProbe) -> bool:
        """Whether a tool's answer brings what the other agent said."""

    def returns_answers(self, version: Version) -> bool:
        """Whether this release tells a sub-agent's answer to the agent that spawned it."""

    def reason_first(self, said: str) -> str:
        """What a command said without what it adds about where it looked for its gateway: that hides the reason."""

    def ran_embedded(self, said: str) -> bool:
        """Whether a turn's command gave up on the gateway."""

    def is_no_room(self, said: str) -> bool:
        """Whether something failed because a disk was full."""

    def is_passing(self, said: str) -> bool:
        """Whether a turn failed by what is over a moment later, by the release's own word."""

    def terminal_arguments(self, nonce: str, config: Mapping[str, object]) -> tuple[str, ...]:
        """The command of the terminal client, in a session of its own: an older one shows what was said before."""

    def terminal_patterns(self, version: Version) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What the terminal client shows when it was answered, and when it was refused."""

    def main_session(self, agent: str, config: Mapping[str, object]) -> str:
        """The session that a turn of this agent goes to."""

    def reason(self, why: str) -> str:
        """What two failures have in common when they are the same one: known words, else the text without what varies."""

    def fresh_config(self, token: str) -> bytes:
        """The configuration of an empty profile with that gateway token."""

    def listening_since(self, raw: bytes, since: datetime) -> datetime | None:
        """When a gateway first listened after that moment, by its log."""

    def log_findings(self, data: bytes) -> tuple[LogFinding, ...]:
        """Known signatures in a gateway's log."""
