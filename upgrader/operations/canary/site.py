"""Where a canary lies on disk, where a candidate sees it, and what its rounds stand on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from upgrader.domain.canary.clone import PathMove
from upgrader.domain.canary.course import Budgets
from upgrader.domain.canary.enclosure import Place, Show, Site
from upgrader.domain.canary.own_probes import OwnProbe
from upgrader.domain.canary.report import CanaryRequest, Seal
from upgrader.domain.kept.slot import Slot
from upgrader.domain.ports import Command
from upgrader.operations.canary.words import Redactor

TEMPORARY = "temporary"
LOG = "gateway.jsonl"  # among the notes of a site


@dataclass(frozen=True)
class Grounds:
    """Where the rounds of one course take place. `command(arguments, limit)` makes an OpenClaw command of the place."""

    request: CanaryRequest
    slot: Slot
    site: Site
    place: Place
    port: int
    budgets: Budgets
    config: Mapping[str, object]
    command: Callable[[tuple[str, ...], timedelta], Command]
    redactor: Redactor = field(repr=False)


def site_for(
    request: CanaryRequest,
    slot: Slot,
    root: Path,
    seal: Seal,
    openclaw: tuple[str, ...] = (),
    probes: tuple[OwnProbe, ...] = (),
    own_code: tuple[Path, ...] = (),
) -> Site:
    """Where everything lies: in a sealed place the clone is seen at the real state path, so no stored path leads back.

    `own_code` are a person's plugins and skills outside the state: shown behind walls, read-only.
    """
    installation = request.installation
    state, home, temporary, notes = (root / name for name in ("state", "home", TEMPORARY, "notes"))
    code = _outermost_modules(slot.package_root)
    node = slot.node.path.parent
    sealed = seal is Seal.SEALED
    external = installation.state.external
    if not sealed:
        state = home / installation.state.path.name
    return Site(
        root=root,
        state=state,
        home=home,
        temporary=temporary,
        notes=notes,
        shown_state=installation.state.path if sealed else state,
        shown_home=installation.home if sealed else home,
        shown_temporary=Path("/tmp") if sealed else temporary,
        shows=(Show(code, code), Show(node, node)),
        own_files=tuple(file for probe in probes for file in probe.files),
        own_code=own_code,
        openclaw=openclaw,
        alias=installation.state.named if sealed else None,
        guarded=external if sealed else (installation.state.path, installation.package.root, *external),
    )


def outside(request: CanaryRequest, root: Path) -> tuple[PathMove, ...]:
    """Where paths outside the state lead instead: to nothing yet, so that nothing real is read or written."""
    state = request.installation.state
    named = sorted(path for path in set(state.external) if not root.is_relative_to(path))
    alias = (PathMove(state.named, root / "home" / state.path.name),) if state.named else ()
    return (*alias, *(PathMove(path, root / "outside" / str(n) / path.name) for n, path in enumerate(named)))


def _outermost_modules(package: Path) -> Path:
    """The `node_modules` a package lies in, the outermost one: dependencies are resolved upwards from the package."""
    found = [parent for parent in package.parents if parent.name == "node_modules"]
    return found[-1] if found else package
