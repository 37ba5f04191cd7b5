"""The order of causes and the choice of the next rung: properties that hold for all of them."""

from hypothesis import given
from hypothesis import strategies as st

from upgrader.domain.diagnosis.cause import Cause, Impact, Likelihood, Rung, broken, ranked
from upgrader.domain.diagnosis.repairing import ROUNDS, ladder, mendable, next_rung

CAUSES = st.lists(
    st.builds(
        Cause,
        code=st.sampled_from(["a", "b", "c", "data-unreadable"]),
        title=st.sampled_from(["t", "u"]),
        likelihood=st.sampled_from(Likelihood),
        impact=st.sampled_from(Impact),
        evidence=st.just(()),
        remedy=st.just("`x`"),
        device=st.sampled_from(["", "ab"]),
        rungs=st.lists(st.sampled_from(Rung), max_size=3).map(tuple),
    ),
    max_size=8,
).map(tuple)


@given(CAUSES)
def test_what_breaks_now_and_is_certain_comes_first_and_nothing_is_told_twice(causes: tuple[Cause, ...]) -> None:
    order = ranked(causes)
    places = [(list(Impact).index(c.impact), list(Likelihood).index(c.likelihood)) for c in order]
    assert places == sorted(places)
    assert ranked(order) == order
    assert {(c.code, c.device, c.place, c.title) for c in order} == {(c.code, c.device, c.place, c.title) for c in causes}
    assert len({(c.code, c.device, c.place, c.title) for c in order}) == len(order)


@given(CAUSES)
def test_a_repair_climbs_from_the_least_rung_and_ends_even_if_nothing_ever_helps(causes: tuple[Cause, ...]) -> None:
    tried: tuple[tuple[Rung, frozenset[str]], ...] = ()
    codes = frozenset(c.code for c in mendable(causes))
    while (rung := next_rung(causes, tried)) is not None:
        tried = (*tried, (rung, codes))
        assert len(tried) <= ROUNDS
    assert [rung for rung, _ in tried] == list(ladder(causes))


@given(CAUSES)
def test_nothing_is_mended_beside_data_that_cannot_be_read(causes: tuple[Cause, ...]) -> None:
    if any(c.code == "data-unreadable" for c in causes):
        assert mendable(causes) == ()
        assert next_rung(causes, ()) is None
    assert set(mendable(causes)) <= set(broken(causes))
