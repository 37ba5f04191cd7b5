"""The inside of a sealed place: a root of its own, built from what a candidate may see and nothing else.

Runs as the first process of fresh user, mount, PID, IPC and network namespaces (see `seal`). It is an allow list: system
directories, Python, Node and the slot, read-only; the clone at the place of the real state directory; a private HOME and
/tmp. What is not listed does not exist there, so neither do the host's unix sockets (a read-only mount would not keep
anybody from connecting to one), nor the live state, nor other slots. Linux only; no command is run.
"""

import ctypes
import errno
import fcntl
import os
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from upgrader.adapters.files.system import SYSTEM

_BIND, _REC, _PRIVATE = 0x1000, 0x4000, 0x40000  # <sys/mount.h>: MS_BIND, MS_REC, MS_PRIVATE
_NOSUID, _NODEV, _NOEXEC, _READ_ONLY, _REMOUNT = 0x2, 0x4, 0x8, 0x1, 0x20
_DETACH = 2  # MNT_DETACH
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_IFF_UP, _SIOCGIFFLAGS, _SIOCSIFFLAGS = 0x1, 0x8913, 0x8914
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECUREBITS, _PR_CAP_AMBIENT, _AMBIENT_CLEAR = 24, 38, 28, 47, 4
_NOROOT_LOCKED = 0x3  # SECBIT_NOROOT and its lock: uid 0 gets no capabilities back at exec
_LAST_CAPABILITY = 63


class SealFailed(Exception):
    """The kernel refused a step of the sealing; the message names step and errno. Never leaves the inside process."""


@dataclass(frozen=True)
class Mount:
    """One directory or file of the new root: `source` outside appears as `target` inside."""

    source: Path
    target: Path
    writable: bool = False


def build_root(staging: Path, mounts: tuple[Mount, ...], links: tuple[tuple[Path, Path], ...] = ()) -> None:
    """Make `staging` the root of this mount namespace, holding only the system directories, `mounts` and `links` (place,
    target).

    Parents are mounted before what lies below them. Raises SealFailed.
    """
    libc = _libc()
    _do("private", lambda: libc.mount(None, b"/", None, _REC | _PRIVATE, None))
    _do("root", lambda: libc.mount(b"tmpfs", bytes(staging), b"tmpfs", _NOSUID | _NODEV, b"mode=0755,size=256m"))
    for name in SYSTEM:
        _system_entry(libc, staging, name)
    _devices(libc, staging)
    for mount in sorted(mounts, key=lambda m: len(m.target.parts)):
        _bind(libc, mount, staging)
    for place, target in links:
        link = staging / place.relative_to("/")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target)
    (staging / "proc").mkdir(exist_ok=True)
    flags = _NOSUID | _NODEV | _NOEXEC
    _do("proc", lambda: libc.mount(b"proc", bytes(staging / "proc"), b"proc", flags, None))
    (staging / ".old").mkdir(mode=0o700)
    os.chdir(staging)
    _do("pivot", lambda: libc.pivot_root(b".", b".old"))
    os.chdir("/")
    _do("leave", lambda: libc.umount2(b"/.old", _DETACH))
    Path("/.old").rmdir()


def raise_loopback() -> None:
    """Bring `lo` up: the only interface of a fresh network namespace, and down at first."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh22x", b"lo", 0)
        flags = struct.unpack_from("h", fcntl.ioctl(control, _SIOCGIFFLAGS, request), 16)[0]
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | _IFF_UP))


def interfaces() -> tuple[str, ...]:
    """The network interfaces of this namespace, sorted: only `lo` in a sealed place."""
    return tuple(sorted(name for _, name in socket.if_nameindex()))


def give_up_privileges() -> None:
    """Let this process and its children neither mount nor gain capabilities again. Raises SealFailed."""
    libc = _libc()
    libc.prctl(_PR_CAP_AMBIENT, _AMBIENT_CLEAR, 0, 0, 0)
    for capability in range(_LAST_CAPABILITY + 1):
        libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)  # numbers the kernel does not know are refused: fine
    _do("securebits", lambda: libc.prctl(_PR_SET_SECUREBITS, _NOROOT_LOCKED, 0, 0, 0))
    _do("no new privileges", lambda: libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def _system_entry(libc: ctypes.CDLL, staging: Path, name: str) -> None:
    source = Path("/", name)
    if source.is_symlink():
        (staging / name).symlink_to(source.readlink())
    elif source.is_dir():
        _bind(libc, Mount(source, source), staging)


def _devices(libc: ctypes.CDLL, staging: Path) -> None:
    folder = staging / "dev"
    folder.mkdir()
    for name in _DEVICES:
        _bind(libc, Mount(Path("/dev", name), Path("/dev", name), writable=True), staging)
    (folder / "pts").mkdir()
    options = b"newinstance,ptmxmode=0666,mode=620"
    _do("devpts", lambda: libc.mount(b"devpts", bytes(folder / "pts"), b"devpts", _NOSUID | _NOEXEC, options))
    (folder / "ptmx").symlink_to("pts/ptmx")
    (folder / "shm").mkdir()
    _do("shm", lambda: libc.mount(b"tmpfs", bytes(folder / "shm"), b"tmpfs", _NOSUID | _NODEV, b"mode=1777"))
    for name, target in (("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1")):
        (folder / name).symlink_to(target)
    (folder / "stderr").symlink_to("/proc/self/fd/2")


def _bind(libc: ctypes.CDLL, mount: Mount, staging: Path) -> None:
    target = staging / mount.target.relative_to("/")
    if mount.source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    where = str(mount.target)
    # Recursive: a bind that would uncover what lies under a mount of the parent namespace is refused (EINVAL).
    _do(f"bind {where}", lambda: libc.mount(bytes(mount.source), bytes(target), None, _BIND | _REC, None))
    if not mount.writable:
        _read_only(libc, target, where)


def _read_only(libc: ctypes.CDLL, target: Path, where: str) -> None:
    """Remount a bind read-only, keeping the flags the parent namespace has locked on it (else EPERM)."""
    kept = os.statvfs(target).f_flag & (_NOSUID | _NODEV | _NOEXEC)
    flags = _BIND | _REMOUNT | _READ_ONLY | kept
    atime = os.statvfs(target).f_flag
    # ST_NOATIME 0x400, ST_NODIRATIME 0x800, ST_RELATIME 0x1000 have other numbers as mount flags.
    flags |= (0x400 if atime & 0x400 else 0) | (0x800 if atime & 0x800 else 0) | (0x200000 if atime & 0x1000 else 0)
    _do(f"read-only {where}", lambda: libc.mount(None, bytes(target), None, flags, None))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _do(step: str, call: Callable[[], int]) -> None:
    ctypes.set_errno(0)
    if call() != 0:
        number = ctypes.get_errno()
        raise SealFailed(f"{step}: {errno.errorcode.get(number, number)}")
