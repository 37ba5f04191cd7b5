"""The way by stops: it never leads over a bad or blocked release, and it is found when there is one."""

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.policy.facts import candidate, entry, facts, with_state
from upgrader.domain.plan.decision import Answer
from upgrader.domain.plan.facts import PlanFacts, Reach
from upgrader.domain.plan.policy import advise, way_to
from upgrader.domain.table.evidence import Edge, Entry, Stop, Table, Verdict
from upgrader.domain.version import Span, Version

START, END = "2026.4.1", "2026.4.9"
SOURCES = ("openclaw/openclaw#1",)
BETWEEN = tuple(f"2026.4.{number}" for number in range(2, 9))


def on(*versions: str) -> PlanFacts:
    return with_state(facts(START, *(candidate(each, Reach(None, None), "*") for each in versions)), None)


def bad_from(span: str, version: str = END) -> Entry:
    return replace(entry(version), edges=(Edge((Span(span),), Verdict.BAD, "The way is bad.", SOURCES),))


def by_way_of(via: str, span: str) -> Entry:
    return replace(entry(END), stops=(Stop((Span(span),), Version(via), "Sessions are imported there.", SOURCES),))


def of(*entries: Entry) -> Table:
    return Table(tuple(sorted((entry(START), *entries), key=lambda one: one.version)))


def test_a_stop_that_the_table_asks_for_is_the_way_and_the_next_command() -> None:
    evidence = of(entry("2026.4.5"), by_way_of("2026.4.5", "<2026.4.5"))
    data = advise(on("2026.4.5", END), evidence, Version(END))
    assert data.answer is Answer.BLOCKED
    assert [str(each) for each in data.route] == ["2026.4.5", END]
    assert data.next_command == "upgrader upgrade 2026.4.5"


def test_around_an_edge_that_is_bad_from_here_a_way_is_found() -> None:
    evidence = of(entry("2026.4.5"), bad_from(START))
    assert [str(each) for each in way_to(on("2026.4.5", END), evidence, Version(END))] == ["2026.4.5", END]


def test_a_way_may_have_several_stops() -> None:
    evidence = of(entry("2026.4.3"), bad_from("<2026.4.3", "2026.4.6"), bad_from("<2026.4.6"))
    found = way_to(on("2026.4.3", "2026.4.6", END), evidence, Version(END))
    assert [str(each) for each in found] == ["2026.4.3", "2026.4.6", END]


def test_to_a_release_that_is_bad_itself_no_way_leads() -> None:
    evidence = of(entry("2026.4.5"), entry(END, Verdict.BAD))
    assert way_to(on("2026.4.5", END), evidence, Version(END)) == ()


def test_a_stop_whose_databases_the_target_cannot_open_is_none() -> None:
    base = on("2026.4.5", END)
    far = tuple(replace(each, reach=Reach(9, 9) if str(each.version) != END else Reach(3, 3)) for each in base.candidates)
    evidence = of(entry("2026.4.5"), bad_from(START))
    assert way_to(replace(base, candidates=far), evidence, Version(END)) == ()


verdicts = st.fixed_dictionaries({each: st.sampled_from(list(Verdict)) for each in BETWEEN})
spans = st.integers(min_value=1, max_value=8).map(lambda number: f"<=2026.4.{number}")


@given(verdicts, st.sets(st.sampled_from(BETWEEN)), st.lists(st.tuples(st.sampled_from((*BETWEEN, END)), spans), max_size=6))
def test_every_stop_is_welcome_and_every_step_is_open(
    opinions: dict[str, Verdict], published: set[str], edges: list[tuple[str, str]]
) -> None:
    bad = dict(edges)
    entries = [
        replace(
            entry(each, opinions.get(each, Verdict.GOOD)),
            edges=(Edge((Span(bad[each]),), Verdict.BAD, "The way is bad.", SOURCES),) if each in bad else (),
        )
        for each in (*BETWEEN, END)
    ]
    base, evidence = on(*sorted(published), END), of(*entries)
    found = way_to(base, evidence, Version(END))
    whole = (Version(START), *found)
    for before, after in pairwise(whole):
        judged = evidence.judge(before, after, base.circumstances, base.today)
        assert before < after
        assert judged.verdict in (Verdict.GOOD, Verdict.CAUTION)
        assert after.text in published or after.text == END
    if not found and END in bad:
        assert not _reachable(base, evidence, published)


def _reachable(base: PlanFacts, evidence: Table, published: set[str]) -> bool:
    """The plain way to find out: everything that can be reached, step by step."""
    reached = {Version(START)}
    places = [Version(name) for name in sorted({*published, START, END})]
    steps = [(one, other) for one in places for other in places]
    for _ in range(len(BETWEEN) + 1):
        for start, end in steps:
            judged = evidence.judge(start, end, base.circumstances, base.today)
            if start in reached and start < end and judged.verdict in (Verdict.GOOD, Verdict.CAUTION):
                reached.add(end)
    return Version(END) in reached
