"""Joins the plan: the table, the registry, what is retained. Loads nothing that only a move needs."""

import platform
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from upgrader.adapters.files.rooms import DiskRooms
from upgrader.adapters.node.binary import NodeBinaries
from upgrader.adapters.probes.bundled_plugins import bundled_plugins, own_plugins
from upgrader.context.asking import NODE_VERSIONS, Asked, packed_plugins, registry
from upgrader.context.choices import Options, Reach
from upgrader.context.finding import Found, finder
from upgrader.context.keeping import Keeping
from upgrader.context.machine import Machine
from upgrader.context.remembering import history_of, pins, settings, tables
from upgrader.domain.decisions.history import expected_outage
from upgrader.domain.installation.facts import Installation, SupervisorKind
from upgrader.domain.outcome import Outcome
from upgrader.domain.plan.decision import Answer, ExitStyle, PlanData
from upgrader.domain.ports import Discovery
from upgrader.domain.version import Version
from upgrader.operations.plan.decide import PlanOperation
from upgrader.operations.plan.sources import Minding
from upgrader.services.openclaw import releases
from upgrader.services.openclaw.installing import install_bytes

if TYPE_CHECKING:
    from upgrader.domain.plan.candidates import CandidatesData
    from upgrader.domain.plan.saved import SavedPlan

PRIVATE_NODE = "24.16.0"  # the least Node of the packages a slot may be given; it runs every release there is


@dataclass(frozen=True)
class Wish:
    """What a person asks of a plan: a release or none, rules overridden with a reason, whether the registry may be asked.

    `asked` is what was asked before the machine was looked at.
    """

    target: Version | None = None
    accepted: frozenset[str] = frozenset()
    reason: str = ""
    reach: Reach = Reach.ONLINE
    asked: Asked | None = None


def plan(machine: Machine, options: Options, wish: Wish, style: ExitStyle, out: Path | None = None) -> Outcome[PlanData]:
    """`upgrader plan`; a plan that goes ahead is kept in `out`."""
    found = _found(machine, options, wish)
    keeping = Keeping(machine, found.installation)
    outcome = planning(machine, found, keeping, wish).run(wish.target, wish.accepted, style)
    outcome = replace(outcome, notices=(*outcome.notices, *_drift_notes(keeping), *keeping.open_notes()))
    if out is not None and outcome.data.answer is Answer.GO:
        from upgrader.adapters.decisions.plan_file import write_plan
        from upgrader.domain.plan.saved import SavedPlan, world_of

        saved = SavedPlan(machine.clock.now().isoformat(), world_of(found.installation, outcome.data), outcome.data.overrides)
        write_plan(out, saved)
        return replace(outcome, notices=(*outcome.notices, f"the plan is kept: `upgrader upgrade {out}` carries it out"))
    return outcome


def _drift_notes(keeping: Keeping) -> tuple[str, ...]:
    """What changed since the last move, as a glance shows it; nothing of it is loaded where there was none."""
    if not history_of(keeping).events():
        return ()
    from upgrader.context.drifting import Reading, drift_of, told

    return told(drift_of(keeping, Reading.KNOWN))


def plan_all(machine: Machine, options: Options, wish: Wish) -> "Outcome[CandidatesData]":
    """`upgrader plan --all`."""
    found = _found(machine, options, wish)
    return planning(machine, found, Keeping(machine, found.installation), wish).all(wish.accepted)


def _found(machine: Machine, options: Options, wish: Wish) -> Found:
    if wish.asked is not None:
        wish.asked.node.wait()  # else the discovery would ask it a second time
    return Found(finder(machine, options).find())


Decide = Callable[[Installation, Version | None, frozenset[str]], PlanData]


def held_to(saved: "SavedPlan | None", decide: Decide) -> Decide:
    """The decision, held to a saved plan where there is one: it raises PlanStale when the world has moved."""
    if saved is None:
        return decide
    from upgrader.domain.plan.saved import refuse_moved, world_of

    def decided(installation: Installation, target: Version | None, accepted: frozenset[str]) -> PlanData:
        data = decide(installation, target, accepted)
        refuse_moved(saved, world_of(installation, data))
        return data

    return decided


def saved_plan(path: Path) -> "SavedPlan":
    """A plan kept by `upgrader plan --out`. Raises UsageError."""
    from upgrader.adapters.decisions.plan_file import read_plan

    return read_plan(path)


def planning(machine: Machine, found: Discovery, keeping: Keeping, wish: Wish) -> PlanOperation:
    """The plan over what is kept and what the registry says."""
    return PlanOperation(
        discovery=found,
        registry=registry(machine, keeping.installation.node, wish.reach, wish.asked.registry if wish.asked else None),
        slots=keeping.shelf,
        snapshots=keeping.snapshot_shelf,
        rooms=DiskRooms(machine.data),
        clock=machine.clock,
        table=tables(machine).load,
        reach=releases.reach,
        install_bytes=install_bytes,
        system=_system(),
        private_node=PRIVATE_NODE,
        supervisors=frozenset(SupervisorKind),
        minding=Minding(
            settings=settings(machine),
            pin=pins(machine).get,
            outage=lambda: expected_outage(history_of(keeping).events()),
            path_node=lambda installation: _path_node(machine, installation),
            bundled=bundled_plugins,
            packed=lambda integrity: packed_plugins(machine, keeping.installation.node, integrity),
            own_plugins=own_plugins,
            reason=wish.reason,
        ),
    )


def _path_node(machine: Machine, installation: Installation) -> str:
    """The version of the Node a terminal finds; the installation's own is not asked again."""
    nodes = NodeBinaries(machine.runner, machine.cache / NODE_VERSIONS)
    found = nodes.on_path(machine.environment.get("PATH", ""))
    if found is None:
        return ""
    if found.resolve() == installation.node.path:
        return installation.node.version
    asked = nodes.at(found)
    return asked.version if asked else ""


def _system() -> str:
    """linux, wsl, darwin or windows, as the conditions of the table name them."""
    name = platform.system().lower()
    if name == "linux" and "microsoft" in platform.release().lower():
        return "wsl"
    return {"darwin": "macos"}.get(name, name)
