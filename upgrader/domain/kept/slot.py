"""A slot: a complete, retained, ready-to-run install of one release, with the Node that runs it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from upgrader.domain.fileid import FileId
from upgrader.domain.installation.facts import NodeRuntime
from upgrader.domain.version import Version
from upgrader.errors import Blocked, UpgraderError


class SlotOrigin(Enum):
    """Staged by us from the registry, or adopted as npm made it."""

    STAGED = "staged"
    ADOPTED = "adopted"


@dataclass(frozen=True)
class Slot:
    """One retained install.

    `package_root` is the directory that holds openclaw's package.json and openclaw.mjs; `node` is our own copy of the
    binary that runs it, `node_digest` its SHA-256; `digest` is the SHA-256 of the tree's manifest (sorted relative path,
    mode, content); `files` counts its files, `size_bytes` their lengths. `created` is ISO 8601, UTC.
    For an adopted slot `package_root` is where the directory lies now, which changes at each switch: `identity` is the
    object by which it is found again.
    """

    id: str
    version: Version
    origin: SlotOrigin
    package_root: Path
    node: NodeRuntime
    digest: str
    files: int = 0
    size_bytes: int = 0
    integrity: str = ""
    created: str = ""
    state_schema: int | None = None
    agent_schema: int | None = None
    node_digest: str = ""
    identity: FileId | None = None


@dataclass(frozen=True)
class InstalledPackage:
    """What an installed package says of itself in its package.json. `engines` is the npm range for Node, or empty."""

    version: Version
    engines: str = ""
    state_schema: int | None = None
    agent_schema: int | None = None


@dataclass(frozen=True)
class Recipe:
    """How one release is installed: data made by the service, carried out by the slots adapter.

    `package` is the npm name; `manifest` the bytes of the project's package.json; `scripts` names the packages whose
    lifecycle scripts run (all others never do); `unwanted` are prefixes of environment variables that npm and the
    scripts must not see. `reasons` says why anything departs from a plain install, with its source.
    """

    package: str
    manifest: bytes
    scripts: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


RecipeFor = Callable[[Version], Recipe]
ReadPackage = Callable[[bytes], InstalledPackage]


class StageFailed(UpgraderError):
    """The release could not be installed beside the running one; nothing of it is left. `code` names the cause."""

    default_code = "stage_failed"
    default_hint = "run the command again; `npm view openclaw version` shows whether npm itself works here"


class AdoptFailed(UpgraderError):
    """The present install could not be described as a slot to return to."""

    default_code = "adopt_failed"


class IntegrityMismatch(Blocked):
    """What was downloaded is not what the registry announced."""

    default_code = "integrity_mismatch"
    default_hint = "run the command again; if it stays, ask who runs the registry or the proxy in between"


class SlotDamaged(UpgraderError):
    """A retained install is not what was recorded."""

    default_code = "slot_damaged"


class NodeUnavailable(UpgraderError):
    """No Node that runs the release could be found or fetched."""

    default_code = "node_unavailable"
    default_hint = "`pip install 'openclaw-upgrader[node]'` brings a Node along"
