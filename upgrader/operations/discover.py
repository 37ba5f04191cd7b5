"""Finds the one OpenClaw a run is about, and everything known of it, changing nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from upgrader.domain.installation.census import Census
from upgrader.domain.installation.configuration import Configuration
from upgrader.domain.installation.discovery import (
    Accounts,
    Ambiguous,
    Configurations,
    Installs,
    Layout,
    Nodes,
    NotFound,
    States,
    Table,
    UnitFacts,
    Units,
)
from upgrader.domain.installation.facts import (
    Installation,
    NodeRuntime,
    Package,
    Service,
    SupervisorKind,
)
from upgrader.domain.installation.identity import Account, refuse_wrong_user
from upgrader.domain.installation.selection import Location, Selection
from upgrader.domain.installation.surroundings import obstacles_around
from upgrader.domain.version import Version
from upgrader.errors import UsageError


@dataclass(frozen=True)
class _Seen:
    """What the first look shows."""

    location: Location
    account: Account
    census: Census
    unit: UnitFacts | None
    package: Package


@dataclass(frozen=True)
class Discover:
    """Finds the installation that a selection means. `is_slot` tells trees that upgrader keeps."""

    layout: Layout
    installs: Installs
    nodes: Nodes
    configurations: Configurations
    states: States
    units: Units
    table: Table
    accounts: Accounts
    is_slot: Callable[[Path], bool] = lambda _root: False

    def find(self, selection: Selection) -> Installation:
        """The installation as it stands.

        The tree that the running gateway or the service starts is the package; without either, the one found in npm's
        places. What forbids a move but not a look stands in `obstacles`. Raises NotFound, Ambiguous, WrongUser,
        ConfigInvalid, StateUnreadable, UsageError.
        """
        seen = self._look(selection, None)
        if self.layout.locate(selection, seen.package.version) != seen.location:
            seen = self._look(selection, seen.package.version)  # names of before the renaming no longer count for it
        return self._described(selection, seen)

    def _look(self, selection: Selection, version: Version | None) -> _Seen:
        """Where it is, who runs it and what is started; `version` decides which names of directories count."""
        location = self.layout.locate(selection, version)
        _must_be_text(location)
        account = self.accounts.judge_facts(selection, location)
        refuse_wrong_user(account, location.state)
        if account.owner_uid is None:
            raise self._no_state(selection, location)
        census = self._dated(self.table.census(location.state))
        unit = self._unit(selection, location)
        package = self._package(selection, location, census, unit)
        account = replace(account, unwritable_package=self.accounts.unwritable((package.pointer.parent,)))
        return _Seen(location, account, census, unit, package)

    def _described(self, selection: Selection, seen: _Seen) -> Installation:
        """Everything else that is known of it."""
        location, census, unit, package = seen.location, seen.census, seen.unit, seen.package
        configuration = self.configurations.read(location, self._environment(selection, census, unit))
        if selection.config and not configuration.digest:
            raise UsageError(
                f"there is no configuration {location.config}",
                hint="`--config` names the openclaw.json to use; left out, that of the state is taken",
                code="no_config",
            )
        return Installation(
            package=package,
            node=self._node(selection, census, unit),
            home=location.home,
            profile=location.profile,
            state=self.states.survey(location, configuration),
            port=self._port(location, configuration, package, census, unit),
            auth=configuration.auth,
            service=_service(unit),
            gateways=census.gateways,
            config_digest=configuration.digest,
            obstacles=(*self.layout.refusal_of(package), *obstacles_around(seen.account, package, census)),
            bind=configuration.bind,
            updates_itself=configuration.updates_itself,
            tool_policy=configuration.tool_policy,
            log_file=configuration.log_file,
            agents=tuple(agent.id for agent in configuration.agents),
            unseen_processes=census.unreadable,
            channels=configuration.channels,
        )

    def _dated(self, census: Census) -> Census:
        """The same, each gateway with the version it started from."""
        gateways = tuple(
            replace(each, version=self.installs.version_since(each.package_root, each.identity.started))
            if each.package_root
            else each
            for each in census.gateways
        )
        return replace(census, gateways=gateways)

    def _no_state(self, selection: Selection, location: Location) -> NotFound:
        found = self.installs.found(selection, location)
        if not found:
            return NotFound(
                "no OpenClaw found on this machine",
                why=f"no package in npm's places and no state in {location.state}",
                hint="`upgrader demo` shows it on an OpenClaw of its own; `npm install -g openclaw` installs one",
            )
        return NotFound(
            f"OpenClaw {found[0].version} has no state in {location.state}",
            why="it was never started by this user, or it keeps its state elsewhere",
            hint="name the state with `--state-dir DIR` or `--profile NAME`",
            code="no_state",
        )

    def _unit(self, selection: Selection, location: Location) -> UnitFacts | None:
        """The service of this profile, if it runs on this very state."""
        unit = self.units.find(self.layout.unit_path(selection.account_home, location.profile))
        if unit is None:
            return None
        own = replace(selection, state_dir="", config="", profile="", environment={**_home(selection), **unit.environment})
        theirs = self.layout.locate(own, None).state
        if _same(theirs, location.state):
            return unit
        if selection.state_dir or selection.config or not theirs.exists():
            return None
        raise Ambiguous(
            f"the service {unit.name} works on another state than this shell",
            why=f"the service on {theirs}, the shell on {location.state}",
            hint=f"say which: `--state-dir {theirs}` or `--state-dir {location.state}`",
            code="service_elsewhere",
        )

    def _package(self, selection: Selection, location: Location, census: Census, unit: UnitFacts | None) -> Package:
        """The tree that is started comes first; it is named by the place that leads to it."""
        found = self.installs.found(selection, location)
        for root in self._started(census, unit):
            placed = next((package for package in found if package.root == root), None)
            if placed is None and len(found) == 1 and self.is_slot(root):
                return found[0]  # it was started by the link that npm has since replaced; what npm put there starts next
            direct = placed or self.installs.at(root, selection, location)
            if direct is not None and (placed or not selection.prefix):
                return direct
        if len(found) == 1:
            return found[0]
        raise _not_one(found, location, census)

    def _started(self, census: Census, unit: UnitFacts | None) -> tuple[Path, ...]:
        """The trees that the running gateways were started from, else the one the service names."""
        running = tuple(gateway.package_root for gateway in census.gateways if gateway.package_root)
        named = self.layout.package_of(unit.command) if unit is not None and not running else None
        return running or ((named.resolve(),) if named else ())

    def _environment(self, selection: Selection, census: Census, unit: UnitFacts | None) -> Mapping[str, str]:
        """What the gateway sees: its own environment, else that of its service, else the caller's."""
        for gateway in census.gateways:
            environment = self.table.environment_of(gateway.identity)
            if environment:
                return environment
        return {**_home(selection), **unit.environment} if unit is not None else selection.environment

    def _node(self, selection: Selection, census: Census, unit: UnitFacts | None) -> NodeRuntime:
        """The binary of the running gateway, else the one the service names, else that of PATH. Raises NotFound."""
        candidates = [gateway.node for gateway in census.gateways]
        candidates.append(Path(unit.command[0]) if unit is not None and unit.command else None)
        candidates.append(self.nodes.on_path(selection.environment.get("PATH", "")))
        for binary in candidates:
            runtime = self.nodes.at(binary) if binary is not None else None
            if runtime is not None:
                return runtime
        raise NotFound(
            "no Node that runs was found",
            why="no gateway runs, no service names one, and PATH has none",
            hint="put the folder of `node` on PATH and run it again",
            code="no_node",
        )

    def _port(
        self, location: Location, configuration: Configuration, package: Package, census: Census, unit: UnitFacts | None
    ) -> int:
        """The port of the next start; where the running gateway listens elsewhere, that one."""
        default = self.layout.default_port(location.profile, package.version)
        started = {} if not census.gateways else self.table.environment_of(census.gateways[0].identity)
        asked = self.layout.port_of(unit.command, unit.environment) if unit is not None else None
        running = self.layout.port_of((), started)
        shell = location.port if unit is None and not census.gateways else None
        port = asked or running or shell or configuration.port or default
        listening = census.gateways[0].ports if census.gateways else ()
        return port if not listening or port in listening else listening[0]


