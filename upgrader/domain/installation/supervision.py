"""What is known of a systemd unit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from upgrader.errors import UpgraderError


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
