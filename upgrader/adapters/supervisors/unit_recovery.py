"""The unit that ends an interrupted move at the next start of the machine, while the fence keeps the gateway down.

Without it a power cut in the middle of a move would leave the gateway down until somebody types the next command. It has
no start timeout: an undo that is cut off is begun again. Order is no matter: the fence holds the gateway by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from upgrader.adapters.files.durable import make_private, remove_durably, replace_durably, sync_directory

_PREFIX = "upgrader-recover-"
_WANTS = "default.target.wants"


@dataclass(frozen=True)
class RecoveryCommand:
    """What ends an interrupted move: an argument list and the variables it needs to find the same installation."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]


def path_of(unit: Path) -> Path:
    """Where the recovery unit of a gateway's unit lies: beside it."""
    return unit.with_name(f"{_PREFIX}{unit.name}")


def text_of(unit: Path, marker: Path, command: RecoveryCommand) -> bytes:
    """The unit file. It runs only while the marker of the open move lies there."""
    lines = [
        "[Unit]",
        f"Description=Finish or undo an interrupted upgrade of {unit.name}",
        f"ConditionPathExists={str(marker).replace('%', '%%')}",
        "[Service]",
        "Type=oneshot",
        "TimeoutStartSec=infinity",
        *(f"Environment={_word(f'{name}={value}')}" for name, value in sorted(command.environment.items())),
        f"ExecStart={' '.join(_word(word) for word in command.argv)}",
        "[Install]",
        "WantedBy=default.target",
    ]
    return ("\n".join(lines) + "\n").encode()


def put_at(unit: Path, marker: Path, command: RecoveryCommand) -> None:
    """Write and enable it, durable; written again it is the same. Needs a daemon-reload afterwards."""
    path = path_of(unit)
    make_private(path.parent / _WANTS)
    replace_durably(path, text_of(unit, marker, command))
    link = _link(path)
    if not link.is_symlink():
        link.symlink_to(path)
        sync_directory(link.parent)


def remove_at(unit: Path) -> None:
    """Disable and remove it; one that is gone is fine. Needs a daemon-reload afterwards."""
    path = path_of(unit)
    if _link(path).parent.is_dir():
        remove_durably(_link(path))
    remove_durably(path)


def _link(path: Path) -> Path:
    return path.with_name(_WANTS) / path.name


def _word(word: str) -> str:
    """One word as systemd.service(5) quotes it: no specifier, no variable, no escape is left in it."""
    plain = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$").replace("\n", "\\n")
    return f'"{plain}"'
