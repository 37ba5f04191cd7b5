"""Stand-in releases on disk, as slots."""

from collections.abc import Callable
from pathlib import Path

from tests.world.release import StandIn
from upgrader.domain.kept.slot import Slot

Candidate = Callable[..., Slot]


def write_release(package: Path, release: StandIn) -> None:
    """The files of a release at `package`, over what is there."""
    for name, data in release.files().items():
        path = package / name.removeprefix("package/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
