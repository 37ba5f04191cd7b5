"""How a gateway is started, as a private record."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from upgrader.domain.kept.slot import Slot


@dataclass(frozen=True)
class Launch:
    """argv, working directory and environment of a gateway. Kept in a private file, never shown."""

    argv: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str] = field(repr=False)

    def with_node(self, slot: Slot) -> "Launch":
        """The same start by another slot's Node; the script is reached through the package pointer and needs no change."""
        return replace(self, argv=(str(slot.node.path), *self.argv[1:]))

    def to_bytes(self) -> bytes:
        """For a 0600 file: the environment may hold secrets."""
        return json.dumps({"argv": self.argv, "directory": str(self.directory), "environment": dict(self.environment)}).encode()

    @classmethod
    def from_bytes(cls, raw: bytes) -> "Launch":
        """Read what `to_bytes` wrote. Raises ValueError, KeyError on anything else."""
        value = json.loads(raw)
        return cls(tuple(value["argv"]), Path(value["directory"]), dict(value["environment"]))
