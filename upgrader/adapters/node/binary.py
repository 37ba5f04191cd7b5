"""Node binaries: which one a PATH means, and what version one answers."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from upgrader.adapters.files.durable import make_private
from upgrader.domain.installation.facts import NodeRuntime
from upgrader.domain.ports import Command, Runner
from upgrader.domain.process import CommandMissing, CommandTimedOut

_LIMIT = timedelta(seconds=20)
_ANSWER = re.compile(rb"^v(\d+\.\d+\.\d+\S*)\s*$")


@dataclass(frozen=True)
class NodeBinaries:
    """Port Nodes."""

    runner: Runner
    memory: Path | None = None

    def at(self, binary: Path) -> NodeRuntime | None:
        """The real path of this binary and its answer to `--version`; None when it does not run or is no Node.

        With a `memory` a binary that is the same file as when it last answered (device, inode, size, times) is not run again.
        """
        try:
            real = binary.resolve(strict=True)
        except OSError:
            return None
        if self.memory is None:
            return self._asked(real)
        kept = _remembered(self.memory, real)
        if kept:
            return NodeRuntime(real, kept)
        found = self._asked(real)
        if found is not None:
            _remember(self.memory, found)
        return found

    def _asked(self, real: Path) -> NodeRuntime | None:
        try:
            # Nothing of the caller's environment: NODE_OPTIONS could make it load and print anything.
            ran = self.runner.run(Command((str(real), "--version"), _LIMIT, _BARE))
        except (OSError, CommandMissing, CommandTimedOut):
            return None
        answer = _ANSWER.match(ran.stdout)
        return NodeRuntime(real, answer.group(1).decode()) if answer and ran.exit_code == 0 else None

    def on_path(self, path: str) -> Path | None:
        """The first executable `node` of a PATH."""
        for folder in path.split(os.pathsep):
            candidate = Path(folder) / "node"
            if folder.startswith("/") and os.access(candidate, os.X_OK) and candidate.is_file():  # a folder may be closed to us
                return candidate
        return None


def _remembered(memory: Path, real: Path) -> str:
    """The version kept for this very file; empty where there is none."""
    try:
        kept = json.loads(memory.read_bytes())[str(real)]
        return str(kept["version"]) if kept["file"] == _identity(real) else ""
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""


def _remember(memory: Path, found: NodeRuntime) -> None:
    """A cache of one answer a file: where it cannot be kept, the binary is asked again next time."""
    try:
        known = json.loads(memory.read_bytes()) if memory.exists() else {}
        known = known if isinstance(known, dict) and len(known) < _KEPT else {}
        known[str(found.path)] = {"file": _identity(found.path), "version": found.version}
        make_private(memory.parent)
        temporary = memory.with_name(f".{memory.name}.{os.getpid()}")
        temporary.write_text(json.dumps(known))
        temporary.replace(memory)
    except (OSError, ValueError):
        return


def _identity(real: Path) -> list[int]:
    seen = real.stat()
    return [seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns]


_KEPT = 64
_BARE: Mapping[str, str] = {"PATH": os.defpath, "LC_ALL": "C"}
