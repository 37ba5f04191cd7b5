"""Node binaries of our own: every slot keeps a copy of the one that runs it, shared by digest.

A version manager, a package upgrade or a logout may take the user's Node away; the way back must not depend on it.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from upgrader.adapters.files.durable import make_private, sync_directory
from upgrader.adapters.files.tree import digest_file, remove_tree, sync_file_system
from upgrader.adapters.node.binary import NodeBinaries
from upgrader.adapters.node.npm import NpmProgram, configuration_of, read_npm
from upgrader.adapters.node.packages import WANTED, NodePackages, fits
from upgrader.domain.installation.facts import NodeRuntime
from upgrader.domain.kept.slot import NodeUnavailable
from upgrader.domain.ports import Command, Runner
from upgrader.domain.process import CommandMissing, CommandTimedOut

_ASK_LIMIT = timedelta(seconds=30)


@dataclass(frozen=True)
class KeptNode:
    """Our copy of a Node binary and the SHA-256 of its content."""

    runtime: NodeRuntime
    digest: str


@dataclass(frozen=True)
class NodeAndNpm:
    """A Node and an npm that fit each other, and where that npm's settings lie (environment for npm)."""

    node: KeptNode
    npm: NpmProgram
    configuration: tuple[tuple[str, str], ...] = ()


class NodeStore:
    """Keeps Node binaries under `<data>/nodes/<version>-<sha12>/bin/node` and finds one that fits a release."""

    def __init__(self, data: Path, runner: Runner, packages: NodePackages) -> None:
        self._nodes = data / "nodes"
        self._runner = runner
        self._packages = packages

    def keep(self, runtime: NodeRuntime) -> KeptNode:
        """Copy this Node (0755, durable) unless the same content is kept already; the copy is proven to run.

        A Node that is built on a shared library of its system is kept as the package of the same version instead,
        where that can be fetched. Raises NodeUnavailable, OSError.
        """
        with self._room() as room:
            alone = self._stands_alone(runtime.path)
            source = None if alone else self._packages.same_node(runtime.version, room)
            return self._copied(source or runtime)

    def fitting(self, engines: str) -> KeptNode:
        """A kept Node within `engines` (npm range, empty: any): the present one, else one kept, else a package.

        Raises NodeUnavailable, OSError.
        """
        present = self._packages.present
        if present is not None and fits(present.version, engines):
            return self.keep(present)
        for runtime in self._kept():
            if fits(runtime.version, engines) and fits(runtime.version, WANTED):
                return self._copied(runtime)
        with self._room() as room:
            node = self._packages.node(room)
            if not fits(node.version, engines):
                raise NodeUnavailable(f"no Node package fits {engines!r}", why=f"the newest of Node 24 is {node.version}")
            return self._copied(node)

    def with_npm(self, engines: str) -> NodeAndNpm:
        """A kept Node within `engines` and an npm that runs on it. Raises NodeUnavailable, OSError."""
        kept = self.fitting(engines)
        found = tuple(self._packages.npms())
        fit = next((program for program in found if program.runs_on(kept.runtime.version)), None) or self._own_npm()
        if not fit.runs_on(kept.runtime.version):
            raise NodeUnavailable(f"npm {fit.version} does not run on Node {kept.runtime.version}")
        # The machine's npmrc lies beside the Node by which npm usually runs, not beside our copy: ask there.
        usual = found[0] if found else fit
        node = self._packages.usual_node(usual) or kept.runtime
        return NodeAndNpm(kept, fit, configuration_of(self._runner, self._packages.environment, usual, node))

    def clear_left_overs(self) -> None:
        """Remove what dead runs left half-made; only for who holds the lock of the slots. Raises OSError."""
        for room in self._nodes.glob(".room-*"):
            remove_tree(room)

    @contextmanager
    def _room(self) -> Iterator[Path]:
        make_private(self._nodes)
        with tempfile.TemporaryDirectory(prefix=".room-", dir=self._nodes) as room:
            yield Path(room)

    def _copied(self, runtime: NodeRuntime) -> KeptNode:
        digest = digest_file(runtime.path)
        home = self._nodes / f"{runtime.version}-{digest[:12]}"
        kept = KeptNode(NodeRuntime(home / "bin" / "node", runtime.version), digest)
        if not kept.runtime.path.is_file() or digest_file(kept.runtime.path) != digest:
            self._place(runtime.path, home)
        if NodeBinaries(self._runner).at(kept.runtime.path) is None:
            raise NodeUnavailable(
                f"the copy of Node {runtime.version} does not run",
                why=f"{kept.runtime.path} does not answer its version: a file system mounted noexec, or a part of it missing",
            )
        return kept

    def _place(self, source: Path, home: Path) -> None:
        with self._room() as room:
            made = room / "node"
            (made / "bin").mkdir(parents=True)
            shutil.copyfile(source, made / "bin" / "node")
            (made / "bin" / "node").chmod(0o755)
            sync_file_system(made)
            if home.exists():  # an earlier copy that no longer has this content
                home.rename(room / "old")
            made.rename(home)
        sync_directory(self._nodes)

    def _stands_alone(self, node: Path) -> bool:
        """Whether this Node needs no libnode of its system; one that does not say is believed."""
        try:
            asked = (str(node), "-p", "process.config.variables.node_shared")
            ran = self._runner.run(Command(asked, _ASK_LIMIT, {"PATH": os.defpath}))
        except (CommandMissing, CommandTimedOut):
            return True
        return ran.stdout.strip() != b"true"

    def _kept(self) -> Iterator[NodeRuntime]:
        for place in sorted(self._nodes.glob("*/bin/node"), reverse=True):
            node = NodeBinaries(self._runner).at(place)
            if node is not None:
                yield node

    def _own_npm(self) -> NpmProgram:
        """An npm of our own under `<data>/nodes/npm-<version>`. Raises NodeUnavailable."""
        with self._room() as room:
            root = self._packages.npm(room)
            program = read_npm(root / "bin" / "npm-cli.js")
            if program is None:
                raise NodeUnavailable(
                    "no npm found, and none could be fetched", hint="install npm, then the same command again"
                )
            home = self._nodes / f"npm-{program.version}"
            if not home.exists():
                sync_file_system(root)
                root.rename(home)
                sync_directory(self._nodes)
        return NpmProgram(home / "bin" / "npm-cli.js", program.version, program.engines)
