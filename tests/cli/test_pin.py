"""Pins, overrides and the history through the real command line; no gateway runs unless a move is made."""

import stat
from pathlib import Path

import pytest

from tests.world.fixtures import WorldOf
from tests.world.world import World
from upgrader.services.openclaw.configuration.config_edit import without_auto_update


@pytest.fixture
def still(world_of: WorldOf) -> World:
    """A machine with 2026.9.5 whose gateway does not run."""
    return world_of()


def rules(world: World, *words: str) -> list[str]:
    return [each["code"] for each in world.run("--json", "plan", *words).json["errors"]]


def test_a_pin_holds_until_it_is_taken_away_and_all_of_it_stands_in_the_history(still: World) -> None:
    said = still.run("pin", "--reason", "the trade fair", "--until", "2099-12-01")
    assert said.exit_code == 0, said.text
    assert "pinned to 2026.9.5" in said.stdout and "until 2099-12-01: the trade fair" in " ".join(said.stdout.split())
    kept = still.home / ".config/openclaw-upgrader/pins.toml"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert rules(still, "2026.9.6") == ["pinned"]
    assert still.run("plan").stdout.startswith("stay: on 2026.9.5, pinned to 2026.9.5")
    free = still.run("--json", "plan", "2026.9.6", "--accept", "pinned", "--reason", "the fair is off")
    assert (free.exit_code, free.json["data"]["overrides"]) == (0, [{"rule": "pinned", "reason": "the fair is off"}])
    assert still.run("unpin", "--reason", "over").exit_code == 0
    assert rules(still, "2026.9.6") == []
    events = still.run("--json", "history").json["data"]["events"]
    assert [(each["kind"], each["reason"]) for each in events] == [("pin", "the trade fair"), ("unpin", "over")]
    assert "the trade fair" in still.run("history").stdout


def test_a_hold_until_an_area_is_mended_names_the_threads_to_follow(still: World) -> None:
    said = still.run("hold", "--until-fixed", "state-migration", "--reason", "imports fail")
    assert said.exit_code == 0, said.text
    assert "to follow: openclaw/openclaw#" in said.stdout


REFUSED = {
    ("pin",): "usage",
    ("pin", "--reason", "x", "--until", "2020-01-01"): "usage",
    ("pin", "--reason", "x", "--until", "tomorrow"): "bad_day",
    ("pin", "--reason", "x", "--until-fixed", "weather"): "unknown_area",
    ("pin", "nonsense", "--reason", "x"): "bad_version",
    ("hold", "--reason", "x"): "usage",
}


def test_a_pin_that_makes_no_sense_is_refused(still: World) -> None:
    for words, code in REFUSED.items():
        said = still.run("--json", *words)
        assert (said.exit_code, said.json["errors"][0]["code"]) == (2, code), words
    assert still.run("--json", "history").json["data"]["events"] == []


def test_a_damaged_pin_stops_every_plan_with_its_line(still: World) -> None:
    kept = still.home / ".config/openclaw-upgrader/pins.toml"
    kept.parent.mkdir(parents=True)
    kept.write_text('[[pin]]\nstate = "/x"\nversion = 7\nreason = "r"\nsince = 2026-11-01\n')
    said = still.run("--json", "plan", "2026.9.6")
    assert (said.exit_code, said.json["errors"][0]["code"]) == (1, "pins_invalid")
    assert "line 3: pin[0].version" in said.json["errors"][0]["why"]


def test_editing_the_pins_keeps_what_a_person_wrote(still: World) -> None:
    kept = still.home / ".config/openclaw-upgrader/pins.toml"
    kept.parent.mkdir(parents=True)
    kept.write_text('# mine\n[[pin]]\nstate = "/other"  # the lab\nversion = "2026.2.17"\nreason = "r"\nsince = 2026-11-01\n')
    assert still.run("pin", "--reason", "two").exit_code == 0
    assert still.run("unpin").exit_code == 0
    assert kept.read_text().startswith('# mine\n[[pin]]\nstate = "/other"  # the lab\nversion = "2026.2.17"\n')
    assert "two" not in kept.read_text()


