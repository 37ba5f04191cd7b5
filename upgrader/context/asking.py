"""Joins the registry. It can be asked before the machine is looked at: a plan takes as long as the longer of the two."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from upgrader import __version__
from upgrader.adapters.begun import Begun
from upgrader.adapters.node.binary import NodeBinaries
from upgrader.adapters.node.npm_cache import NpmCache
from upgrader.adapters.node.npm_settings import NpmHere, npm_cache_root, npm_settings
from upgrader.adapters.node.npmrc import ask_npm
from upgrader.adapters.node.packages import NodePackages
from upgrader.adapters.registry.cache import RegistryCache
from upgrader.adapters.registry.npm_registry import NpmRegistry, Sourcing
from upgrader.context.choices import Reach
from upgrader.context.machine import Machine
from upgrader.domain.installation.facts import NodeRuntime
from upgrader.errors import UpgraderError
from upgrader.services.openclaw import releases

NODE_VERSIONS = "node-versions.json"  # in the cache: what the Node binaries answered


@dataclass(frozen=True)
class Asked:
    """What was asked before the machine was looked at: the registry of PATH's npm (None: only the installation knows it), and
    PATH's Node for its version, which is kept in the cache."""

    registry: NpmRegistry | None
    node: Begun[NodeRuntime | None]


def begun(machine: Machine, document: str, reach: Reach) -> Asked:
    """Ask both already; whoever needs an answer waits for it."""
    nodes = NodeBinaries(machine.runner, machine.cache / NODE_VERSIONS)
    binary = nodes.on_path(machine.environment.get("PATH", ""))
    node = Begun(lambda: nodes.at(binary) if binary else None)
    try:
        asked = registry(machine, None, reach)
    except UpgraderError:
        return Asked(None, node)
    asked.begin(document)
    return Asked(asked, node)


def registry(machine: Machine, node: NodeRuntime | None, reach: Reach, asked: NpmRegistry | None = None) -> NpmRegistry:
    """The package registry, reached as npm is configured to: `asked` where that is the one. Raises RegistryUnconfigured."""
    home = Path(machine.environment.get("HOME") or machine.account_home)
    settings = npm_settings(machine.environment, home, _npm(machine, node), machine.cache)
    if asked is not None and asked.settings == settings:
        return asked
    sourcing = Sourcing.CACHE_ONLY if reach is Reach.OFFLINE else Sourcing.NETWORK
    cache = RegistryCache(machine.cache / "registry", settings.registry)
    return NpmRegistry(releases.PACKAGE, settings, cache, machine.clock, sourcing, f"openclaw-upgrader/{__version__}")


def packed_plugins(machine: Machine, node: NodeRuntime | None, integrity: str) -> tuple[str, ...] | None:
    """The plugins of a package whose tarball npm's cache has; None where it has not. Nothing is fetched."""
    home = Path(machine.environment.get("HOME") or machine.account_home)
    return NpmCache(npm_cache_root(machine.environment, home, _npm(machine, node))).plugins(integrity)


def _npm(machine: Machine, node: NodeRuntime | None) -> NpmHere | None:
    """The npm the user has, and how to ask it."""
    packages = NodePackages(machine.runner, machine.environment, machine.python, node, machine.data / "nodes")
    program = next(packages.npms(), None)
    if program is None:
        return None

    def ask() -> Mapping[str, object]:
        usual = packages.usual_node(program)
        command = (str(usual.path), str(program.script)) if usual else ()
        return ask_npm(machine.runner, command, machine.environment) if command else {}

    return NpmHere(program, packages.beside(program), ask)
