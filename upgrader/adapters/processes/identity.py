"""Whether a process is the very one that was noted: by pid and start time, one rule for all that ask."""

from __future__ import annotations  # psutil may not be loaded

from contextlib import suppress
from typing import TYPE_CHECKING

from upgrader.adapters.late import late
from upgrader.domain.installation.facts import ProcessIdentity

if TYPE_CHECKING:
    import psutil
else:
    psutil = late("psutil")

# psutil computes start times from the boot time, which moves when the clock is stepped: the same process may read a little
# different in another run. A pid that is used again within this time of its first start does not occur.
_SAME_START_S = 1.5


def is_same(process: psutil.Process, identity: ProcessIdentity) -> bool:
    """Whether this process is that one. Raises psutil.NoSuchProcess."""
    return abs(process.create_time() - identity.started) < _SAME_START_S


def is_alive(identity: ProcessIdentity) -> bool:
    """Whether that very process still runs; a zombie does not."""
    with suppress(psutil.Error):
        process = psutil.Process(identity.pid)
        return is_same(process, identity) and process.status() != psutil.STATUS_ZOMBIE
    return False
