"""The place a canary runs in, as the operation sees it."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from upgrader.domain.canary.report import Seal
from upgrader.domain.canary.turns import ModelEvent
from upgrader.domain.ports import Command, Ran
from upgrader.errors import Inconclusive


class PlaceLost(Inconclusive):
    """The hand inside the canary's place is gone: nothing can be said of the release."""

    default_code = "canary_place_lost"
    default_hint = "run the canary again"


class SealRefused(PlaceLost):
    """The kernel of this machine refused a step of the sealing; nothing else means that it cannot be had."""

    default_code = "canary_seal_refused"


NO_BUS, NO_RUNTIME = "no-bus", "no-runtime"  # below the temporary directory of a place


@dataclass(frozen=True)
class Show:
    """One path inside a sealed place: what lies at `source` outside appears at `target`."""

    source: Path
    target: Path
    writable: bool = False


@dataclass(frozen=True)
class Site:
    """Where a clone lies on disk and where a candidate sees it.

    `root` holds everything of this canary, 0700. `state`, `home`, `temporary` and `notes` lie below it; the `shown_`
    paths are what a candidate sees: in a sealed place the real ones of the installation, else those on disk. `notes` is
    the same path on both sides (logs). `guarded` are live paths nothing of a canary may write to;
    `openclaw` starts the command line of the slot; `alias` is another name of the state, a link to it where there are walls.
    `own_files` (of probes) and `own_code` (plugins, directories too) are a person's own, shown read-only where they are there.
    """

    root: Path
    state: Path
    home: Path
    temporary: Path
    notes: Path
    shown_state: Path
    shown_home: Path
    shown_temporary: Path
    shows: tuple[Show, ...] = ()
    own_files: tuple[Path, ...] = ()
    own_code: tuple[Path, ...] = ()
    guarded: tuple[Path, ...] = ()
    openclaw: tuple[str, ...] = ()
    alias: Path | None = None

    @property
    def commands(self) -> Path:
        """A directory with the command `openclaw` of this slot, for whoever works here by hand."""
        return self.root / "commands"

    @property
    def traps(self) -> tuple[Path, ...]:
        """Where a service manager would listen for whoever goes by the environment; nobody serves there."""
        runtime = self.shown_temporary / NO_RUNTIME
        return (self.shown_temporary / NO_BUS, runtime / "bus", runtime / "systemd" / "private")


@dataclass(frozen=True)
class HttpAnswer:
    """A small answer over loopback. Status 0: nobody answered."""

    status: int
    body: bytes


@dataclass(frozen=True)
class Screen:
    """What a program on a pseudo-terminal showed: index of the pattern that came first or None, and the end of the text."""

    matched: int | None
    ended: bool
    shown: str


@dataclass(frozen=True)
class Outside:
    """What was seen of the world: network interfaces of the place, calls outward (`TCP 192.0.2.1:443`, `DNS example.org`),
    who reached for a service manager, and files written at live paths. Sealed, all of it was refused or led nowhere."""

    interfaces: tuple[str, ...]
    calls: tuple[str, ...] = ()
    managers: tuple[str, ...] = ()
    written: tuple[str, ...] = ()


class Model(Protocol):
    """The stand-in model of one place."""

    token: str

    @property
    def base_url(self) -> str:
        """The provider address to configure."""

    @property
    def alive(self) -> bool:
        """Whether it still answers."""

    def events(self, nonce: str = "") -> tuple[ModelEvent, ...]:
        """What it saw, oldest first; of one probe when the nonce is given."""


class Place(Protocol):
    """A running place: children, loopback and a stand-in model of its own."""

    seal: Seal
    model: Model

    def run(self, command: Command) -> Ran:
        """Run a command inside to its end. Raises CommandTimedOut, CommandMissing, PlaceLost."""

    def start(self, command: Command, log: Path) -> int:
        """Start a child inside, output to `log`; returns its number. Raises CommandMissing, PlaceLost."""

    def exit_code(self, child: int) -> int | None:
        """How a child ended, None while it runs."""

    def end(self, child: int, grace: timedelta) -> int:
        """TERM, wait, KILL its group; the exit code."""

    def memory(self) -> int:
        """Bytes of memory of all that runs here now (proportional set size, else resident)."""

    def fetch(self, port: int, path: str) -> HttpAnswer:
        """GET over the place's own loopback; a refusal is status 0."""

    def greeting(self, port: int) -> bytes:
        """The first message a WebSocket server sends by itself; empty when nothing came."""

    def on_terminal(self, command: Command, patterns: tuple[str, ...]) -> Screen:
        """Run a program on a pseudo-terminal until a pattern (regular expression, any case) shows or time is over."""

    def outside(self) -> Outside:
        """What was seen of the world so far."""


class Places(Protocol):
    """Makes places. Which kind this machine permits is found by trying."""

    def seal(self) -> Seal:
        """What can be had here; tried once. `why_unsealed` tells the reason."""

    def why_unsealed(self) -> str:
        """The step that the kernel refused, empty when it sealed."""

    def open(self, site: Site) -> AbstractContextManager[Place]:
        """Open the place for a site; everything in it has ended when the block ends, also when this process dies.

        Raises PlaceLost.
        """
