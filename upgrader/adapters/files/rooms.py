"""Port Rooms: free space by statvfs."""

from pathlib import Path

from upgrader.adapters.files.disk import free_bytes, nearest
from upgrader.domain.plan.facts import Use, Volume


class DiskRooms:
    """The file systems of the state and of our data directory."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def volumes(self, state: Path) -> tuple[Volume, ...]:
        """Free bytes for an unprivileged writer, one entry for each file system; one that cannot be read is left out.

        The copies beside the state lie in its parent directory: where the state itself is a mount point, that counts.
        """
        found: dict[int, Volume] = {}
        for use, place in ((Use.STATE, state.parent), (Use.DATA, self._data)):
            try:
                device = nearest(place).stat().st_dev
                free = free_bytes(place)
            except OSError:
                continue
            known = found.get(device)
            if known is None:
                found[device] = Volume(f"the file system of {place}", (use,), free)
            else:
                found[device] = Volume(known.name, (*known.uses, use), known.free_bytes)
        return tuple(found.values())
