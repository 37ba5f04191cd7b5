"""OpenClaw's locks and its port are held, not borrowed: from the dead only, in folders of our own, against everybody."""

import json
import os
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.policy.facts import installation
from tests.world.world import free_port
from upgrader.adapters.clock import SystemClock
from upgrader.adapters.moves.holds import GatewayLeft, OwnershipHolds
from upgrader.adapters.processes import proc_files
from upgrader.domain.installation.facts import Installation
from upgrader.services.openclaw.places import locks
from upgrader.services.openclaw.places.locks import LockFile, Ownership


@dataclass(frozen=True)
class Place:
    """Locks in a folder of the test, and a free port."""

    folder: Path
    port: int

    @property
    def coordinator(self) -> Path:
        return self.folder / "gateway-lifecycle.sqlite"

    @property
    def lock(self) -> Path:
        return self.folder / "gateway.lock"

    def holds(self) -> OwnershipHolds:
        def ownership(_found: Installation, pid: int, ticks: int, _created: str) -> Ownership:
            payload = json.dumps({"pid": pid, "startTime": ticks}).encode()
            return Ownership((self.coordinator,), (LockFile(self.lock, payload),), self.port)

        return OwnershipHolds(ownership, locks.owner_of, SystemClock())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "locks", free_port())


@pytest.fixture
def other() -> Iterator[int]:
    """A living process that is not ours."""
    child = subprocess.Popen(("sleep", "60"))
    yield child.pid
    child.kill()
    child.wait()


def test_while_held_nobody_locks_owns_or_listens_and_afterwards_nothing_is_left(place: Place) -> None:
    with place.holds().held(installation()):
        assert json.loads(place.lock.read_bytes())["pid"] == os.getpid()
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            sqlite3.connect(place.coordinator, timeout=0, isolation_level=None).execute("BEGIN EXCLUSIVE")
        with socket.socket() as intruder:
            intruder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Node does
            with pytest.raises(OSError, match="in use"):
                intruder.bind(("127.0.0.1", place.port))
    assert [path.name for path in place.folder.iterdir()] == [place.coordinator.name]


def test_a_lock_file_is_taken_from_the_dead_and_not_from_the_living(place: Place, other: int) -> None:
    place.folder.mkdir(mode=0o700)
    ticks = proc_files.start_ticks(other)
    assert ticks is not None
    for started in (ticks, None):
        place.lock.write_text(owner := json.dumps({"pid": other, "startTime": started}))
        with pytest.raises(GatewayLeft, match="owns this state"), place.holds().held(installation()):
            pass
        assert place.lock.read_text() == owner
    for dead in ({"pid": other, "startTime": ticks - 1}, {"nonsense": 1}):
        place.lock.write_text(json.dumps(dead))
        with place.holds().held(installation()):
            assert json.loads(place.lock.read_bytes())["pid"] == os.getpid()


def test_a_lock_that_is_no_database_is_an_error_of_ours_with_its_place(place: Place) -> None:
    place.folder.mkdir(mode=0o700)
    place.coordinator.write_bytes(b"no database at all" * 100)
    with pytest.raises(GatewayLeft) as caught, place.holds().held(installation()):
        pass
    assert (caught.value.code, str(place.coordinator) in caught.value.why) == ("lock_unusable", True)


def test_what_fails_inside_is_told_as_what_it_is(place: Place) -> None:
    with pytest.raises(sqlite3.OperationalError, match="something else"), place.holds().held(installation()):
        raise sqlite3.OperationalError("something else")


def test_a_folder_that_somebody_else_made_is_not_written_into(place: Place, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    place.folder.symlink_to(tmp_path / "theirs")
    with pytest.raises(GatewayLeft) as caught, place.holds().held(installation()):
        pass
    assert (caught.value.code, list((tmp_path / "theirs").iterdir())) == ("lock_folder", [])


def test_a_name_laid_for_us_in_the_folder_is_not_followed(place: Place, tmp_path: Path) -> None:
    place.folder.mkdir(mode=0o700)
    precious = tmp_path / "precious"
    precious.write_text("kept")
    place.lock.with_name(f"{place.lock.name}.{os.getpid()}").symlink_to(precious)
    with replace(place).holds().held(installation()):
        pass
    assert precious.read_text() == "kept"
