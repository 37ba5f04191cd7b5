"""Port MachineProbe: processes, ports, lock files, container and the shell's own environment."""

import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from upgrader.adapters.processes.tcp_ports import listeners_on
from upgrader.domain.diagnosis.scene import ClientSide, ContainerSeen, LockSeen, TokenPlace
from upgrader.domain.installation.discovery import Table
from upgrader.domain.installation.endpoint import Listener
from upgrader.domain.installation.facts import GatewayProcess, Installation
from upgrader.domain.secret import Fingerprint
from upgrader.domain.version import Version

_LOCK_BYTES = 64 * 1024
_MANIFEST = "package.json"
_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))


@dataclass(frozen=True)
class ShellProbe:
    """Over this machine. `environment` is the caller's; `names` the variables of token and bind; `lock_patterns` and
    `lock_owner` know OpenClaw's lock files; `client_state` tells which state and config the shell alone would select."""

    environment: Mapping[str, str]
    table: Table
    token_name: str
    bind_name: str
    lock_patterns: Callable[[int, Path, Path], tuple[tuple[Path, str], ...]]
    lock_owner: Callable[[bytes], int | None]
    client_places: Callable[[], tuple[str, str, str]]
    version_of: Callable[[bytes], Version | None]
    user: str

    def listeners(self, port: int) -> tuple[Listener, ...]:
        """Who listens on the port; empty where the table of sockets is hidden."""
        try:
            return listeners_on(port)
        except (psutil.Error, OSError):
            return ()

    def locks(self, installation: Installation) -> tuple[LockSeen, ...]:
        """The lock files of this state, wherever its release keeps them."""
        found, state = [], installation.state
        for folder, pattern in self.lock_patterns(state.owner_uid, state.path, state.config):
            for path in sorted(folder.glob(pattern)) if folder.is_dir() else ():
                with suppress(OSError), path.open("rb") as file:
                    pid = self.lock_owner(file.read(_LOCK_BYTES))
                    if pid is not None:
                        place = str(path.relative_to(state.path) if path.is_relative_to(state.path) else path)
                        found.append(LockSeen(place, pid, lives(pid)))
        return tuple(found)

    def container(self, installation: Installation) -> ContainerSeen:
        """By the marks container engines leave, by the gateway's mount namespace, and by what is mounted at the state."""
        inside = any(mark.exists() for mark in _MARKS)
        gateway = next((g for g in installation.gateways), None)
        bind = self._environment_of(gateway).get(self.bind_name, "") or self.environment.get(self.bind_name, "")
        return ContainerSeen(
            inside=inside,
            gateway_inside=bool(gateway and gateway.contained),
            bind_override=bind,
            state_is_volatile=inside and _is_of_the_image(installation.state.path),
        )

    def process_tokens(self, installation: Installation) -> tuple[TokenPlace, ...]:
        """What each running gateway was started with."""
        found = []
        for gateway in installation.gateways:
            value = self._environment_of(gateway).get(self.token_name, "")
            if value:
                place = f"environment of process {gateway.identity.pid}"
                found.append(TokenPlace("gateway process", place, Fingerprint.of(value)))
        return tuple(found)

    def client(self, installation: Installation) -> ClientSide:  # noqa: ARG002 - the port's signature
        """The shell's own view: what `openclaw` typed here works on."""
        state, config, profile = self.client_places()
        token = self.environment.get(self.token_name, "")
        root = self._package_on_path()
        return ClientSide(
            state,
            config,
            profile,
            self.user,
            Fingerprint.of(token) if token else None,
            root,
            self.version_of((root / _MANIFEST).read_bytes()) if root else None,
            Path(node).resolve() if (node := shutil.which("node", path=self.environment.get("PATH", ""))) else None,
        )

    def _package_on_path(self) -> Path | None:
        """The package whose command `openclaw` means in this shell."""
        command = shutil.which("openclaw", path=self.environment.get("PATH", ""))
        for folder in Path(command).resolve().parents if command else ():
            with suppress(OSError):
                if self.version_of((folder / _MANIFEST).read_bytes()) is not None:
                    return folder
        return None

    def _environment_of(self, gateway: GatewayProcess | None) -> Mapping[str, str]:
        return self.table.environment_of(gateway.identity) if gateway else {}


def lives(pid: int) -> bool:
    """Whether a process has this pid; a zombie has not."""
    with suppress(psutil.Error):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def _is_of_the_image(path: Path) -> bool:
    """Whether the file system of `path` is a container's own overlay, which ends with it."""
    best = ("", "")
    with suppress(OSError):
        for line in Path("/proc/self/mountinfo").read_text().splitlines():
            fields, _, rest = line.partition(" - ")
            place = fields.split(" ")[4]
            if path.is_relative_to(place) and len(place) >= len(best[0]):
                best = (place, rest.split(" ")[0])
    return best[1] == "overlay"
