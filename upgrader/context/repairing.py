"""Joins the repair: diagnosis, snapshots, the gateway's stop and start, OpenClaw's own commands, edits of its stores."""

import tempfile
from dataclasses import replace
from pathlib import Path

from upgrader.adapters.databases.read_only import ReadOnlyDatabases
from upgrader.adapters.gateway.conversation import GatewaySocket
from upgrader.adapters.gateway.identities import FreshIdentities
from upgrader.adapters.gateway.product_commands import OpenClawCommands
from upgrader.adapters.probes.log_lines import LogTail
from upgrader.adapters.probes.observed_files import StateFiles
from upgrader.adapters.repair.repair_record import RepairFile
from upgrader.context.diagnosing import gatherer
from upgrader.context.ending import editor, outage
from upgrader.context.finding import Finder
from upgrader.context.keeping import Keeping
from upgrader.context.machine import Machine
from upgrader.context.observing import KNOWLEDGE
from upgrader.context.wiring import Wiring, told
from upgrader.domain.diagnosis.repairing import RepairData
from upgrader.domain.installation.facts import Installation
from upgrader.domain.outcome import Outcome
from upgrader.operations.diagnosis.pairing_store import StoreReader
from upgrader.operations.repair.ladder import Repair
from upgrader.operations.repair.pair_client import PairClient
from upgrader.operations.repair.quiet_period import QuietPeriod
from upgrader.operations.repair.rungs import Rungs
from upgrader.report.repair_text import plan_lines
from upgrader.services.openclaw import commands
from upgrader.services.openclaw.logs import log_events
from upgrader.services.openclaw.pairing import repair_commands


def plan_repair(wiring: Wiring) -> Outcome[RepairData]:
    """`upgrader repair --dry-run`."""
    finder = wiring.finder()
    return _repair(wiring, Keeping(wiring.machine, finder.find()), finder).plan()


def repair(wiring: Wiring) -> Outcome[RepairData]:
    """`upgrader repair`: holds the installation's lock; an unfinished move is ended first."""
    finder = wiring.finder()
    with wiring.recovered("repair") as (keeping, recovery):
        return told(_repair(wiring, keeping, finder).run(), recovery)


def _repair(wiring: Wiring, keeping: Keeping, finder: Finder) -> Repair:
    machine = wiring.machine
    gathers = replace(gatherer(machine, wiring.options), open_repair=lambda _: "", open_move=lambda _: "")  # it is this one
    reader = StoreReader(ReadOnlyDatabases(Path(tempfile.gettempdir())), StateFiles(), KNOWLEDGE)

    def tails(found: Installation) -> tuple[LogTail, ...]:
        return tuple(LogTail(path) for path in gathers.growing_logs(found))

    return Repair(
        discovery=finder,
        gatherer=gathers,
        snapshots=keeping.snapshots(),
        rungs=Rungs(
            product=_product(machine),
            editor=editor(machine),
            outage=outage(wiring.moving(keeping)),
            pairing=PairClient(GatewaySocket(), FreshIdentities(), machine.clock, KNOWLEDGE),
            reader=reader,
            full_scopes=repair_commands.full_scopes,
        ),
        quiet=QuietPeriod(reader, tails, log_events.event_of, machine.clock),
        open=RepairFile(keeping.home, keeping.mark_repair),
        progress=wiring.progress,
        consent=lambda question: wiring.consent(question, None),
        show=lambda data: _show(wiring, data),
    )


def _product(machine: Machine) -> OpenClawCommands:
    return OpenClawCommands(
        knowledge=repair_commands,
        runner=machine.runner,
        argv=commands.openclaw_argv,
        environment=lambda found: commands.openclaw_environment(machine.environment, found),
        redacted=KNOWLEDGE.redacted,
    )


def _show(wiring: Wiring, data: RepairData) -> None:
    for line in plan_lines(data):
        wiring.progress.note(line)
