"""Node binaries: which one a PATH means, and what version one answers."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from upgrader.domain.facts import NodeRuntime
from upgrader.domain.ports import Command, Runner
from upgrader.domain.process import CommandMissing, CommandTimedOut

_LIMIT = timedelta(seconds=20)
_ANSWER = re.compile(rb"^v(\d+\.\d+\.\d+\S*)\s*$")


@dataclass(frozen=True)
class NodeBinaries:
    """Port Nodes."""

    runner: Runner

    def at(self, binary: Path) -> NodeRuntime | None:
        """The real path of this binary and its answer to `--version`; None when it does not run or is no Node."""
        try:
            real = binary.resolve(strict=True)
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
            if folder.startswith("/") and candidate.is_file() and os.access(candidate, os.X_OK):
                return candidate
        return None


_BARE: Mapping[str, str] = {"PATH": os.defpath, "LC_ALL": "C"}
