"""Files of the tool's own as a person or an accident left them: an error with a place and a hint, never a traceback."""

import json
import stat
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upgrader.adapters.decisions.history_file import NAME as HISTORY
from upgrader.adapters.decisions.history_file import HistoryFile
from upgrader.adapters.decisions.pins_toml import NAME as PINS
from upgrader.adapters.decisions.pins_toml import PinsFile
from upgrader.adapters.decisions.plan_file import read_plan
from upgrader.adapters.decisions.settings_toml import NAME as SETTINGS
from upgrader.adapters.decisions.settings_toml import SettingsInvalid, read_settings_file
from upgrader.adapters.table.own import Tables
from upgrader.adapters.table.reading import LIMIT_BYTES, parse
from upgrader.domain.decisions.history import Event, EventKind
from upgrader.domain.decisions.pin import Pin
from upgrader.domain.decisions.settings import Settings
from upgrader.domain.table.evidence import Origin
from upgrader.domain.version import Version
from upgrader.errors import UpgraderError

STATE = Path("/home/someone/.openclaw")
GOOD_PIN = '[[pin]]\nstate = "/home/someone/.openclaw"\nversion = "2026.9.5"\nreason = "fair"\nsince = 2026-11-01\n'
GOOD_TABLE = (
    'format = 1\nrevised = 2026-11-21\nexpires = 2027-11-21\n[[release]]\nversion = "2026.9.5"\nverdict = "good"\n'
    'sentence = "It works for those who tried."\nsources = ["openclaw/openclaw#1"]\n'
)
texts = st.one_of(st.text(max_size=80), st.sampled_from((GOOD_PIN, GOOD_TABLE)).flatmap(lambda good: spoiled(good)))


def spoiled(text: str) -> st.SearchStrategy[str]:
    """The text with some characters cut out and others put in."""
    places = st.integers(min_value=0, max_value=len(text))
    return st.tuples(places, places, st.text(max_size=6)).map(lambda cut: text[: min(cut[:2])] + cut[2] + text[max(cut[:2]) :])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("own")


@given(texts)
def test_any_settings_are_read_or_refused_with_a_hint(folder: Path, text: str) -> None:
    (folder / SETTINGS).write_text(text, errors="surrogatepass" if text.isascii() else "replace")
    try:
        assert isinstance(read_settings_file(folder), Settings)
    except UpgraderError as error:
        assert error.hint


@given(texts)
def test_any_pins_are_read_or_refused_with_a_hint(folder: Path, text: str) -> None:
    (folder / PINS).write_text(text, errors="replace")
    try:
        PinsFile(folder).get(STATE)
    except UpgraderError as error:
        assert error.hint


@given(texts)
def test_any_table_is_read_or_refused_with_a_place(text: str) -> None:
    try:
        parse(text.encode(errors="replace"), "a table")
    except UpgraderError as error:
        assert error.why and error.hint


@given(st.one_of(st.binary(max_size=60), st.text(max_size=60).map(lambda text: json.dumps({"format": text}).encode())))
def test_no_odd_file_is_taken_for_a_saved_plan(folder: Path, raw: bytes) -> None:
    (folder / "plan.json").write_bytes(raw)
    with pytest.raises(UpgraderError):
        read_plan(folder / "plan.json")


@given(st.binary(max_size=60).filter(lambda raw: b"\n" not in raw))
def test_a_torn_or_odd_line_takes_nothing_from_the_history(folder: Path, raw: bytes) -> None:
    (folder / HISTORY).unlink(missing_ok=True)
    history = HistoryFile(folder)
    first = Event("2026-11-21T10:00:00+00:00", EventKind.PIN, "2026.9.5", reason="fair")
    history.append(first)
    with (folder / HISTORY).open("ab") as file:
        file.write(raw)
    second = Event("2026-11-21T11:00:00+00:00", EventKind.UPGRADE, "2026.9.5", "2026.9.6", "done", outage_seconds=2.5)
    history.append(second)
    assert history.events() == (first, second)


def test_a_history_is_private_and_holds_what_was_put_in(tmp_path: Path) -> None:
    home = tmp_path / "a" / "b"
    history = HistoryFile(home)
    assert history.events() == ()
    event = Event("2026-11-21T10:00:00+00:00", EventKind.OVERRIDE, "2026.9.5", "2026.9.6", rule="disk", why="5 GB", reason="ok")
    history.append(event)
    assert history.events() == (event,)
    assert stat.S_IMODE((home / HISTORY).stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


steps = st.lists(st.tuples(st.sampled_from(("/a", "/b", "/c")), st.sampled_from(("pin", "unpin"))), max_size=8)


@settings(max_examples=40)
@given(steps, st.sampled_from(("", "# mine\n", "pin = []\n", GOOD_PIN, f"# mine\n{GOOD_PIN}# end\n")))
def test_whatever_is_pinned_and_unpinned_in_whatever_order_the_file_says_it(
    folder: Path, steps: list[tuple[str, str]], before: str
) -> None:
    (folder / PINS).write_text(before)
    pins = PinsFile(folder)
    pinned: dict[str, Pin] = {}
    for number, (state, step) in enumerate(steps):
        if step == "pin":
            pinned[state] = Pin(Version("2026.9.5"), f"reason {number}", date(2026, 11, 1), until_fixed="scopes")
        else:
            pinned.pop(state, None)
        pins.put(Path(state), pinned.get(state))
        for each in ("/a", "/b", "/c"):
            assert pins.get(Path(each)) == pinned.get(each)
        assert (pins.get(STATE) is not None) is (GOOD_PIN in before)
        assert ("# mine" in (folder / PINS).read_text()) is ("# mine" in before)


@settings(max_examples=12)
@given(st.lists(st.sampled_from(("2026.9.4", "2026.9.5", "2026.9.7")), min_size=1, max_size=6))
def test_entries_of_ones_own_are_added_and_replaced_in_whatever_order(folder: Path, versions: list[str]) -> None:
    tables = Tables(folder / "config", folder / "data")
    tables.own.unlink(missing_ok=True)
    for number, version in enumerate(versions):
        sentence = f"It broke {number} of our phones."
        values = {"version": version, "verdict": "bad", "sentence": sentence, "sources": ["our ticket"]}
        assert tables.add(values, date(2026, 11, 21)).sentence == sentence
        entry = tables.load().entry(Version(version))
        assert entry is not None and entry.sentence == sentence
    own = {str(entry.version) for entry in tables.load().entries if entry.origin is Origin.OVERLAY}
    assert own == set(versions)


def test_all_faults_of_the_settings_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / SETTINGS).write_text('channel = "nightly"\nminimum_age_days = 9999\n[[accept]]\nrule = "disk"\n')
    with pytest.raises(SettingsInvalid) as caught:
        read_settings_file(tmp_path)
    for part in ("line 1: channel", "line 2: minimum_age_days", "line 3: accept[0]"):
        assert part in caught.value.why


def test_too_large_a_table_is_refused(tmp_path: Path) -> None:
    from upgrader.adapters.table.reading import load

    (tmp_path / "t.toml").write_bytes(b"#" * (LIMIT_BYTES + 1))
    with pytest.raises(UpgraderError) as caught:
        load(tmp_path / "t.toml")
    assert "larger than 4 MiB" in caught.value.why
