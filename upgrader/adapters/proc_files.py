"""What Linux shows of one process under /proc, taken as values. A process may end at any moment: that is `None`, no error."""

import os
import re
from contextlib import suppress
from pathlib import Path

import psutil

_DELETED = " (deleted)"
_MODULE = re.compile(rb" (/[^\n]*/node_modules/[^\n]*\.node)$", re.MULTILINE)


def open_files(pid: int) -> tuple[tuple[int, Path], ...]:
    """(descriptor, path) of every open regular file or directory; sockets, pipes and deleted files are left out.

    The path is the kernel's text for it: in another mount namespace it may mean another file here. Raises PermissionError.
    """
    found = []
    with os.scandir(f"/proc/{pid}/fd") as entries:
        for entry in entries:
            with suppress(FileNotFoundError, ProcessLookupError):
                target = os.readlink(entry.path)  # noqa: PTH115 - a Path for each of thousands takes most of the time
                if target.startswith("/") and not target.startswith("/dev/") and not target.endswith(_DELETED):
                    found.append((int(entry.name), Path(target)))
    return tuple(found)


def mapped_modules(pid: int) -> tuple[Path, ...]:
    """Native modules of Node packages mapped into the process, each once; deleted ones left out. Raises PermissionError."""
    maps = Path(f"/proc/{pid}/maps").read_bytes()
    found = _MODULE.findall(maps) if b".node\n" in maps else []
    return tuple(dict.fromkeys(Path(os.fsdecode(path)) for path in found))


def start_ticks(pid: int) -> int | None:
    """When the process started, in clock ticks since boot (field 22 of /proc/PID/stat, proc(5)); None when it is gone."""
    with suppress(OSError, IndexError, ValueError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    return None


def unit_of(pid: int) -> str:
    """The systemd unit a process belongs to, by its control group; empty where there is none."""
    with suppress(OSError), Path(f"/proc/{pid}/cgroup").open() as lines:
        for line in lines:
            last = line.rstrip("\n").rpartition("/")[2]
            if last.endswith((".service", ".scope")) and not last.startswith(("user@", "session-", "init.scope")):
                return last
    return ""


def listening_ports(process: psutil.Process) -> tuple[int, ...]:
    """The TCP ports a process listens on, in order."""
    found = process.net_connections(kind="tcp")
    return tuple(sorted({each.laddr.port for each in found if each.status == psutil.CONN_LISTEN}))


def same_file(pid: int, descriptor: int, path: Path) -> bool:
    """Whether the open file of that process is the one that lies at `path` for us (device and inode)."""
    try:
        there, here = Path(f"/proc/{pid}/fd/{descriptor}").stat(), path.stat()
    except OSError:
        return False
    return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)


def as_seen_by(pid: int, path: Path) -> Path:
    """Our name for what that process calls `path`: through its own root, in its own mount namespace."""
    return Path(f"/proc/{pid}/root") / path.relative_to(path.anchor)


def is_contained(pid: int) -> bool:
    """Whether a process sees other mounts than we do, as one in a container does."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/ns/mnt").readlink() != Path("/proc/self/ns/mnt").readlink()
    return False
