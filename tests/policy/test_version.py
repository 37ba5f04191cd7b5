"""Versions are ordered as OpenClaw means them, for every pair there can be."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upgrader.domain.version import Span, Version, nearest
from upgrader.errors import UsageError

IN_ORDER = (
    "0.0.1",
    "2026.1.29",
    "2026.2.19-canary.3",
    "2026.2.19-canary.10",
    "2026.2.19-alpha.1",
    "2026.2.19-beta.2",
    "2026.2.19-beta.10",
    "2026.2.19-rc.1",
    "2026.2.19",
    "2026.2.19-1",
    "2026.2.19-2",
    "2026.2.20",
    "2026.7.1",
    "2026.7.1-2",
    "2026.7.2-beta.7",
    "2026.7.33",
    "2026.10.1",
    "2027.1.1",
)
NO_VERSIONS = (
    "", "2026", "2026.2", "2026.2.19.1", "2026.02.19", "2026.2.19-", "2026.2.19-02", "2026.2.19+build", "latest",
    "2026.2.19-beta.", "2026.2.19-gamma.1", "2026.2.19-beta.1-2", "２０２６.2.19", "2026.2.19\n", "9" * 400,
)  # fmt: skip

numbers = st.integers(min_value=0, max_value=40)
endings = st.one_of(
    st.just(""),
    numbers.map(lambda n: f"-{n}"),
    st.tuples(
        st.sampled_from(("alpha", "beta", "rc", "canary", "next")), st.one_of(st.just(""), numbers.map(lambda n: f".{n}"))
    ).map(lambda pair: f"-{pair[0]}{pair[1]}"),
)
versions = st.tuples(st.sampled_from((0, 2025, 2026)), numbers, numbers, endings).map(
    lambda parts: Version(f"{parts[0]}.{parts[1]}.{parts[2]}{parts[3]}")
)


def test_the_known_order_holds_from_either_end() -> None:
    wanted = [Version(text) for text in IN_ORDER]
    assert sorted(frozenset(wanted)) == wanted
    assert all(one < other for one, other in pairwise(wanted))


@pytest.mark.parametrize("text", NO_VERSIONS)
def test_what_is_no_version_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        Version(text)
    assert caught.value.exit_code == 2
    assert "2026.9.6" in caught.value.why


@pytest.mark.parametrize("text", ["v2026.9.6", " 2026.9.6 ", "2026.9.6\n"])
def test_what_a_person_types_may_carry_a_v_and_blanks(text: str) -> None:
    assert Version.parse(text) == Version("2026.9.6")


@given(versions, versions)
def test_of_two_versions_exactly_one_relation_holds(one: Version, other: Version) -> None:
    assert [one < other, one == other, one > other].count(True) == 1
    assert (one <= other) is not (one > other)


@given(versions, versions, versions)
def test_the_order_is_transitive(one: Version, two: Version, three: Version) -> None:
    low, middle, high = sorted((one, two, three))
    assert low <= middle <= high
    assert low <= high


@given(versions, versions)
def test_equal_versions_have_one_hash(one: Version, other: Version) -> None:
    assert (one == other) == (one.text == other.text)
    assert one != other or hash(one) == hash(other)


@given(versions)
def test_a_version_survives_being_written_and_read(version: Version) -> None:
    assert Version.parse(str(version)) == version


@given(st.tuples(st.sampled_from((2025, 2026)), numbers, numbers), numbers)
def test_early_builds_come_before_their_release_and_later_builds_after(train: tuple[int, int, int], number: int) -> None:
    base = ".".join(map(str, train))
    release = Version(base)
    for word in ("alpha", "beta", "rc", "canary", "next"):
        early = Version(f"{base}-{word}.{number}")
        assert early < release
        assert early.is_prerelease
    later = Version(f"{base}-{number}")
    assert release < later < Version(f"{train[0]}.{train[1]}.{train[2] + 1}-canary.0")
    assert not later.is_prerelease


@given(st.text(max_size=40))
def test_any_text_is_a_version_or_a_usage_error(text: str) -> None:
    try:
        Version.parse(text)
    except UsageError as error:
        assert error.code == "bad_version"


def test_a_span_is_one_version_or_bounds_that_all_hold() -> None:
    span = Span(">=2026.2.12 <2026.2.19")
    inside = [str(v) for v in map(Version, IN_ORDER) if span.holds(v)]
    assert inside == [text for text in IN_ORDER if text.startswith("2026.2.19-") and text[-2:] not in ("-1", "-2")]
    assert Span("2026.2.19").holds(Version("2026.2.19"))
    assert not Span("2026.2.19").holds(Version("2026.2.19-2"))


@pytest.mark.parametrize("text", ["", ">=", ">= 2026.2", "all", "2026.2.19 or 2026.2.20"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        Span(text)


def test_the_nearest_versions_of_a_mistyped_one_are_of_its_train() -> None:
    known = tuple(map(Version, ("2026.2.17", "2026.9.1", "2026.9.5", "2026.9.6", "2026.8.2")))
    assert nearest(Version("2026.9.66"), known, 2) == (Version("2026.9.5"), Version("2026.9.6"))
