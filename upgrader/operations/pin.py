"""`upgrader pin`, `hold` and `unpin`: a promise to stay, kept in the tool's configuration and honoured by every plan."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol

from upgrader.domain.decisions.history import Event, EventKind, History
from upgrader.domain.decisions.pin import Pin, published_fixes, threads
from upgrader.domain.decisions.pinning import ConfigEdit, ConfigSwitch, PinData, PinWish, UpdaterWish
from upgrader.domain.installation.facts import Installation
from upgrader.domain.kept.slot import Slot, SlotOrigin
from upgrader.domain.outcome import Outcome, Status
from upgrader.domain.ports import Clock, Discovery
from upgrader.domain.table.evidence import Table
from upgrader.domain.version import Version
from upgrader.errors import UsageError

_THREADS_SHOWN = 8


class Pins(Protocol):
    """Where pins are kept."""

    def get(self, state: Path) -> Pin | None:
        """The pin of one installation."""

    def put(self, state: Path, pin: Pin | None) -> None:
        """Set it, or take it away."""


@dataclass(frozen=True)
class Pinning:
    """`areas` are the words of the table; `slots` what is retained, `kept` the folder of a slot that holds its lock file."""

    discovery: Discovery
    pins: Pins
    history: History
    clock: Clock
    table: Callable[[], Table]
    areas: tuple[str, ...]
    slots: Callable[[], tuple[Slot, ...]]
    switch: ConfigSwitch

    def pin(self, wish: PinWish) -> Outcome[PinData]:
        """Pin the present release or the one named. Raises UsageError, PinsInvalid, ConfigInvalid."""
        installation = self.discovery.find()
        today = self.clock.now().date()
        self._refuse(wish, today)
        version = wish.version or installation.package.version
        pin = Pin(version, wish.reason, today, wish.until, wish.until_fixed)
        self.pins.put(installation.state.path, pin)
        self._record(EventKind.PIN, installation, str(version), wish.reason, pin.in_words())
        edit = self._switched_off(installation) if wish.updater is UpdaterWish.SWITCH_OFF else None
        return Outcome("pin", self._data(installation, pin, edit))

    def unpin(self, reason: str, wish: UpdaterWish) -> Outcome[PinData]:
        """Take the pin away; with UpdaterWish.RESTORE the updater is switched on again as it was."""
        installation = self.discovery.find()
        pin = self.pins.get(installation.state.path)
        edit = self.switch.restore(installation) if wish is UpdaterWish.RESTORE else None
        if edit is not None:
            self._record(EventKind.CONFIG, installation, "", reason, edit.what)
        if pin is None:
            return Outcome("unpin", self._data(installation, None, edit), Status.UNCHANGED if edit is None else Status.DONE)
        self.pins.put(installation.state.path, None)
        self._record(EventKind.UNPIN, installation, str(pin.version), reason, pin.in_words())
        return Outcome("unpin", self._data(installation, None, edit))

    def _switched_off(self, installation: Installation) -> ConfigEdit | None:
        if not installation.updates_itself:
            return None
        edit = self.switch.off(installation)
        self._record(EventKind.CONFIG, installation, "", "pinned", edit.what)
        return edit

    def _refuse(self, wish: PinWish, today: date) -> None:
        if not wish.reason.strip():
            raise UsageError("a pin needs a reason", why="in a month nobody knows why", hint="`upgrader pin --reason TEXT`")
        if wish.until is not None and wish.until < today:
            raise UsageError(f"{wish.until} is past", why="the pin would hold nothing", hint="name a day to come")
        if wish.until_fixed and wish.until_fixed not in self.areas:
            known = ", ".join(self.areas)
            raise UsageError(f"there is no area {wish.until_fixed!r}", why=f"known are {known}", code="unknown_area")

    def _record(self, kind: EventKind, installation: Installation, target: str, reason: str, why: str) -> None:
        at = self.clock.now().isoformat(timespec="seconds")
        self.history.append(Event(at, kind, str(installation.package.version), target, reason=reason, why=why))

    def _retained(self, version: Version) -> Slot | None:
        kept = (each for each in self.slots() if each.version == version)
        return max(kept, key=lambda each: each.origin is SlotOrigin.STAGED, default=None)

    def _data(self, installation: Installation, pin: Pin | None, edit: ConfigEdit | None) -> PinData:
        present = installation.package.version
        slot = self._retained(pin.version) if pin else None
        area = pin.until_fixed if pin else ""
        table = self.table() if area else None
        return PinData(
            present=present,
            pin=pin,
            slot=slot.id if slot else "",
            lock_file=slot.package_root.parents[1] / "package-lock.json" if slot and slot.origin is SlotOrigin.STAGED else None,
            threads=threads(table, area, present)[:_THREADS_SHOWN] if table else (),
            fixes=published_fixes(table, area, present) if table else (),
            updates_itself=installation.updates_itself and (edit is None or not edit.switched_off),
            edit=edit,
        )
