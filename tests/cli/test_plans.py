"""From where people stand: the plan through the real command line, on the shipped table and on recorded facts of releases.

The machine is a package, a state and a Node that only tells its version; the registry on loopback has every stable release with
the engines and schemas that the real one was seen to announce (recorded_releases.json).
"""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.discovery.machine import Machine
from tests.world.registry import FakeRegistry, RegistryFault

RECORDED: dict[str, Any] = json.loads((Path(__file__).parents[1] / "policy/recorded_releases.json").read_text())


@dataclass
class Desk:
    """One installed release, stopped, on a Node of one version."""

    machine: Machine
    registry: str
    version: str
    node: str

    def __post_init__(self) -> None:
        facts = RECORDED.get(self.version, {"node": ">=22.12.0"})
        package = self.machine.install(self.version)
        document = {"name": "openclaw", "version": self.version, "engines": {"node": facts["node"]}}
        if "schemas" in facts:
            document["openclaw"] = {"schemaVersions": facts["schemas"]}
        (package / "package.json").write_text(json.dumps(document))
        state = self.machine.make_state("{gateway: {port: 18790, auth: {mode: 'token', token: 't0p-s3cret'}}}")
        schema = facts.get("schemas", {}).get("state", 1 if self.version >= "2026.6" else 0)
        if schema:
            (state / "state").mkdir()
            with closing(sqlite3.connect(state / "state/openclaw.sqlite")) as database:
                database.execute(f"PRAGMA user_version = {schema}")
        (self.machine.root / "node/bin/node").write_text(f"#!/bin/sh\necho v{self.node}\n")
        (self.machine.home / ".npmrc").write_text(f"registry={self.registry}\nfetch-retries=0\n")

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        environment = {**self.machine.environment, "COLUMNS": "110", "LANG": "C.UTF-8", "NO_COLOR": "1"}
        argv = (sys.executable, "-m", "upgrader", *words)
        return subprocess.run(
            argv, env=environment, cwd=self.machine.home, capture_output=True, text=True, timeout=120, check=False
        )

    def plan(self, *words: str) -> Any:
        return json.loads(self.run("--json", "plan", *words).stdout)


@pytest.fixture(scope="module")
def published() -> Iterator[FakeRegistry]:
    """A registry with every stable release as recorded."""
    with FakeRegistry.serving() as registry:
        for version, facts in sorted(RECORDED.items()):
            manifest = {"name": "openclaw", "version": version, "engines": {"node": facts["node"]}}
            if "schemas" in facts:
                manifest["openclaw"] = {"schemaVersions": facts["schemas"]}
            registry.publish_files("openclaw", version, {"package.json": json.dumps(manifest).encode()})
        registry.retag("latest", "2026.9.6")
        yield registry


SetUp = Callable[..., Desk]


@pytest.fixture
def desk(tmp_path: Path, published: FakeRegistry) -> SetUp:
    """Sets one up: `desk("2026.9.5", node="22.19.0")`."""

    def at(version: str, node: str = "24.19.0") -> Desk:
        return Desk(Machine(tmp_path), published.url, version, node)

    return at


@dataclass(frozen=True)
class Standing:
    """Where one stands, and what is right to say there."""

    version: str
    answer: str
    target: str
    says: tuple[str, ...]
    node: str = "24.19.0"


PRIVATE = "it gets Node 24.16.0 of its own, yours stays"
STANDINGS = (
    Standing("2026.2.17", "go", "2026.3.23-2", ("2026.2.17 is known good", "Last known good for people whom 3.24 hurt")),
    Standing("2026.2.17", "go", "2026.3.23-2", ("Node 22.19.0 fits >=22.16.0",), "22.19.0"),
    Standing(
        "2026.2.19-2",
        "go",
        "2026.3.23-2",
        (
            "2026.2.19-2 is known bad",
            "openclaw/openclaw#21236",
            "the fix you wait for is out: 2026.2.22 mends pairing, spawning and sending",
            "`upgrader upgrade 2026.2.17`",
        ),
    ),
    Standing(
        "2026.4.29",
        "go",
        "2026.5.26",
        ("2026.4.29 is known bad", "the fix you wait for is out: 2026.5.3-1", "`upgrader upgrade 2026.4.23`"),
    ),
    Standing("2026.6.1", "go", "2026.6.11", ("2026.6.1 is known bad", "A tested return from 7.1"), "22.19.0"),
    Standing(
        "2026.7.1-2",
        "stay",
        "2026.7.1-2",
        (
            "no release worth going to is known from here",
            "2026.7.1-2 is bad to leave from",
            "`upgrader upgrade 2026.6.11`",
            "2026.9.6 is the registry's newest",
        ),
    ),
    Standing(
        "2026.9.3",
        "go",
        "2026.9.4",
        (
            "the updater built into 2026.9.3 is known to fail; this tool does not use it",
            "a direct install does not meet the fault",
            "takes the state database from schema 16 to 17",
        ),
    ),
    Standing("2026.9.5", "go", "2026.9.6", ("2026.9.5 is known bad", "measured by us", "from schema 17 to 18")),
    Standing("2026.9.5", "go", "2026.9.6", (PRIVATE, "on PATH's Node 22.19.0", "commands you type will refuse"), "22.19.0"),
)


