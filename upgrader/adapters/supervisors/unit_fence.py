"""The fence: a drop-in that keeps a unit from starting, by anybody and after a reboot, while a marker file lies there.

Tried with systemd 252: it survives daemon-reload, daemon-reexec and the death of the gateway (Restart=always gives up);
`systemctl start` behind it ends with 0 and starts nothing. With the marker gone the drop-in is without effect, so losing
the folder of a transaction cannot keep a gateway down for ever.
"""

import re
from contextlib import suppress
from pathlib import Path

from upgrader.adapters.files.durable import make_private, remove_durably, replace_durably, sync_directory

NAME = "90-upgrader-fence.conf"
_CONDITION = re.compile(r"^ConditionPathExists=!(.+)$", re.MULTILINE)


def fence_text(marker: Path) -> bytes:
    """The drop-in. Raises ValueError for a path that no unit line can hold."""
    if re.search(r"[\r\n]", str(marker)) or str(marker) != str(marker).strip():
        raise ValueError("the marker's path cannot stand in a unit file")
    return (
        "# An upgrade of this service is under way; `upgrader status` finishes it.\n"
        f"[Unit]\nConditionPathExists=!{str(marker).replace('%', '%%')}\n"
    ).encode()


def marker_of(text: bytes) -> Path | None:
    """Which marker a drop-in of ours names."""
    match = _CONDITION.search(text.decode(errors="replace"))
    return Path(match.group(1).replace("%%", "%")) if match else None


def fence_path(unit: Path) -> Path:
    """Where the drop-in of a unit lies."""
    return unit.with_name(unit.name + ".d") / NAME


def raise_at(unit: Path, marker: Path) -> None:
    """Write marker and drop-in, durable, in that order; written again it is the same. Needs a daemon-reload afterwards."""
    replace_durably(marker, b"")
    drop_in = fence_path(unit)
    make_private(drop_in.parent)
    replace_durably(drop_in, fence_text(marker))


def lower_at(unit: Path) -> None:
    """Remove the drop-in, then its marker, then the folder if nothing else is in it. Needs a daemon-reload afterwards."""
    drop_in = fence_path(unit)
    try:
        marker = marker_of(drop_in.read_bytes())
    except FileNotFoundError:
        return
    remove_durably(drop_in)
    if marker is not None and marker.parent.is_dir():
        remove_durably(marker)
    with suppress(OSError):  # other drop-ins are the user's
        drop_in.parent.rmdir()
        sync_directory(drop_in.parent.parent)


def is_up(unit: Path) -> bool:
    """Whether drop-in and marker are both there."""
    try:
        marker = marker_of(fence_path(unit).read_bytes())
    except FileNotFoundError:
        return False
    return marker is not None and marker.exists()