_CHOOSE = "say which with `--prefix DIR`"


def _not_one(found: tuple[Package, ...], location: Location, census: Census) -> NotFound | Ambiguous:
    """Why no package can be named: none is here, the gateway's is in a container, or there are several."""
    if found:
        listed = "; ".join(f"{package.version} in {package.root} (`--prefix {package.prefix}`)" for package in found)
        return Ambiguous("several OpenClaw packages are installed and none of them is running", why=listed, hint=_CHOOSE)
    if any(gateway.contained for gateway in census.gateways):
        return NotFound(
            "the gateway on this state runs in a container",
            why="its package is part of the image, not of this machine",
            hint="pull another image and start the container anew",
            code="in_container",
        )
    return NotFound(
        "the state is here, but the package openclaw is not",
        why=f"{location.state} exists; npm's places hold no openclaw",
        hint="name its prefix with `--prefix DIR` (what `npm prefix -g` prints), or `npm install -g openclaw`",
        code="no_package",
    )


def _must_be_text(location: Location) -> None:
    """OpenClaw names its files in UTF-8 alone, as Node does from a string. Raises UsageError."""
    for path in (location.home, location.state, location.config):
        try:
            str(path).encode()
        except UnicodeEncodeError:
            raise UsageError(
                f"the name of {path} is not UTF-8",
                why="OpenClaw cannot work in such a place, nor can what is written down of it",
                hint="name another place with `--state-dir DIR`",
                code="bad_name",
            ) from None


def _service(unit: UnitFacts | None) -> Service:
    if unit is None:
        return Service(SupervisorKind.PROCESS)
    return Service(SupervisorKind.SYSTEMD_USER, unit.name, unit.path, unit.command, unit.drop_ins)


def _home(selection: Selection) -> dict[str, str]:
    """What a user service inherits of the account."""
    return {"HOME": str(selection.account_home), "PATH": selection.environment.get("PATH", "")}


def _same(one: Path, other: Path) -> bool:
    return one == other or (one.exists() and other.exists() and one.samefile(other))
