"""A person's own probes: what they get, what their exit codes mean, and how they are named in canary.toml."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.canary.bench import Bench, judged
from tests.canary.releases import Candidate
from tests.world.world import World
from upgrader.adapters.decisions.canary_toml import CanarySettingsInvalid, read_canary_settings
from upgrader.domain.canary.course import Budgets
from upgrader.domain.canary.own_probes import OwnProbe
from upgrader.domain.canary.report import Seal
from upgrader.domain.check import Need, Verdict


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


ASKS = 'openclaw agent --agent main --message "hello $UPGRADER_CANARY_WORD"'


@pytest.mark.parametrize("seal", [Seal.SEALED, Seal.UNSEALED], ids=["sealed", "unsealed"])
def test_own_probes_speak_with_the_canary_and_the_required_ones_decide(
    world: World, candidate: Candidate, tmp_path: Path, seal: Seal
) -> None:
    bench = Bench(world, tmp_path / "bench", seal)
    if bench.places().seal() is not seal:
        pytest.skip("this machine permits no namespaces")
    asks = script(tmp_path / "own" / "asks", f"{ASKS} && echo at $UPGRADER_CANARY_URL")
    bench.probes = (
        OwnProbe("asks", (str(asks),), Need.REQUIRED),
        OwnProbe("dislikes", (str(script(tmp_path / "own" / "dislikes", "echo not good; exit 1")),)),
        OwnProbe("undecided", (str(script(tmp_path / "own" / "undecided", "exit 75")),)),
        OwnProbe("mute", (str(script(tmp_path / "own" / "mute", "exit 0")),)),
        OwnProbe("scripted", ("/bin/sh", str(script(tmp_path / "own" / "scripted", "exit 0")))),
        OwnProbe("absent", ("/srv/nowhere/probe",)),
        OwnProbe("hangs", (str(script(tmp_path / "own" / "hangs", "sleep 60")),), limit=timedelta(seconds=1)),
    )
    report = bench.run(candidate())
    assert report.verdict is Verdict.PASS
    said = {name: judged(report, f"own.{name}").verdict for name in (p.name for p in bench.probes)}
    assert said == {
        "asks": Verdict.PASS,
        "dislikes": Verdict.FAIL,
        "undecided": Verdict.INCONCLUSIVE,
        "mute": Verdict.PASS if seal is Seal.SEALED else Verdict.INCONCLUSIVE,  # another gateway could be reached there
        "scripted": Verdict.PASS if seal is Seal.SEALED else Verdict.INCONCLUSIVE,
        "absent": Verdict.INCONCLUSIVE,
        "hangs": Verdict.INCONCLUSIVE,
    }
    assert "hello from the stand-in model" in judged(report, "own.asks").why
    assert (f":{world.port}" in judged(report, "own.asks").why) is (seal is Seal.SEALED)


def test_settings_name_probes_and_budgets(tmp_path: Path) -> None:
    script(tmp_path / "probes" / "calendar", "true")
    script(tmp_path / "probes" / "other", "true")
    (tmp_path / "probes" / "notes.txt").write_text("no program")
    (tmp_path / "canary.toml").write_text(
        """required = ["calendar"]
[budgets]
doctor = 1800
[[probe]]
name = "mail"
command = ["/usr/bin/true", "-x"]
need = "required"
seconds = 5
"""
    )
    found = read_canary_settings(tmp_path)
    assert [(p.name, p.need) for p in found.probes] == [
        ("mail", Need.REQUIRED),
        ("calendar", Need.REQUIRED),
        ("other", Need.WANTED),
    ]
    budgets = Budgets.for_state(0).wished(found.budgets)
    assert (budgets.doctor, budgets.ready) == (timedelta(minutes=30), Budgets.for_state(0).ready)
    assert read_canary_settings(tmp_path / "none").probes == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense = 1", "nonsense"),
        ("[budgets]\ndoctor = -1", "budgets.doctor"),
        ('required = ["gone"]', "gone: is required"),
        ('[[probe]]\nname = "a"\ncommand = ["relative"]', "absolute path"),
        ("= 3", "line 1"),
    ],
)
def test_settings_that_cannot_be_used_say_where_and_why(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "canary.toml").write_text(text)
    with pytest.raises(CanarySettingsInvalid) as raised:
        read_canary_settings(tmp_path)
    assert said in raised.value.why
