"""`upgrader known` through the real command line: a home of its own, a registry of wheels on loopback, no OpenClaw."""

import base64
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pexpect
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.adapters import registry_server
from upgrader.adapters.table.reading import shipped

NEWER = ("revised = 2026-11-21", "revised = 2027-01-05")


@dataclass(frozen=True)
class Home:
    """A person's home directory."""

    path: Path

    def run(self, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        settings = {"HOME": str(self.path), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "COLUMNS": "120", **environment}
        argv = (sys.executable, "-m", "upgrader", *words)
        return subprocess.run(
            argv,
            env=settings,
            cwd=self.path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def json(self, *words: str, **environment: str) -> Any:
        return json.loads(self.run("--json", *words, **environment).stdout)

    @property
    def config(self) -> Path:
        return self.path / ".config/openclaw-upgrader"

    def settle(self, text: str) -> None:
        self.config.mkdir(parents=True, exist_ok=True)
        (self.config / "settings.toml").write_text(text)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def changed_table(path: Path) -> Path:
    """The shipped table, revised later, with 2026.2.25 called bad."""
    text = shipped().read_text().replace(*NEWER)
    head, entry, rest = text.partition('version = "2026.2.25"\nverdict = "')
    path.write_text(head + entry + "bad" + rest[rest.index('"') :])
    return path


def sign(path: Path) -> str:
    """Sign a file beside itself; returns the public key as settings have it."""
    key = Ed25519PrivateKey.generate()
    path.with_name(f"{path.name}.sig").write_text(base64.b64encode(key.sign(path.read_bytes())).decode())
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def test_the_map_has_a_row_for_each_release_and_reads_without_colour(home: Home) -> None:
    said = home.run("known", "list", "--area", "sessions-spawn").stdout
    row = next(line for line in said.splitlines() if line.startswith("2026.2.19 "))
    assert "bad" in row and "X" in row
    assert "marks: + good, ! caution, X bad, ? unknown" in said
    assert all(each["areas"] for each in home.json("known", "list", "--verdict", "bad")["data"]["entries"])


def test_a_release_without_an_entry_is_unknown_by_rule(home: Home) -> None:
    said = home.run("known", "show", "2027.1.1", "--offline")
    assert (said.returncode, said.stdout.split(":")[1].strip()) == (0, "unknown by rule")


def test_an_entry_of_ones_own_counts_and_is_shown_as_such(home: Home) -> None:
    words = ("--verdict", "bad", "--sentence", "It lost [our] phones.", "--area", "pairing", "--source", "our own ticket 7")
    said = home.run("known", "add", "2026.9.4", *words)
    assert said.returncode == 0, said.stderr
    assert "2026.9.4: caution → bad" in said.stdout
    assert "2026.9.4 (your own entry): bad" in home.run("known", "show", "2026.9.4", "--offline").stdout
    assert home.json("known", "show", "2026.9.4", "--offline")["data"]["entry"]["origin"] == "overlay"
    assert home.json("known", "show", "2026.9.3", "--offline")["data"]["entry"]["origin"] == "shipped"
    own = home.config / "known_versions.toml"
    own.write_text("# a note of mine\n" + own.read_text())
    assert home.run("known", "add", "2026.9.7", *words).returncode == 0
    assert own.read_text().startswith("# a note of mine\n")
    assert len(home.json("known", "check")["errors"]) == 0


def test_an_entry_that_makes_no_sense_is_refused_and_nothing_is_written(home: Home) -> None:
    said = home.json("known", "add", "2026.9.4", "--verdict", "bad", "--sentence", "short", "--source", "x#1")
    assert said["errors"][0]["code"] == "table_invalid"
    said = home.json("known", "add", "2026.9.4", "--verdict", "awful", "--sentence", "It lost our phones.")
    assert (said["exit_code"], said["errors"][0]["code"]) == (2, "bad_verdict")
    assert not (home.config / "known_versions.toml").exists()


def test_a_damaged_table_of_ones_own_is_told_with_its_line(home: Home) -> None:
    home.config.mkdir(parents=True)
    text = 'format = 1\nrevised = 2026-11-21\nexpires = 2027-11-21\n[[release]]\nversion = "2026.9.4"\nverdict = "awful"\n'
    (home.config / "known_versions.toml").write_text(text)
    said = home.json("known", "list")
    assert said["exit_code"] == 1
    assert "line 6, column 11: release[0].verdict" in said["errors"][0]["why"]


def test_a_check_names_what_is_expired_and_dead(home: Home) -> None:
    table = home.path / "t.toml"
    text = shipped().read_text().replace("expires = 2027-11-21", "expires = 2026-11-22")
    head, entry, rest = text.partition('versions = ["2026.2.17"]')
    assert entry
    table.write_text(head + 'versions = ["2026.2.18"]' + rest)
    said = home.json("known", "check", str(table))
    assert said["exit_code"] == 3
    found = [each["what"] for each in said["data"]["findings"]]
    assert any("dead edge" in each and "2026.2.18" in each for each in found)


def test_a_newer_table_is_taken_after_its_signature_was_checked_and_its_changes_shown(home: Home) -> None:
    table = changed_table(home.path / "new.toml")
    home.settle(f'table_key = "{sign(table)}"\n')
    nobody = home.run("known", "update", str(table))
    assert nobody.returncode == 2 and "2026.2.25: caution → bad" in nobody.stderr
    assert home.json("known", "show", "2026.2.25", "--offline")["data"]["entry"]["verdict"] == "caution"
    taken = home.run("--yes", "known", "update", str(table))
    assert taken.returncode == 0, taken.stderr
    assert "taken: 1 change of" in taken.stdout
    assert "signed by the key in your settings" in " ".join(taken.stdout.split())
    entry = home.json("known", "show", "2026.2.25", "--offline")["data"]["entry"]
    assert (entry["verdict"], entry["origin"]) == ("bad", "update")
    assert home.json("--yes", "known", "update", str(table))["status"] == "unchanged"
    digest = hashlib.sha256(shipped().read_bytes()).hexdigest()
    older = home.json("--yes", "known", "update", str(shipped()), "--sha256", digest)
    assert (older["exit_code"], older["errors"][0]["code"]) == (3, "table_older")


@pytest.mark.parametrize("spoiled", ["bytes", "signature", "key", "no signature", "no key"])
def test_a_table_that_is_not_known_to_be_genuine_is_never_taken(home: Home, spoiled: str) -> None:
    table = changed_table(home.path / "new.toml")
    key = sign(table)
    signature = table.with_name("new.toml.sig")
    if spoiled == "bytes":
        table.write_text(table.read_text() + "# more\n")
    elif spoiled == "signature":
        signature.write_text("AAAA")
    elif spoiled == "no signature":
        signature.unlink()
    other = base64.b64encode(Ed25519PrivateKey.generate().public_key().public_bytes_raw()).decode()
    home.settle({"key": f'table_key = "{other}"\n', "no key": ""}.get(spoiled, f'table_key = "{key}"\n'))
    said = home.json("--yes", "known", "update", str(table))
    codes = {"no key": "table_key_missing", "no signature": "table_unreadable"}
    assert (said["exit_code"], said["errors"][0]["code"]) == (1, codes.get(spoiled, "table_signature"))
    assert not (home.path / ".local/share/openclaw-upgrader/table").exists()


def of_folder(folder: Path) -> registry_server.Answering:
    """What a web server would give of this folder."""

    def answer(asked: registry_server.Asked, _count: int) -> registry_server.Reply:
        path = folder / asked.path.lstrip("/")
        path = path / "index.html" if path.is_dir() else path
        kind = "text/html" if path.suffix == ".html" else "application/octet-stream"
        there = path.is_file()
        return registry_server.Reply(200, path.read_bytes(), (("Content-Type", kind),)) if there else registry_server.Reply(404)

    return answer


def wheel_in(folder: Path, table: Path, seal: str) -> None:
    """An index that has one wheel of the tool, with this table in it."""
    name = "openclaw_upgrader-9.9.9-py3-none-any.whl"
    home = folder / "simple/openclaw-upgrader"
    home.mkdir(parents=True)
    info = "openclaw_upgrader-9.9.9.dist-info"
    with zipfile.ZipFile(home / name, "w") as archive:
        archive.write(table, "upgrader/known_versions.toml")
        archive.writestr("upgrader/known_versions.sha256", seal)
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: openclaw-upgrader\nVersion: 9.9.9\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    digest = hashlib.sha256((home / name).read_bytes()).hexdigest()
    (home / "index.html").write_text(f'<a href="{name}#sha256={digest}">{name}</a>')


def test_by_default_the_table_comes_from_the_newest_wheel_of_the_users_own_index(home: Home, tmp_path: Path) -> None:
    table = changed_table(tmp_path / "new.toml")
    wheel_in(tmp_path / "index", table, hashlib.sha256(table.read_bytes()).hexdigest())
    with registry_server.serving(of_folder(tmp_path / "index")) as web:
        index = {
            "PIP_INDEX_URL": f"{web.url}simple",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }
        said = home.json("--yes", "known", "update", **index)
        assert (said["exit_code"], said["data"]["taken"]) == (0, True), said
        assert "from your index" in said["data"]["proof"]
        spoiled = next((tmp_path / "index").rglob("*.whl"))
        spoiled.write_bytes(spoiled.read_bytes() + b"x")
        said = home.json("--yes", "known", "update", **index)
        assert (said["exit_code"], said["errors"][0]["code"]) == (1, "wheel_unavailable")


def test_an_address_is_asked_over_loopback_or_https_alone(home: Home, tmp_path: Path) -> None:
    table = changed_table(tmp_path / "new.toml")
    home.settle(f'table_key = "{sign(table)}"\n')
    with registry_server.serving(of_folder(tmp_path)) as server:
        assert home.json("--yes", "known", "update", f"{server.url}new.toml")["data"]["taken"] is True
        assert home.json("--yes", "known", "update", f"{server.url}none.toml")["errors"][0]["code"] == "table_unreachable"
    said = home.json("--yes", "known", "update", "http://tables.test/known.toml")
    assert said["errors"][0]["code"] == "table_address"


def test_what_a_package_declares_is_read_from_the_registry_and_not_from_the_table(home: Home) -> None:
    files = ["dist/", "!dist/extensions/discord/**", "!dist/extensions/*/node_modules/**", 7]
    schemas = {"schemaVersions": {"state": 18, "agent": 23}}
    package = registry_server.manifest("2026.9.6", files=files, openclaw=schemas, _hasShrinkwrap=False)
    with registry_server.serving(lambda _asked, _count: registry_server.as_json(package)) as server:
        found = home.json("known", "show", "2026.9.6", npm_config_registry=server.url)["data"]["declared"]
        told = home.run("known", "show", "2026.9.6", npm_config_registry=server.url).stdout
    assert (found["engines"], found["state_schema"], found["agent_schema"]) == (">=22", 18, 23)
    assert (found["source"], found["shrinkwrapped"], found["left_out"]) == ("the registry", False, ["discord"])
    assert "state 18, agents 23" in told and "plugins kept out" in told
    unheard = home.json("known", "show", "2026.9.5", "--offline", npm_config_registry=server.url)
    assert (unheard["data"]["declared"], unheard["exit_code"]) == (None, 0) and unheard["notices"]


def test_at_a_terminal_an_entry_is_asked_for_word_by_word(home: Home) -> None:
    settings = {"HOME": str(home.path), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    argv = ["-m", "upgrader", "known", "add", "2026.9.4"]
    asking: Any = pexpect.spawn(sys.executable, argv, env=settings, cwd=str(home.path), timeout=30, encoding="utf-8")
    talk = (("verdict", "awful"), ("is no verdict", None), ("verdict", "bad"), ("why", "It lost our phones, twice."))
    for question, said in (*talk, ("areas", "pairing scopes"), ("sources", "openclaw/openclaw#1")):
        asking.expect(question)
        if said is not None:
            asking.sendline(said)
    asking.expect(pexpect.EOF)
    asking.close()
    entry = home.json("known", "show", "2026.9.4", "--offline")["data"]["entry"]
    assert (asking.exitstatus, entry["verdict"], entry["areas"]) == (0, "bad", ["pairing", "scopes"])
