"""A slot: a complete, retained, ready-to-run install of one release, with the Node that runs it."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from upgrader.domain.facts import NodeRuntime
from upgrader.domain.version import Version


class SlotOrigin(Enum):
    """Staged by us from the registry, or adopted as npm made it."""

    STAGED = "staged"
    ADOPTED = "adopted"


@dataclass(frozen=True)
class Slot:
    """One retained install.

    `package_root` is the directory that holds openclaw's package.json and openclaw.mjs; `node` is our own copy of the
    binary that runs it; `digest` is the SHA-256 of the tree (sorted relative path, mode, content); `files` counts it.
    For an adopted slot `package_root` is where the directory lies now, which changes at each switch.
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