def test_the_updater_is_switched_off_with_a_pin_and_comes_back_byte_for_byte(still: World) -> None:
    still.edit_config(lambda value: value["update"].update({"auto": {"enabled": True}}))
    before = still.config.read_bytes()
    said = still.run("pin", "--reason", "fair")
    assert "OpenClaw's own updater is on" in " ".join(said.stdout.split())
    assert still.config.read_bytes() == before
    assert "asks no pin" in still.run("--json", "plan").json["data"]["notes"][-1]
    off = still.run("--json", "pin", "--reason", "fair", "--switch-off-updater")
    assert off.exit_code == 0, off.text
    assert off.json["data"]["updates_itself"] is False
    assert still.config.read_bytes() == before.replace(b'"enabled": true', b'"enabled": false', 1) != before
    assert still.run("unpin", "--restore-updater").exit_code == 0
    assert still.config.read_bytes() == before
    events = still.run("--json", "history").json["data"]["events"]
    assert [each["kind"] for each in events] == ["pin", "pin", "config", "config", "unpin"]


def test_what_else_was_changed_in_the_configuration_since_stays(still: World) -> None:
    still.edit_config(lambda value: value["update"].update({"auto": {"enabled": True}}))
    assert still.run("pin", "--reason", "fair", "--switch-off-updater").exit_code == 0
    still.edit_config(lambda value: value["logging"].update({"level": "info"}))
    changed = still.config.read_bytes()
    assert still.run("unpin", "--restore-updater").exit_code == 0
    assert still.config.read_bytes() == changed.replace(b'"enabled": false', b'"enabled": true', 1) != changed

    assert still.run("pin", "--reason", "fair", "--switch-off-updater").exit_code == 0
    still.edit_config(lambda value: value["update"].pop("auto"))
    gone = still.config.read_bytes()
    said = still.run("--json", "unpin", "--restore-updater")
    assert (said.exit_code, said.json["errors"][0]["code"]) == (1, "config_moved")
    assert still.config.read_bytes() == gone


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("{update: {auto: {enabled: true}}}", "{update: {auto: {enabled: false}}}"),
        ("{'update': // true\n {auto: {/* enabled: true */ \"enabled\" : true, },}}", None),
        ("{auto: {enabled: true}, list: [{enabled: true}]}", ""),
        ('{update: {auto: {enabled: "true"}}}', ""),
        ('{update: {auto: {x: "enabled: true", enabled: true}}}', '{update: {auto: {x: "enabled: true", enabled: false}}}'),
        ("[{update: {auto: {enabled: true}}}]", ""),
        ("{update: {auto: [{enabled: true}]}}", ""),
    ],
)
def test_only_the_one_word_is_changed(text: str, changed: str | None) -> None:
    wanted = text.replace('"enabled" : true', '"enabled" : false') if changed is None else changed
    assert (without_auto_update(text.encode()) or b"").decode() == wanted


def test_an_overridden_rule_stands_in_the_history_before_anything_is_changed(world: World, tmp_path: Path) -> None:
    assert world.run("pin", "--reason", "the trade fair").exit_code == 0
    words = ("upgrade", "2026.9.6", "--accept", "pinned", "--reason", "the fair is off")
    said = world.run("--json", "--yes", *words, limit_s=240)
    assert said.exit_code == 0, said.text
    assert any("that pin still stands" in each for each in said.json["notices"])
    assert world.run("--json", "status").json["data"]["pin"]["reason"] == "the trade fair"
    events = world.run("--json", "history").json["data"]["events"]
    assert [each["kind"] for each in events] == ["pin", "override", "upgrade"]
    assert (events[1]["rule"], events[1]["reason"]) == ("pinned", "the fair is off")
    assert (events[2]["result"], events[2]["present"], events[2]["target"]) == ("done", "2026.9.5", "2026.9.6")
    assert events[2]["outage_seconds"] > 0
    assert world.run("--json", "plan", "2026.9.5").json["data"]["outage"]["moves"] == 1
