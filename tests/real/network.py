"""Two network namespaces joined by a cable, for a peer on another machine. Needs root and iproute2."""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_CLONE_NEWNET = 0x40000000


@dataclass(frozen=True)
class Cable:
    """The namespaces at both ends and their addresses."""

    gateway: str
    peer: str
    gateway_address: str = "10.231.17.1"
    peer_address: str = "10.231.17.2"


def can_make_namespaces() -> bool:
    """Whether this user may."""
    return os.getuid() == 0 and shutil.which("ip") is not None


@contextmanager
def cable() -> Iterator[Cable]:
    """Both ends up; everything is removed afterwards."""
    mark = os.urandom(3).hex()
    made = Cable(f"upg-gw-{mark}", f"upg-pe-{mark}")
    ends = ((made.gateway, f"gw{mark}", made.gateway_address), (made.peer, f"pe{mark}", made.peer_address))
    try:
        for name, _, _ in ends:
            _ip("netns", "add", name)
        _ip("link", "add", ends[0][1], "netns", made.gateway, "type", "veth", "peer", "name", ends[1][1], "netns", made.peer)
        for name, device, address in ends:
            for words in (
                ("link", "set", "lo", "up"),
                ("addr", "add", f"{address}/24", "dev", device),
                ("link", "set", device, "up"),
            ):
                _ip("-n", name, *words)
        yield made
    finally:
        for name, _, _ in ends:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, timeout=20, check=False)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], capture_output=True, timeout=20, check=True)


@contextmanager
def inside(name: str) -> Iterator[None]:
    """This thread, and what it starts, lives in that network while the block runs."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/thread-self/ns/net").open("rb") as here, Path(f"/run/netns/{name}").open("rb") as there:
        _enter(libc, there.fileno())
        try:
            yield
        finally:
            _enter(libc, here.fileno())


def _enter(libc: ctypes.CDLL, descriptor: int) -> None:
    if libc.setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def certificate(folder: Path, address: str) -> tuple[Path, Path]:
    """A certificate of its own for this address, and its key."""
    certificate, key = folder / "gateway-cert.pem", folder / "gateway-key.pem"
    wanted = ["-subj", "/CN=gateway", "-addext", f"subjectAltName=IP:{address},IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    subprocess.run([*argv, *files, *wanted], capture_output=True, timeout=60, check=True)
    key.chmod(0o600)
    return certificate, key
