"""Joins what a release's package declares: out of a retained install, else as the registry tells it."""

from upgrader.adapters.kept.slot_shelf import SlotShelf
from upgrader.adapters.probes.bundled_plugins import bundled_plugins
from upgrader.context.asking import registry
from upgrader.context.choices import Reach
from upgrader.context.machine import Machine
from upgrader.domain.kept.slot import Slot
from upgrader.domain.plan.release import Release
from upgrader.domain.table.known import Declared
from upgrader.domain.version import Version
from upgrader.errors import UpgraderError
from upgrader.services.openclaw import installing


def declared(machine: Machine, version: Version, reach: Reach) -> tuple[Declared | None, tuple[str, ...]]:
    """What the package declares, and notes on what could not be learned; None where nobody could be asked."""
    notes: tuple[str, ...] = ()
    try:
        release = registry(machine, None, reach).find(version)
    except UpgraderError as error:
        release, notes = None, (f"what the package declares: {error.message}",)
    slot = next((each for each in SlotShelf(machine.data).list() if each.version == version), None)
    inside = _inside(slot, release) if slot else None
    if inside is not None:
        return inside, ()
    if release is None:
        return None, notes or (f"the registry has no {version}, and no install of it is retained",)
    told = (release.engines, release.state_schema, release.agent_schema, release.has_shrinkwrap)
    return Declared("the registry", *told, left_out=release.left_out, deprecated=release.deprecated), notes


def _inside(slot: Slot, release: Release | None) -> Declared | None:
    """The same out of the package itself; None where it lies there no more."""
    root = slot.package_root
    try:
        package = installing.read_package((root / "package.json").read_bytes())
    except (OSError, UpgraderError):
        return None
    return Declared(
        f"slot {slot.id}",
        package.engines,
        package.state_schema,
        package.agent_schema,
        (root / "npm-shrinkwrap.json").is_file(),
        bundled_plugins(root),
        release.left_out if release else None,
        release.deprecated if release else "",
    )
