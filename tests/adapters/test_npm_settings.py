"""npm's settings are read without npm where its files say enough, and npm's own default address is asked for once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from upgrader.adapters.node.npm import NpmProgram
from upgrader.adapters.node.npm_settings import NpmHere, npm_settings
from upgrader.adapters.node.npmrc import NpmSettings, RegistryUnconfigured

DEFAULT = "https://default.test/"


@dataclass
class Npm:
    """An npm below a prefix of its own; `asked` counts how often it was started."""

    root: Path
    asked: list[int] = field(default_factory=list)
    says: Mapping[str, object] = field(default_factory=lambda: {"registry": DEFAULT})

    def __post_init__(self) -> None:
        self.script.parent.mkdir(parents=True)
        (self.root / "bin").mkdir()
        (self.root / "etc").mkdir()

    @property
    def script(self) -> Path:
        return self.root / "lib/node_modules/npm/bin/npm-cli.js"

    def here(self) -> NpmHere:
        def ask() -> Mapping[str, object]:
            self.asked.append(1)
            return self.says

        return NpmHere(NpmProgram(self.script, "11.1.0"), self.root / "bin/node", ask)

    def settings(self, environment: dict[str, str] | None = None) -> NpmSettings:
        return npm_settings(environment or {}, self.root / "home", self.here(), self.root / "cache")


@pytest.fixture
def npm(tmp_path: Path) -> Npm:
    made = Npm(tmp_path / "node")
    (made.root / "home").mkdir()
    return made


def test_where_a_file_names_the_registry_npm_is_not_started(npm: Npm) -> None:
    (npm.root / "home/.npmrc").write_text("registry=https://user.test/\n")
    assert (npm.settings().registry, npm.asked) == ("https://user.test/", [])


def test_npms_own_default_is_asked_for_once(npm: Npm) -> None:
    assert [npm.settings().registry for _ in range(3)] == [DEFAULT] * 3
    assert npm.asked == [1]


AS_WRITTEN = "new Definition('registry', {\n    default: '%s',"


@pytest.mark.parametrize(("written", "asked"), [(AS_WRITTEN, []), ("otherwise %s", [1])])
def test_a_default_that_stands_in_npms_own_definitions_is_read_there(npm: Npm, written: str, asked: list[int]) -> None:
    definitions = npm.script.parent.parent / "node_modules/@npmcli/config/lib/definitions/definitions.js"
    definitions.parent.mkdir(parents=True)
    definitions.write_text(f"  registry: {written % DEFAULT}\n    type: url,\n")
    assert (npm.settings().registry, npm.asked) == (DEFAULT, asked)


def test_a_damaged_answer_is_asked_for_again(npm: Npm) -> None:
    npm.settings()
    for kept in (npm.root / "cache").iterdir():
        kept.write_text('{"registry"')
    assert (npm.settings().registry, npm.asked) == (DEFAULT, [1, 1])


@pytest.mark.parametrize("says", [{}, {"registry": None}, {"registry": ["x"]}])
def test_an_npm_that_says_nothing_usable_leaves_it_unconfigured(npm: Npm, says: dict[str, object]) -> None:
    npm.says = says
    with pytest.raises(RegistryUnconfigured):
        npm.settings()


def test_the_machines_file_lies_at_npms_prefix_wherever_that_is_set(npm: Npm) -> None:
    (npm.root / "etc/npmrc").write_text("registry=https://machine.test/\n")
    assert npm.settings().registry == "https://machine.test/"
    moved = npm.root / "home/prefix"
    (moved / "etc").mkdir(parents=True)
    (moved / "etc/npmrc").write_text("registry=https://moved.test/\n")
    assert npm.settings({"npm_config_prefix": str(moved)}).registry == "https://moved.test/"
    (npm.root / "home/.npmrc").write_text("prefix=~/prefix\n")
    assert npm.settings().registry == "https://moved.test/"


def test_the_file_built_into_npm_counts_last(npm: Npm) -> None:
    (npm.script.parent.parent / "npmrc").write_text("registry=https://builtin.test/\nglobalconfig=" + str(npm.root / "g"))
    assert npm.settings().registry == "https://builtin.test/"
    (npm.root / "g").write_text("registry=https://named.test/\n")
    assert npm.settings().registry == "https://named.test/"


def test_what_is_kept_is_npms_default_and_nothing_of_the_users(npm: Npm) -> None:
    (npm.root / "home/.npmrc").write_text("//default.test/:_authToken=hunter2\n")
    npm.settings()
    kept = [json.loads(each.read_text()) for each in (npm.root / "cache").iterdir()]
    assert kept == [{"registry": DEFAULT}]
