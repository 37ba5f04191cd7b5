"""Two states beside each other, as a rollback finds them, and what settling them did."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from upgrader.adapters.files.exchange import exchange
from upgrader.adapters.settling.settler import Settler
from upgrader.domain.moves.settle import Settled


@dataclass(frozen=True)
class Pair:
    """The live state as the candidate leaves it, and the standby made at the stop."""

    live: Path
    standby: Path
    settler: Settler

    def stop(self) -> None:
        """What is live now is what the standby holds."""
        shutil.rmtree(self.standby, ignore_errors=True)
        shutil.copytree(self.live, self.standby, symlinks=True)

    def roll_back(self, *workspaces: str) -> tuple[Settled, ...]:
        """Exchange and settle; `live` is the restored tree then, `standby` what the candidate left."""
        self.exchange()
        return self.settle(*workspaces)

    def exchange(self) -> None:
        """As the operation does it: noted first."""
        self.settler.begin(self.standby, self.live)
        exchange(self.live, self.standby)

    def settle(self, *workspaces: str) -> tuple[Settled, ...]:
        """Settle once more, as a recovery would."""
        return self.settler.settle(self.live, self.standby, tuple(map(Path, workspaces))).items


def actions(items: tuple[Settled, ...]) -> list[tuple[str, str]]:
    return [(item.action, item.what) for item in items]