@pytest.mark.parametrize("standing", STANDINGS, ids=lambda one: f"{one.version} on Node {one.node}")
def test_from_there_the_plan_is_right_and_says_why(desk: SetUp, standing: Standing) -> None:
    told = " ".join(desk(standing.version, standing.node).run("plan").stdout.split())
    first = f"go ahead: {standing.version} → {standing.target} (the release recommended for this machine)"
    assert told.startswith(first if standing.answer == "go" else f"stay: on {standing.version}"), told
    for phrase in standing.says:
        assert phrase in told, told
    assert standing.answer == "stay" or told.endswith(f"next: `upgrader upgrade {standing.target}`")


def test_a_mirror_that_lacks_the_target_leads_elsewhere_or_says_stay(desk: SetUp, published: FakeRegistry) -> None:
    at = desk("2026.2.17")
    published.hide("2026.3.23-2")
    try:
        data = at.plan()["data"]["plan"]
        named = at.plan("2026.3.23-2")
    finally:
        published.hidden.clear()
    assert data["answer"] == "go"
    assert data["target"] in ("2026.3.28", "2026.4.23", "2026.6.11")
    assert [each["code"] for each in named["errors"]] == ["unpublished"]
    assert named["data"]["next_command"] == f"upgrader upgrade {data['target']}"


def test_offline_the_cache_answers_and_without_one_it_is_said(desk: SetUp, published: FakeRegistry) -> None:
    at = desk("2026.9.5")
    nothing = at.plan("--offline")
    assert (nothing["exit_code"], nothing["errors"][0]["code"]) == (1, "offline_uncached")
    assert at.plan()["data"]["plan"]["target"] == "2026.9.6"
    published.fault = RegistryFault.DOWN
    try:
        kept = at.plan("--offline")
    finally:
        published.fault = RegistryFault.NONE
    assert (kept["data"]["plan"]["target"], kept["data"]["registry"]) == ("2026.9.6", "cached")
    assert "from_cache" in [each["rule"] for each in kept["data"]["plan"]["warnings"]]


def test_with_a_pin_one_stays_and_the_pin_says_why(desk: SetUp) -> None:
    at = desk("2026.9.5")
    assert at.run("plan", "--detailed-exitcode").returncode == 10
    assert at.run("pin", "--reason", "the trade fair").returncode == 0
    assert at.run("plan", "--detailed-exitcode", "--offline").returncode == 0
    data = at.plan()["data"]
    assert (data["plan"]["answer"], data["pin"]["reason"]) == ("stay", "the trade fair")
    assert [each["code"] for each in at.plan("2026.9.6")["errors"]] == ["pinned"]


def test_a_pin_until_spawning_is_mended_ends_with_the_release_that_mends_it(desk: SetUp) -> None:
    at = desk("2026.2.17")
    assert at.run("hold", "--until-fixed", "sessions-spawn", "--reason", "agents must spawn").returncode == 0
    assert [each["code"] for each in at.plan("2026.2.19")["errors"]] == ["pinned", "known_bad", "bad_edge"]
    told = " ".join(at.run("plan").stdout.split())
    assert told.startswith("go ahead: 2026.2.17 → 2026.3.23-2")
    assert "the fix you wait for is out: 2026.2.22 mends pairing, spawning and sending" in told


def test_a_verdict_under_a_condition_asks_the_configuration_which_channels_there_are(desk: SetUp) -> None:
    at = desk("2026.2.9")
    assert at.plan("2026.2.12")["data"]["plan"]["blocks"] == []
    config = at.machine.state / "openclaw.json"
    config.write_text("{gateway: {port: 18790}, channels: {wecom: {}, telegram: {enabled: false}}}")
    said = at.plan("2026.2.12")
    assert [each["code"] for each in said["errors"]] == ["known_bad"]
    assert "wecom" in said["data"]["plan"]["blocks"][0]["evidence"][0]["about"]


def test_an_entry_of_ones_own_changes_the_plan(desk: SetUp) -> None:
    at = desk("2026.9.5")
    words = ("--verdict", "bad", "--sentence", "It lost our phones.", "--source", "our ticket 7")
    assert at.run("known", "add", "2026.9.6", *words).returncode == 0
    said = at.plan("2026.9.6")
    assert [each["code"] for each in said["errors"]] == ["known_bad"]
    assert said["data"]["plan"]["blocks"][0]["evidence"][0]["about"] == "2026.9.6 (your own entry)"


def test_the_settings_ask_for_an_age_and_override_with_a_reason(desk: SetUp) -> None:
    at = desk("2026.9.5")
    config = at.machine.home / ".config/openclaw-upgrader"
    config.mkdir(parents=True)
    (config / "settings.toml").write_text("minimum_age_days = 365\n")
    assert [each["code"] for each in at.plan("2026.9.6")["errors"]] == ["age_unknown"]
    (config / "settings.toml").write_text('minimum_age_days = 365\n[[accept]]\nrule = "age_unknown"\nreason = "seen"\n')
    data = at.plan("2026.9.6")["data"]
    assert (data["plan"]["answer"], data["overrides"]) == ("go", [{"rule": "age_unknown", "reason": "seen"}])
    (config / "settings.toml").write_text("minimum_age_days = -1\nchannel = 7\nodd = 1\n")
    wrong = at.plan()["errors"][0]
    assert wrong["code"] == "settings_invalid"
    assert all(part in wrong["why"] for part in ("line 1: minimum_age_days", "line 2: channel", "line 3: odd: no such key"))


def test_holes_in_a_file_need_no_room(desk: SetUp) -> None:
    at = desk("2026.9.5")
    with (at.machine.home / ".openclaw" / "image.raw").open("wb") as sparse:
        sparse.truncate(2**42)
    assert at.plan("2026.9.6")["data"]["plan"]["answer"] == "go"
