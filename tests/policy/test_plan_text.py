"""A plan reads well: the answer first, no line too long, every block with its way out."""

from dataclasses import replace

import pytest
from rich.console import Console

from tests.policy.facts import PRESENT, TARGET, candidate, entry, facts, installation, table, with_installation, with_state
from upgrader.domain.plan.decision import PlanData
from upgrader.domain.plan.facts import PlanFacts, ReturnPoint, Use, Volume
from upgrader.domain.plan.policy import advise
from upgrader.domain.table.evidence import Fix, Table, Truth, Verdict
from upgrader.domain.version import Version
from upgrader.report.plan_text import render_plan

WIDTHS = (60, 80, 120, 200)


def text(data: PlanData, width: int = 100) -> str:
    console = Console(width=width, highlight=False, color_system=None, force_terminal=False)
    with console.capture() as captured:
        console.print(render_plan(data))
    return captured.get()


def mended() -> Table:
    fix = Fix(Version("2026.9.7"), Truth.MEASURED, "pairing")
    return table(replace(entry(verdict=Verdict.BAD, sentence="It drops [paired] devices."), fixes=(fix,)))


CASES: dict[str, tuple[PlanFacts, Table, Version | None]] = {
    "go": (with_state(facts(), 17, 21), table(), None),
    "private node": (with_installation(facts(), installation(node="22.1.0")), table(), Version(TARGET)),
    "blocked": (facts(), mended(), Version(TARGET)),
    "accepted": (replace(facts(), accept=frozenset({"known_bad"})), mended(), Version(TARGET)),
    "there": (facts(), table(), Version(PRESENT)),
    "stay": (replace(facts(), candidates=(), latest=Version("2026.10.1")), Table((entry(PRESENT),)), None),
    "no room": (replace(facts(), volumes=(Volume("the disk", (Use.STATE, Use.DATA), 1),)), table(), None),
    "back": (
        replace(facts(PRESENT, candidate("2026.9.4")), returns=(ReturnPoint("s1", Version("2026.9.4")),)),
        Table((entry("2026.9.4"), entry(PRESENT, Verdict.BAD))),
        None,
    ),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_terminal_and_no_word_is_lost(case: str, width: int) -> None:
    base, evidence, target = CASES[case]
    data = advise(base, evidence, target)
    shown = text(data, width)
    assert all(len(line.rstrip()) <= width for line in shown.splitlines())
    flat = "".join(shown.split())
    for block in (*data.plan.blocks, *data.plan.accepted):
        assert "".join(block.why.split())[:40] in flat or width == 60
        assert block.rule.value in flat or width == 60


@pytest.mark.parametrize(
    ("case", "first"),
    [
        ("go", "go ahead: 2026.9.5 → 2026.9.6 (the release recommended for this machine)"),
        ("blocked", "blocked: 2026.9.5 → 2026.9.6"),
        ("there", "nothing to do: 2026.9.5 is installed"),
        ("stay", "stay: on 2026.9.5, no release worth going to is known from here"),
        ("no room", "stay: on 2026.9.5, 2026.9.6 is worth going to, but something here is in its way"),
        ("back", "go back: 2026.9.5 → 2026.9.4 (the release recommended for this machine)"),
    ],
)
def test_the_first_line_is_the_answer(case: str, first: str) -> None:
    assert text(advise(*CASES[case])).splitlines()[0] == first


def test_a_plan_that_goes_ahead_ends_with_the_command_and_shows_when_the_gateway_is_down() -> None:
    shown = text(advise(*CASES["go"]))
    assert shown.rstrip().endswith("next: `upgrader upgrade 2026.9.6`")
    assert shown.count("(gateway down)") == 6


def test_a_block_says_why_how_it_is_known_and_what_would_change_it() -> None:
    shown = " ".join(text(advise(*CASES["blocked"])).split())
    assert "It drops [paired] devices." in shown
    assert "reported: openclaw/openclaw#1" in shown
    assert "would change it: 2026.9.7 mends pairing (measured); `--accept known_bad`" in shown
    assert "what will happen" not in shown


def test_a_bad_release_shows_every_way_back() -> None:
    shown = " ".join(text(advise(*CASES["back"])).split())
    assert "`upgrader rollback s1` returns to 2026.9.4 with its own state" in shown
    assert "next: `upgrader upgrade 2026.9.4`" in shown


def test_the_registrys_newest_is_told_with_the_way_to_try_it() -> None:
    shown = " ".join(text(advise(*CASES["stay"])).split())
    assert "2026.10.1 is the registry's newest" in shown
    assert "`upgrader canary 2026.10.1`" in shown
