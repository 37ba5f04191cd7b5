"""What Linux shows of one process under /proc, taken as values. A process may end at any moment: that is `None`, no error."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_DELETED = " (deleted)"
_TCP = ("tcp", "tcp6")
_LISTENER = re.compile(rb":([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} 0A \S+ \S+ \S+ +\d+ +\d+ (\d+) ")
_MODULE = re.compile(rb" (/[^\n]*/node_modules/[^\n]*\.node)$", re.MULTILINE)


def pids() -> tuple[int, ...]:
    """Every process, in order. Raises OSError where there is no /proc."""
    return tuple(sorted(int(name) for name in os.listdir("/proc") if name.isdigit()))  # noqa: PTH208 - hundreds of them


def command_line(pid: int) -> tuple[str, ...]:
    """The words a process was started with, or the title it wrote over them; none for kernel threads. Raises OSError."""
    raw = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0")
    return tuple(os.fsdecode(word) for word in raw.split(b"\0")) if raw else ()


def ancestors(pid: int) -> Iterator[int]:
    """The processes above this one, nearest first (field 4 of /proc/PID/stat, proc(5))."""
    with suppress(OSError, IndexError, ValueError):
        while pid := int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]):
            yield pid


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


@dataclass(frozen=True)
class Listening:
    """Who listens on which TCP port, for one look at the process table.

    The kernel writes down every connection of a network namespace when its table is read, which takes milliseconds: each
    namespace's is read once, and only for those who have sockets at all.
    """

    _by_namespace: dict[Path, dict[int, int]] = field(default_factory=dict)

    def ports(self, pid: int) -> tuple[int, ...]:
        """The ports this process listens on, in order; none where it is hidden or gone."""
        with suppress(OSError):
            sockets = _sockets(pid)
            if not sockets:
                return ()
            namespace = Path(f"/proc/{pid}/ns/net").readlink()
            if namespace not in self._by_namespace:
                self._by_namespace[namespace] = {inode: port for name in _TCP for inode, port in _listeners(pid, name)}
            table = self._by_namespace[namespace]
            return tuple(sorted({table[inode] for inode in sockets if inode in table}))
        return ()


def _sockets(pid: int) -> tuple[int, ...]:
    """The inodes of the sockets a process has open."""
    found = []
    with os.scandir(f"/proc/{pid}/fd") as entries:
        for entry in entries:
            with suppress(FileNotFoundError, ProcessLookupError):
                target = os.readlink(entry.path)  # noqa: PTH115 - as above
                if target.startswith("socket:["):
                    found.append(int(target[8:-1]))
    return tuple(found)


def _listeners(pid: int, name: str) -> Iterator[tuple[int, int]]:
    """(inode, port) of the listening sockets of that process's network, by proc(5): state 0A, port in hexadecimal."""
    with suppress(FileNotFoundError):  # no IPv6 here
        for found in _LISTENER.finditer(Path(f"/proc/{pid}/net/{name}").read_bytes()):
            yield int(found[2]), int(found[1], 16)


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
