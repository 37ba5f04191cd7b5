"""What the process table shows of OpenClaw: facts of single processes, and who holds a state directory."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from upgrader.domain.installation.facts import GatewayProcess, ProcessIdentity
from upgrader.errors import UpgraderError


class Role(Enum):
    """What a process is to OpenClaw: a gateway, one that was told to become a gateway and owns nothing yet, another program
    of OpenClaw (command line, node host, worker), or neither."""

    GATEWAY = "gateway"
    STARTING = "starting"
    OPENCLAW = "openclaw"
    STRANGER = "stranger"


@dataclass(frozen=True)
class ProcessSeen:
    """One process as the kernel shows it. A title may have overwritten `argv`; `environment` is that of its start.

    `environment` holds only the names asked for; `open_files` are paths of regular files, `mapped` the native modules of Node
    packages in memory; `locks` the contents of those open files that are lock files of OpenClaw; `ports` the TCP ports it
    listens on. `contained` when its mount namespace is not ours.
    """

    identity: ProcessIdentity
    uid: int
    parent: int
    argv: tuple[str, ...]
    executable: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    open_files: tuple[Path, ...] = ()
    mapped: tuple[Path, ...] = ()
    locks: tuple[bytes, ...] = field(default=(), repr=False)
    ports: tuple[int, ...] = ()
    directory: Path | None = None
    unit: str = ""
    contained: bool = False


@dataclass(frozen=True)
class Reading:
    """What one process is judged to be: its role, the state directory it works on, and where its package may lie."""

    role: Role
    state: Path | None = None
    packages: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Holder:
    """A process that is no gateway but has to do with a state: a program of OpenClaw, or one with files open in it.

    `what` is the program's name, never its arguments; `writes` whether it has a file of the state open.
    """

    identity: ProcessIdentity
    uid: int
    what: str
    role: Role
    writes: bool = False


@dataclass(frozen=True)
class Census:
    """Everybody on one state. `unreadable` counts processes of other users whose files and environment are hidden from us.

    `suspects` are those among the hidden that call themselves OpenClaw. `siblings` are gateways on other states.
    """

    gateways: tuple[GatewayProcess, ...] = ()
    holders: tuple[Holder, ...] = ()
    unreadable: int = 0
    suspects: tuple[ProcessIdentity, ...] = ()
    siblings: tuple[GatewayProcess, ...] = ()


class ProcessesHidden(UpgraderError):
    """The process table cannot be read."""

    default_code = "processes_hidden"
