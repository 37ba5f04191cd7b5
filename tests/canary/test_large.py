"""A large state through the command line: what is said beforehand, how long it takes, and that memory does not grow with it.

`scripts/canary-large` makes a file system for it and keeps the result; UPGRADER_LARGE_FILES, UPGRADER_LARGE_GB: how large.
"""

import os
import re
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.world.processes import Child, wait_until
from tests.world.world import World

_FILES = int(os.environ.get("UPGRADER_LARGE_FILES", "2000"))
_GB = float(os.environ.get("UPGRADER_LARGE_GB", "0.1"))
_SMALL = 20  # times fewer files, and bytes
_MORE = 1.25  # times the memory that a state twenty times as large may need


def fill(folder: Path, files: int, size: int) -> None:
    """So many small files, a thousand a directory, and a tenth of a percent of them large; of these only the first part is
    written, the rest are holes: that costs the disk little, and is read, hashed and copied all the same."""
    for number in range(files):
        there = folder / f"{number // 1000:03}"
        there.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (there / f"{number}.jsonl").open("wb") as file:
            file.write(os.urandom(2000))
            if number % 1000 == 0:
                file.truncate(1000 * size)


def peak(child: Child) -> int:
    """The most bytes of memory that very process had, read until it ends."""
    most, status = 0, Path(f"/proc/{child.process.pid}/status")

    def ended() -> bool:
        nonlocal most
        with suppress(FileNotFoundError, ProcessLookupError):
            found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
            most = max(most, 1024 * int(found.group(1)) if found else 0)
        return child.process.poll() is not None

    wait_until(ended, "the end of the canary", 3000)
    return most


def tried(world: World) -> tuple[int, float, str]:
    """One canary: its peak of memory, its seconds, and what it said beforehand."""
    began = time.monotonic()
    child = world.begin("canary", "2026.9.6")
    most = peak(child)
    assert child.wait(60) == 0, child.said()
    said = re.search(r"each clone holds.*?a turn \d+ min", " ".join(child.said().split()))
    assert said is not None, child.said()
    return most, time.monotonic() - began, said.group()


@pytest.mark.thorough
@pytest.mark.timeout(3600)
def test_memory_does_not_grow_with_the_state_and_it_is_said_what_it_will_take(world: World) -> None:
    archive, size = world.state / "archive", int(_GB * 1e9 / _FILES)
    fill(archive / "small", _FILES // _SMALL, size)
    few, _, _ = tried(world)
    fill(archive / "large", _FILES - _FILES // _SMALL, size)
    many, seconds, said = tried(world)
    held = re.search(r"holds ([\d.]+) ([MG])B", said)
    assert held is not None, said
    gigabytes = float(held.group(1)) / {"M": 1000, "G": 1}[held.group(2)]
    memory = f"{many / 1e6:.0f} MB at most ({few / 1e6:.0f} MB with a twentieth)"
    print(f"{_FILES} files, {_GB:g} GB: {seconds:.0f} s, {memory}; {said}")
    assert gigabytes >= 0.9 * _GB
    assert many < _MORE * few
    assert not list((world.home / ".local/share/openclaw-upgrader/installations").glob("*/canaries/*"))
