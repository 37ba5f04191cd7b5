"""Tells what is here: the installation, what runs, what is kept, what is unfinished. Changes nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from upgrader.domain.canary.held import HeldCanary
from upgrader.domain.decisions.pin import Pin
from upgrader.domain.installation.facts import GatewayProcess, Installation
from upgrader.domain.kept.snapshot import Snapshot, returning
from upgrader.domain.moves.drift import Drift
from upgrader.domain.moves.ports import JournalFile, Journals
from upgrader.domain.outcome import Outcome
from upgrader.domain.ports import Discovery, Slots, Snapshots
from upgrader.domain.status import (
    GatewayStatus,
    InstallationStatus,
    OpenMove,
    SlotStatus,
    SnapshotStatus,
    StatusData,
)

_SHOWN_SNAPSHOTS = 10


@dataclass(frozen=True)
class Records:
    """What upgrader keeps for one installation."""

    slots: Slots
    snapshots: Snapshots
    journals: Journals


@dataclass(frozen=True)
class ShowStatus:
    """`upgrader status`. `records` opens what is kept for an installation, `drift` compares it with how it was left, `pin` is
    what a person pinned, `held` which canaries were left running."""

    discovery: Discovery
    records: Callable[[Installation], Records]
    drift: Callable[[Installation], tuple[Drift, ...]] = lambda _found: ()
    pin: Callable[[Path], Pin | None] = lambda _state: None
    held: Callable[[Installation], tuple[HeldCanary, ...]] = lambda _found: ()

    def run(self) -> Outcome[StatusData]:
        """Always 0 when it could be read. Raises what the discovery raises."""
        installation = self.discovery.find()
        records = self.records(installation)
        snapshots = records.snapshots.list()
        way_back = returning(snapshots, installation.package.version)
        return Outcome(
            "status",
            StatusData(
                installation=_installation(installation),
                gateways=tuple(_gateway(each) for each in installation.gateways),
                slots=tuple(
                    SlotStatus(
                        id=slot.id,
                        version=str(slot.version),
                        origin=slot.origin.value,
                        created=slot.created,
                        size_bytes=slot.size_bytes,
                        in_use=slot.package_root == installation.package.root,
                    )
                    for slot in records.slots.list()
                ),
                snapshots=tuple(map(_snapshot, tuple(reversed(snapshots))[:_SHOWN_SNAPSHOTS])),
                snapshots_in_all=len(snapshots),
                open_move=_open_move(records.journals.open_run()),
                obstacles=installation.obstacles,
                unseen_processes=installation.unseen_processes,
                drift=self.drift(installation),
                pin=self.pin(installation.state.path),
                returns_to=_snapshot(way_back) if way_back else None,
                held=self.held(installation),
            ),
        )


def _installation(found: Installation) -> InstallationStatus:
    return InstallationStatus(
        version=str(found.package.version),
        kind=found.package.kind.value,
        package=found.package.root,
        prefix=found.package.prefix,
        node=found.node.path,
        node_version=found.node.version,
        home=found.home,
        profile=found.profile,
        state=found.state.path,
        config=found.state.config,
        pairing=found.state.era.value,
        state_schema=found.state.state_schema,
        size_bytes=found.state.size_bytes,
        files=found.state.files,
        port=found.port,
        bind=found.bind,
        auth=found.auth.mode,
        supervisor=found.service.kind.value,
        service=found.service.name,
        agents=found.agents,
        external=found.state.external,
        updates_itself=found.updates_itself,
    )


def _snapshot(snapshot: Snapshot) -> SnapshotStatus:
    return SnapshotStatus(
        id=snapshot.id,
        version=str(snapshot.version),
        moment=snapshot.moment.value,
        created=snapshot.created,
        size_bytes=snapshot.size_bytes,
        reason=snapshot.reason,
    )


def _gateway(gateway: GatewayProcess) -> GatewayStatus:
    return GatewayStatus(
        pid=gateway.identity.pid,
        version=str(gateway.version or ""),
        started=datetime.fromtimestamp(gateway.identity.started, UTC).isoformat(timespec="seconds"),
        ports=gateway.ports,
        unit=gateway.unit,
        parents=gateway.parents,
    )


def _open_move(journal: JournalFile | None) -> OpenMove | None:
    if journal is None:
        return None
    opened = journal.opened()
    return OpenMove(opened.transaction, opened.move.value, str(opened.target.version), opened.started)
