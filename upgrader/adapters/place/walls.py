"""Raises the walls of a sealed place around the calling process: fresh namespaces, a root of its own, no privilege left."""

import ctypes
import os
import signal
import socket
from collections.abc import Mapping
from pathlib import Path

from upgrader.adapters.place import namespaces
from upgrader.adapters.place.namespaces import Mount, SealFailed
from upgrader.adapters.place.packets import lead_everywhere_home, packet_socket

# Numbers of linux/sched.h and linux/prctl.h.
_CLONE_NEWUSER, _CLONE_NEWNS, _CLONE_NEWPID = 0x10000000, 0x00020000, 0x20000000
_CLONE_NEWNET, _CLONE_NEWIPC = 0x40000000, 0x08000000
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def adopt_orphans() -> None:
    """Without walls: processes whose parent ends become children of this one, so that none is lost sight of."""
    _libc().prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def raise_around(job: Mapping[str, object]) -> socket.socket:
    """Enter fresh namespaces and give up every privilege; returns in the second process of the new PID namespace.

    `job` says what is to be seen inside (upgrader.adapters.place.job). The socket hears all packets of the new network; it was
    opened while that was still permitted. Raises SealFailed with the call that was refused.
    """
    user, group = os.getuid(), os.getgid()
    flags = _CLONE_NEWUSER | _CLONE_NEWNS | _CLONE_NEWPID | _CLONE_NEWNET | _CLONE_NEWIPC
    libc = _libc()
    if libc.unshare(flags) != 0:
        raise SealFailed(f"unshare: errno {ctypes.get_errno()}")
    try:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    except OSError as error:
        raise SealFailed(f"map: {error.strerror}") from error
    _become_child(libc)
    try:
        namespaces.build_root(Path(str(job["staging"])), _mounts(job), _links(job))
        namespaces.raise_loopback()
        lead_everywhere_home()
        ear = packet_socket()
    except OSError as error:
        raise SealFailed(f"{error.filename or 'system call'}: {error.strerror}") from error
    namespaces.give_up_privileges()
    os.chdir(str(job["directory"]))
    _become_child(libc)
    return ear


def _become_child(libc: ctypes.CDLL) -> None:
    """Fork; the child goes on and dies with its parent, the parent reaps everything until the child ends, and ends too."""
    child = os.fork()
    if child == 0:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        return
    while True:
        try:
            pid, status = os.wait()
        except InterruptedError:
            continue
        if pid == child:
            os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _mounts(job: Mapping[str, object]) -> tuple[Mount, ...]:
    listed = job["mounts"]
    assert isinstance(listed, list)  # written by upgrader.adapters.place.job
    return tuple(Mount(Path(m["source"]), Path(m["target"]), bool(m["writable"])) for m in listed)


def _links(job: Mapping[str, object]) -> tuple[tuple[Path, Path], ...]:
    listed = job["links"]
    assert isinstance(listed, list)  # written by upgrader.adapters.place.job
    return tuple((Path(place), Path(target)) for place, target in listed)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
