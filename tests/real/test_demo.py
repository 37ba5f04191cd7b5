"""The demo, whole: each way of breaking a pairing is noticed, undone and proven, and nothing is left behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from upgrader.domain.demo import Fault

pytestmark = [pytest.mark.real, pytest.mark.timeout(3600)]


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.value)
def test_a_broken_pairing_is_undone_and_every_proof_holds(fault: Fault, tmp_path: Path) -> None:
    directory, out = tmp_path / "demo", tmp_path / "out.json"
    locks = Path(f"/tmp/openclaw-state-locks-{os.geteuid()}")
    before = set(locks.iterdir()) if locks.is_dir() else set()
    with out.open("wb") as file:
        argv = (sys.executable, "-m", "upgrader", "--json", "demo", str(directory), "--fault", fault.value)
        ended = subprocess.run(argv, stdout=file, stderr=subprocess.DEVNULL, timeout=3000, check=False)
    told = json.loads(out.read_text())
    assert ended.returncode == 0, told["errors"]
    assert [each["what"] for each in told["data"]["proofs"] if not each["held"]] == []
    assert len(told["data"]["proofs"]) >= 6
    assert not directory.exists()
    assert (set(locks.iterdir()) if locks.is_dir() else set()) <= before
