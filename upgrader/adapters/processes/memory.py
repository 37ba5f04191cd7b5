"""Memory of a process and all that came from it."""

from contextlib import suppress

import psutil

from upgrader.adapters.processes.identity import is_same
from upgrader.domain.installation.facts import ProcessIdentity


def memory_below(pid: int) -> int:
    """Bytes of all descendants of `pid`: proportional set size, so that shared pages count once."""
    total = 0
    with suppress(psutil.NoSuchProcess):
        for process in psutil.Process(pid).children(recursive=True):
            total += memory_of(process)
    return total


def memory_of(process: psutil.Process) -> int:
    """Bytes of one process; 0 when it is gone."""
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        full = process.memory_full_info()
        return int(getattr(full, "pss", full.rss))
    return 0


def memory_of_tree(identity: ProcessIdentity) -> int:
    """Bytes of a process and its descendants; 0 when it is another one by now."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(identity.pid)
        if is_same(process, identity):
            return memory_of(process) + memory_below(identity.pid)
    return 0
