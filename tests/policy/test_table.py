"""The table: what ships is sound, what is wrong in one is said with its place, and it alone decides."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.facts import candidate, facts
from upgrader.adapters.files.toml_lines import Lines
from upgrader.adapters.table.reading import NAME, SEAL, is_sealed, load, parse, shipped
from upgrader.domain.plan.decision import Answer
from upgrader.domain.plan.policy import make_plan
from upgrader.domain.table.concern import Circumstances
from upgrader.domain.table.evidence import Table, Truth, Verdict
from upgrader.domain.table.lint import TableInvalid, lint
from upgrader.domain.version import Version

TODAY = date(2026, 11, 21)
MACHINE = Circumstances("linux", "24.19.0", "npm-global")
GOOD = """format = 1
revised = 2026-11-21
expires = 2027-11-21

[[release]]
version = "2026.9.5"
verdict = "good"
sentence = "It works for those who tried."
sources = ["openclaw/openclaw#1"]

[[release]]
version = "2026.9.6"
verdict = "good"
sentence = "It works for those who tried."
sources = ["openclaw/openclaw#2"]
"""
STABLE_RELEASES = (
    "1.29 1.30 2.1 2.2 2.2-3 2.3 2.3-1 2.6-3 2.9 2.12 2.17 2.19 2.21 2.22 2.22-1 2.23 2.24 2.25 2.26 3.1 3.2 3.7 3.8 3.11 "
    "3.13 3.22 3.23 3.23-1 3.23-2 3.24 3.28 3.31 4.1 4.2 4.5 4.7 4.8 4.9 4.10 4.11 4.12 4.14 4.15 4.20 4.21 4.22 4.23 4.24 "
    "4.25 4.26 4.27 4.29 5.2 5.3 5.3-1 5.4 5.5 5.6 5.7 5.12 5.18 5.19 5.20 5.22 5.26 5.27 5.28 6.1 6.5 6.6 6.8 6.9 6.10 6.11 "
    "6.33 6.34 6.35 7.1 7.1-1 7.1-2 7.33 7.34 7.35 8.1 8.2 9.1 9.2 9.3 9.4 9.5 9.6"
)


def verdict(table: Table, current: str, target: str) -> Verdict:
    return table.judge(Version(current), Version(target), MACHINE, TODAY).verdict


def problems(text: str) -> list[str]:
    with pytest.raises(TableInvalid) as caught:
        parse(text.encode(), "a table")
    assert caught.value.exit_code == 1
    assert caught.value.hint
    return [str(problem) for problem in caught.value.problems]


def test_the_shipped_table_is_sound_and_knows_every_stable_release() -> None:
    table = load()
    assert lint(table) == ()
    known = {str(entry.version) for entry in table.entries}
    assert {f"2026.{name}" for name in STABLE_RELEASES.split()} <= known
    assert all(entry.expires and entry.reviewed for entry in table.entries)


def test_what_was_measured_is_marked_so() -> None:
    table = load()
    measured = {
        f"{entry.version}": [edge.verdict for edge in entry.edges if edge.truth is Truth.MEASURED]
        for entry in table.entries
        if entry.truth is Truth.MEASURED or any(edge.truth is Truth.MEASURED for edge in entry.edges)
    }
    assert measured == {"2026.2.17": [], "2026.2.19": [Verdict.BAD], "2026.2.22": [Verdict.GOOD], "2026.9.6": [Verdict.GOOD]}
    broken = table.entry(Version("2026.2.19"))
    assert broken is not None
    assert [(str(fix.version), fix.truth) for fix in broken.fixes] == [("2026.2.22", Truth.MEASURED)]


@pytest.mark.parametrize(
    ("current", "target", "wanted"),
    [
        ("2026.2.17", "2026.2.19", Verdict.BAD),
        ("2026.2.19", "2026.2.17", Verdict.GOOD),
        ("2026.9.5", "2026.9.6", Verdict.GOOD),
        ("2026.9.4", "2026.9.6", Verdict.UNKNOWN),
        ("2026.9.4", "2026.9.5", Verdict.BAD),
        ("2026.6.11", "2026.7.1-2", Verdict.BAD),
        ("2026.7.1", "2026.7.1-2", Verdict.CAUTION),
        ("2026.4.15", "2026.4.23", Verdict.GOOD),
        ("2026.9.6", "2026.10.1", Verdict.UNKNOWN),
    ],
)
def test_the_shipped_table_judges_the_moves_people_ask_about(current: str, target: str, wanted: Verdict) -> None:
    assert verdict(load(), current, target) is wanted


def test_an_edit_of_the_file_changes_the_plan(tmp_path: Path) -> None:
    file = tmp_path / "known_versions.toml"
    file.write_text(GOOD)
    assert make_plan(facts(), load(file), None).answer is Answer.GO
    before, after = GOOD.rsplit('verdict = "good"', 1)
    file.write_text(f'{before}verdict = "bad"{after}')
    assert make_plan(facts(), load(file), None).answer is Answer.STAY
    assert make_plan(facts(), load(file), Version("2026.9.6")).answer is Answer.BLOCKED


def test_the_shipped_table_lies_beside_or_inside_the_package() -> None:
    assert shipped().name == "known_versions.toml"


def test_all_problems_are_told_at_once_each_with_key_line_and_column() -> None:
    text = GOOD.replace('version = "2026.9.5"\nverdict = "good"', 'version = "2026.9"\nverdict = "fine"\nnote = "?"')
    text = text.replace('sources = ["openclaw/openclaw#2"]', "sources = 7")
    found = problems(text)
    assert [line.split(": ")[:2] for line in found] == [
        ["line 6, column 11", "release[0].version"],
        ["line 7, column 11", "release[0].verdict"],
        ["line 8, column 8", "release[0].note"],
        ["line 16, column 11", "release[1].sources"],
    ]


def test_a_problem_of_the_meaning_has_its_place_too() -> None:
    text = GOOD + 'next = ["2026.9.5", "2026.9.9"]\n\n[[release.fixed_in]]\nversion = "2026.9.1"\ntruth = "claimed"\n'
    assert problems(text) == [
        "line 18, column 1: release[1].fixed_in[0]: 2026.9.1 is not newer than the release it mends",
        "line 16, column 8: release[1].next[0]: 2026.9.5 does not lie on that side of 2026.9.6",
        "line 16, column 8: release[1].next[1]: 2026.9.9 has no entry",
    ]


def test_advice_never_leads_to_a_bad_or_vanished_release() -> None:
    text = GOOD.replace('sources = ["openclaw/openclaw#1"]', 'sources = ["openclaw/openclaw#1"]\nnext = ["2026.9.6"]')
    assert "is itself marked bad" in problems('verdict = "bad"'.join(text.rsplit('verdict = "good"', 1)))[0]
    assert "no longer listed" in problems(text + "unlisted = true\n")[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("format = 1", "format = 2"), "format"),
        (("revised = 2026-11-21", 'revised = "soon"'), "revised"),
        (('["openclaw/openclaw#1"]', "[]"), "a verdict needs a source"),
        (('version = "2026.9.6"', 'version = "2026.9.5"'), "two entries"),
        (("[[release]]", "[[relaese]]"), "relaese"),
        (('"good"', '"good'), "not TOML"),
    ],
)
def test_a_broken_table_names_what_is_broken(change: tuple[str, str], said: str) -> None:
    assert any(said in line for line in problems(GOOD.replace(*change, 1)))


@given(st.binary(max_size=300))
def test_no_bytes_make_it_fail_otherwise_than_by_saying_so(raw: bytes) -> None:
    with pytest.raises(TableInvalid):
        parse(raw, "a table")


@given(st.integers(min_value=0, max_value=len(GOOD) - 1), st.text(min_size=1, max_size=3))
def test_a_damaged_table_is_read_or_refused_never_a_crash(at: int, put: str) -> None:
    try:
        parse((GOOD[:at] + put + GOOD[at + 1 :]).encode("utf-8", "replace"), "a table")
    except TableInvalid as error:
        assert error.problems


def test_a_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(TableInvalid) as caught:
        load(tmp_path / "none.toml")
    assert "No such file" in caught.value.why


def test_lines_are_found_through_strings_comments_and_long_values() -> None:
    text = '# first\n[[a]]\nx = """\n[[a]]\n"""\ny = [\n  "one", # ]\n  "two",\n]\n[[a.b]]\nz = 1\n[[a]]\n[[a.b]]\nz = 2\n'
    lines = Lines(text)
    assert [lines.line(path) for path in (("a", 0), ("a", 0, "x"), ("a", 0, "y", 1), ("a", 0, "b", 0, "z"))] == [2, 3, 8, 11]
    assert [lines.line(path) for path in (("a", 1), ("a", 1, "b", 0, "z"), ("a", 1, "q"), ("q",))] == [12, 14, 12, 1]


def test_two_tables_that_differ_only_in_order_judge_alike() -> None:
    table = load()
    turned = replace(table, entries=tuple(reversed(table.entries)))
    base = facts("2026.2.17", candidate("2026.3.23-2"), candidate("2026.4.23"))
    assert make_plan(base, turned, None) == make_plan(base, table, None)


def test_the_seal_of_the_shipped_table_is_in_step() -> None:
    """Make it anew after a change: `sha256sum known_versions.toml > known_versions.sha256`."""
    found = shipped()
    assert is_sealed(found.read_bytes(), found.with_name(SEAL))


def test_a_table_without_its_seal_is_checked_and_reads_the_same(tmp_path: Path) -> None:
    copy = tmp_path / NAME
    copy.write_bytes(shipped().read_bytes())
    assert not is_sealed(copy.read_bytes(), copy.with_name(SEAL))
    assert load(copy).entries == load().entries
