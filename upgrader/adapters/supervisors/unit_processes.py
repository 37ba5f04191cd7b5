"""Which processes belong to a unit, by their control group: under cgroup v1, v2 and hybrid alike."""

import re
from pathlib import Path

import psutil

from upgrader.domain.installation.facts import ProcessIdentity


def members(unit: str, uid: int, proc: Path = Path("/proc")) -> tuple[ProcessIdentity, ...]:
    """Every process in or below the control group of `unit` of the user manager of `uid`; one that ends meanwhile is not."""
    found = []
    for entry in proc.iterdir():
        if entry.name.isdigit() and belongs(_groups(entry), unit, uid):
            try:
                found.append(ProcessIdentity(int(entry.name), psutil.Process(int(entry.name)).create_time()))
            except psutil.NoSuchProcess:
                continue
    return tuple(found)


def is_inside(unit: str, uid: int, proc: Path = Path("/proc")) -> bool:
    """Whether this very process runs in the unit and would be stopped with it."""
    return belongs(_groups(proc / "self"), unit, uid)


def belongs(groups: str, unit: str, uid: int) -> bool:
    """Whether a process with these lines in /proc/PID/cgroup is in the unit. A unit's name is one whole path component."""
    inside = rf"/user@{uid}\.service/(?:[^\n]*/)?{re.escape(unit)}(?:/|$)"
    return re.search(inside, groups, re.MULTILINE) is not None


def _groups(process: Path) -> str:
    try:
        return (process / "cgroup").read_text(errors="replace")
    except OSError:
        return ""
