"""Which supervisor does which step of a move, and what is known of a systemd unit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from upgrader.domain.facts import SupervisorKind
from upgrader.errors import UpgraderError


class Duty(Enum):
    """What a supervisor may have to do around the gateway."""

    RESTARTS = "brings a gateway that ended back by itself"
    FENCE = "can be kept from starting the gateway"
    INSTALL = "has a definition that the release writes"
    REVIVES_AT_BOOT = "starts the gateway at boot"


@dataclass(frozen=True)
class Supervision:
    """One line of the table: the supervisor, what it does, and the words for it."""

    kind: SupervisorKind
    words: str
    duties: frozenset[Duty]


# One line a supervisor; its file in adapters/supervisors does what stands here.
TABLE = (
    Supervision(SupervisorKind.PROCESS, "a plain process", frozenset()),
    Supervision(
        SupervisorKind.SYSTEMD_USER,
        "a systemd user service",
        frozenset({Duty.RESTARTS, Duty.FENCE, Duty.INSTALL, Duty.REVIVES_AT_BOOT}),
    ),
)


def supervision(kind: SupervisorKind) -> Supervision:
    """The line of one supervisor."""
    return next(line for line in TABLE if line.kind is kind)


@dataclass(frozen=True)
class UnitPart:
    """One file a unit is made of: the fragment first, then its drop-ins in systemd's order."""

    path: Path
    text: bytes = field(repr=False)


@dataclass(frozen=True)
class UnitDefinition:
    """What a unit says once its drop-ins are applied.

    `command` is ExecStart, unquoted; `command_from` the file it stands in; `environment` the inline assignments (2.x keeps
    the gateway token here); `environment_files` without their leading `-`; `directory` is WorkingDirectory, None where unset.
    """

    command: tuple[str, ...]
    command_from: Path | None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    environment_files: tuple[Path, ...] = ()
    directory: Path | None = None


@dataclass(frozen=True)
class GatewayCommand:
    """A gateway's command line taken apart: Node, its own options (heap sizes), the script, the package, the port."""

    node: Path
    node_options: tuple[str, ...]
    entry: Path
    package_root: Path
    port: int | None = None


@dataclass(frozen=True)
class InstallAnswer:
    """What `gateway install --json` said: whether it worked, its own word for how, and its reason."""

    worked: bool
    result: str = ""
    reason: str = ""


class FenceFailed(UpgraderError):
    """The gateway could not be kept from being started; nothing may be stopped then."""

    default_code = "fence_failed"


class NotManaged(UpgraderError):
    """The service manager does not answer, or does not know this service as the files describe it."""

    default_code = "service_manager"


class SelfHosted(UpgraderError):
    """This very run lives in the gateway's own service and would be stopped with it."""

    default_code = "self_hosted"
