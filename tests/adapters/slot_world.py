"""A place for slots in tests: a data directory, a home with an npmrc, a registry on loopback, and the store over them.

Run as a program it stages one release and prints how that ended: for tests that kill it or fill its disk.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.world.installations import installation_on, installed_at, state_at
from tests.world.node import find_node
from upgrader.adapters.clock import SystemClock
from upgrader.adapters.kept.slots import Releases, SlotStore
from upgrader.adapters.node.packages import NodePackages
from upgrader.adapters.node.runtime import NodeStore
from upgrader.adapters.processes.children import ProcessRunner
from upgrader.domain.installation.facts import Installation, NodeRuntime, PairingEra
from upgrader.domain.kept.slot import Slot
from upgrader.domain.plan.release import Release
from upgrader.domain.version import Version
from upgrader.errors import UpgraderError
from upgrader.services.openclaw import installing


@dataclass(frozen=True)
class SlotWorld:
    """`root` holds everything; `registry` is the address npm is configured with; `extra` is added to the environment."""

    root: Path
    registry: str
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        """The data directory of the store."""
        return self.root / "data"

    @property
    def home(self) -> Path:
        """The user's home."""
        return self.root / "home"

    def environment(self) -> dict[str, str]:
        """The user's environment: npm finds its registry in ~/.npmrc and nowhere else."""
        self.home.mkdir(exist_ok=True)
        (self.home / ".npmrc").write_text(f"registry={self.registry}\nfetch-retries=0\naudit=false\nfund=false\n")
        path = f"{find_node().bin}:/usr/bin:/bin"
        return {"PATH": path, "HOME": str(self.home), "LANG": "C.UTF-8", **self.extra}

    def node(self) -> NodeRuntime:
        """A Node of a hundred bytes: a script that starts the real one, so that a test need not copy 120 MB."""
        place = self.root / "small-node" / "bin" / "node"
        if not place.exists():
            place.parent.mkdir(parents=True)
            place.write_text(f'#!/bin/sh\nexec "{find_node().node}" "$@"\n')
            place.chmod(0o755)
        return NodeRuntime(place, find_node().version)

    def store(self) -> SlotStore:
        """The store, as the context builds it."""
        environment = self.environment()
        runner = ProcessRunner(environment)
        packages = NodePackages(runner, environment, Path(sys.executable), self.node(), self.data / "nodes")
        nodes = NodeStore(self.data, runner, packages)
        releases = Releases(installing.recipe, installing.read_package)
        return SlotStore(self.data, runner, environment, SystemClock(), nodes, releases)

    def stage(self, version: str, integrity: str = "") -> Slot:
        """Stage one release with a new store."""
        return self.store().stage(Release(Version.parse(version), engines=">=20", integrity=integrity))

    def left(self) -> list[str]:
        """What lies in the folder of the slots."""
        return sorted(path.name for path in (self.data / "slots").glob("*"))


def package(version: str, **more: object) -> dict[str, bytes]:
    """The files of a small openclaw."""
    manifest = {"name": "openclaw", "version": version, "engines": {"node": ">=20"}, **more}
    return {
        "package.json": json.dumps(manifest).encode(),
        "openclaw.mjs": b"import './dist/index.js';\n",
        "dist/index.js": b"console.log('a small openclaw');\n",
    }


def installation_of(world: SlotWorld, root: Path) -> Installation:
    """An installation whose package lies at `root`, run by the world's Node."""
    version = json.loads((root / "package.json").read_bytes())["version"]
    state = state_at(world.root / "state", era=PairingEra.FILES)
    package = installed_at(root, version, world.root / "prefix")
    return installation_on(state.path, package=package, node=world.node(), home=world.home, state=state)


def main() -> None:
    """Arguments: root, registry, version."""
    root, registry, version = sys.argv[1:]
    try:
        print(SlotWorld(Path(root), registry).stage(version).id)
    except UpgraderError as error:
        print(f"{type(error).__name__} {error.code} {error.exit_code}\n{error.message}\n{error.why}")


if __name__ == "__main__":
    main()
