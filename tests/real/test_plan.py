"""The plan against the real registry, through the real command line; no OpenClaw is started."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.discovery.machine import Machine
from tests.world.node import NodeHome
from upgrader.adapters.table.reading import load

pytestmark = pytest.mark.real

REACHING = ("npm_config_", "http_proxy", "https_proxy", "no_proxy", "node_extra_ca", "ssl_cert", "requests_ca")
RECORDED: dict[str, Any] = json.loads((Path(__file__).parents[1] / "policy/recorded_releases.json").read_text())


@pytest.fixture
def plan(tmp_path: Path, node_home: NodeHome) -> Any:
    """Runs `upgrader --json plan …` for a stopped 2026.9.5 on the Node and the npm of the tests."""
    machine = Machine(tmp_path)
    machine.install("2026.9.5")
    machine.make_state()
    passed = {name: value for name, value in os.environ.items() if name.lower().startswith(REACHING)}
    environment = {**passed, **machine.environment, "PATH": f"{node_home.bin}:/usr/bin:/bin"}

    def run(*words: str) -> Any:
        argv = (sys.executable, "-m", "upgrader", "--json", "--prefix", str(tmp_path / "prefix"), "plan", *words)
        ended = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert ended.stdout, ended.stderr
        return json.loads(ended.stdout)

    return run


def test_every_published_stable_release_of_the_recorded_ones_is_there_and_known(plan: Any) -> None:
    rows = {row["version"]: row for row in plan("--all")["data"]["rows"]}
    known = {str(entry.version) for entry in load().entries}
    assert len(set(RECORDED) & set(rows)) > len(RECORDED) * 0.9  # a mirror may lack some
    assert {version for version in rows if version in RECORDED} <= known
    assert rows["2026.2.19"]["blocks"][0] == "known_bad"


def test_the_registrys_own_words_reach_the_plan(plan: Any) -> None:
    release = plan("2026.9.6")["data"]["plan"]["release"]
    assert release["engines"] == RECORDED["2026.9.6"]["node"]
    assert (release["state_schema"], release["agent_schema"]) == (18, 23)
    assert release["integrity"].startswith("sha512-")
