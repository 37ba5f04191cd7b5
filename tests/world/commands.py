"""Running commands on a disposable machine: upgrader's own command line, the installed `openclaw`, npm."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.world.node import NodeHome
from tests.world.processes import Child


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def text(self) -> str:
        """Everything it wrote."""
        return self.stdout + self.stderr

    @property
    def json(self) -> Any:
        """Its standard output as JSON."""
        return json.loads(self.stdout)


class Commands:
    """What a World runs; the World says where and with which environment."""

    root: Path
    node: NodeHome
    begun: list[Child]

    @property
    def home(self) -> Path:
        """HOME, and the working directory of every command."""
        raise NotImplementedError

    @property
    def prefix(self) -> Path:
        """The npm prefix."""
        raise NotImplementedError

    @property
    def environment(self) -> dict[str, str]:
        """Environment of every child."""
        raise NotImplementedError

    def run(self, *words: str, limit_s: float = 90.0, environment: Mapping[str, str] | None = None) -> Said:
        """Run the real command line `python -m upgrader …` to its end."""
        return self.command(sys.executable, "-m", "upgrader", *words, limit_s=limit_s, environment=environment)

    def begin(self, *words: str, environment: Mapping[str, str] | None = None) -> Child:
        """Start `python -m upgrader …` and go on."""
        return self._begin((sys.executable, "-m", "upgrader", *words), environment)

    def begin_openclaw(self, *words: str) -> Child:
        """Start the installed `openclaw` and go on."""
        return self._begin((str(self.prefix / "bin" / "openclaw"), *words), None)

    def _begin(self, argv: tuple[str, ...], environment: Mapping[str, str] | None) -> Child:
        child = self._start(argv, environment)
        self.begun.append(child)
        return child

    def _start(self, argv: tuple[str, ...], environment: Mapping[str, str] | None) -> Child:
        out, err = (self.root / f"{name}-{os.urandom(4).hex()}" for name in ("out", "err"))
        with out.open("wb") as stdout, err.open("wb") as stderr:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env=dict(environment or self.environment),
                cwd=self.home,
                start_new_session=True,
            )
        return Child(process, out, err)

    def openclaw(self, *words: str, limit_s: float = 30.0) -> Said:
        """Run the installed `openclaw`."""
        return self.command(str(self.prefix / "bin" / "openclaw"), *words, limit_s=limit_s)

    def npm(self, *words: str, limit_s: float = 60.0) -> Said:
        """Run npm as the person here would."""
        return self.command(str(self.node.npm), *words, limit_s=limit_s)

    def command(self, *argv: str, limit_s: float = 30.0, environment: Mapping[str, str] | None = None) -> Said:
        """Run any command here; output through files, so that a daemon left behind does not hold it."""
        child = self._start(argv, environment)
        try:
            exit_code = child.wait(limit_s)
        except subprocess.TimeoutExpired:
            child.kill()
            raise
        said = Said(exit_code, child.out.read_text(errors="replace"), child.err.read_text(errors="replace"))
        child.out.unlink()
        child.err.unlink()
        return said
