"""The machine of these tests."""

from pathlib import Path

import pytest

from tests.discovery.machine import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with a home and a Node and nothing else."""
    return Machine(tmp_path)
