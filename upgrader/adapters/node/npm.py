"""npm as the user has it: its own configuration, cache, authentication and proxies; only its home is not the scripts' home."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from upgrader.adapters.node.npm_output import failure
from upgrader.domain.installation.facts import NodeRuntime
from upgrader.domain.kept.slot import Recipe, StageFailed
from upgrader.domain.ports import Command, Ran, Runner
from upgrader.domain.process import CommandMissing, CommandTimedOut
from upgrader.domain.table.concern import satisfies

_INSTALL_LIMIT = timedelta(minutes=30)
_ASK_LIMIT = timedelta(seconds=60)

_SETTINGS = ("userconfig", "globalconfig")

_QUIET = ("--no-audit", "--no-fund", "--no-progress", "--no-update-notifier", "--loglevel=error")
# Against settings of the user's own that would make a slot incomplete: a plain `npm i -g` has none of these effects either.
_WHOLE = (
    "--include=optional",
    "--package-lock=true",
    "--package-lock-only=false",
    "--dry-run=false",
    "--global=false",
    "--install-strategy=hoisted",
)


@dataclass(frozen=True)
class NpmProgram:
    """An npm: its `npm-cli.js`, its version, and the range of Node it wants (empty: unknown)."""

    script: Path
    version: str
    engines: str = ""

    def runs_on(self, node_version: str) -> bool:
        """Whether this npm's own engines allow that Node."""
        return not self.engines or satisfies(node_version, self.engines)


@dataclass(frozen=True)
class Locked:
    """What package-lock.json says of one package: version and SRI string (empty where there is none)."""

    version: str
    integrity: str


def read_npm(script: Path) -> NpmProgram | None:
    """The npm whose `bin/npm-cli.js` (or a link to it) this is; None if it is none."""
    try:
        real = script.resolve(strict=True)
        found = json.loads((real.parent.parent / "package.json").read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict) or found.get("name") != "npm":
        return None
    engines = found.get("engines")
    node = engines.get("node") if isinstance(engines, dict) else None
    return NpmProgram(real, str(found.get("version", "")), node if isinstance(node, str) else "")


class Npm:
    """Installs a project with one npm on one Node.

    `configuration` is where the user's and the machine's npmrc lie, as npm itself tells (`npm_config_userconfig`,
    `npm_config_globalconfig`): named to every npm, so that another Node or home does not make it read others.
    """

    def __init__(
        self,
        runner: Runner,
        environment: Mapping[str, str],
        program: NpmProgram,
        node: NodeRuntime,
        configuration: tuple[tuple[str, str], ...],
    ) -> None:
        self._runner = runner
        self._environment = dict(environment)
        self._program = program
        self._node = node
        self._configuration = configuration

    def fetch(self, project: Path, recipe: Recipe) -> Locked:
        """Write the project and install it without running any script; returns what the lock file says of the package.

        Raises StageFailed, IntegrityMismatch.
        """
        (project / "package.json").write_bytes(recipe.manifest)
        self._run(project, recipe, ("install", "--ignore-scripts", *_WHOLE, *_QUIET), {})
        return read_lock(project / "package-lock.json", recipe.package)

    def run_scripts(self, project: Path, recipe: Recipe, home: Path) -> None:
        """Run the lifecycle scripts of the recipe's packages with `home` as their home. Raises StageFailed."""
        if not recipe.scripts:
            return
        apart = {
            "HOME": str(home),
            "USERPROFILE": str(home),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "XDG_CACHE_HOME": str(home / ".cache"),
            "XDG_DATA_HOME": str(home / ".local/share"),
            "XDG_STATE_HOME": str(home / ".local/state"),
            "TMPDIR": str(home / "tmp"),
            "npm_config_cache": str(home / ".npm"),
        }
        (home / "tmp").mkdir(mode=0o700, exist_ok=True)
        self._run(project, recipe, ("rebuild", *recipe.scripts, "--ignore-scripts=false", "--global=false", *_QUIET), apart)

    def _run(self, project: Path, recipe: Recipe, arguments: tuple[str, ...], apart: Mapping[str, str]) -> Ran:
        named = {**dict(self._configuration), **apart}
        environment = children_environment(self._environment, (*recipe.unwanted, *named), self._node.path) | named
        argv = (str(self._node.path), str(self._program.script), *arguments)
        try:
            ran = self._runner.run(Command(argv, _INSTALL_LIMIT, environment, project))
        except (CommandMissing, CommandTimedOut) as error:
            raise StageFailed(f"npm {arguments[0]} did not end", why=f"{error.message}: {error.why}") from error
        if ran.exit_code != 0:
            raise failure(arguments[0], ran)
        return ran


def children_environment(base: Mapping[str, str], unwanted: tuple[str, ...], node: Path) -> dict[str, str]:
    """The environment of npm and its scripts: the user's own, proxies and CAs too, without `unwanted`, `node` first on PATH."""
    lowered = tuple(prefix.lower() for prefix in unwanted)  # npm reads NPM_CONFIG_X as npm_config_x
    kept = {name: value for name, value in base.items() if not name.lower().startswith(lowered)}
    kept["PATH"] = os.pathsep.join((str(node.parent), base.get("PATH", os.defpath)))
    return kept


def configuration_of(
    runner: Runner, environment: Mapping[str, str], program: NpmProgram, node: NodeRuntime
) -> tuple[tuple[str, str], ...]:
    """Where this npm, run by its usual Node, reads the user's and the machine's npmrc. Raises UpgraderError."""
    asked = (str(node.path), str(program.script), "config", "get", *_SETTINGS)
    ran = runner.run(Command(asked, _ASK_LIMIT, dict(environment)))
    said = dict(line.partition("=")[::2] for line in ran.stdout.decode(errors="replace").splitlines())
    values = ((key, said.get(key, "")) for key in _SETTINGS)
    return tuple((f"npm_config_{key}", value) for key, value in values if value not in ("", "undefined", "null"))


def read_lock(lock: Path, package: str) -> Locked:
    """Read package-lock.json (version 2 or 3). Raises StageFailed."""
    try:
        packages = json.loads(lock.read_bytes())["packages"]
        entry = packages[f"node_modules/{package}"]
        return Locked(str(entry["version"]), str(entry.get("integrity", "")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StageFailed(
            "npm ended well, but its lock file does not name the package",
            why=f"{package} in {lock.name}: {type(error).__name__}",
            code="stage_no_lock",
        ) from error
