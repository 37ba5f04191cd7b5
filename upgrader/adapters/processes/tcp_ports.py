"""TCP ports of this machine: who listens on one, and which are free on loopback."""

import errno
import socket
from contextlib import suppress

import psutil

from upgrader.domain.installation.endpoint import Listener, PortTaken
from upgrader.domain.installation.facts import ProcessIdentity

_LOOPBACK = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))  # a gateway bound to loopback listens on both
_TRIES = 200


def listeners_on(port: int) -> tuple[Listener, ...]:
    """Everybody who listens on this TCP port, on any address, in order of address."""
    found = {
        (each.laddr.ip, each.pid)
        for each in psutil.net_connections(kind="tcp")
        if each.status == psutil.CONN_LISTEN and each.laddr and each.laddr.port == port
    }
    return tuple(_listener(address, port, pid) for address, pid in sorted(found, key=lambda pair: (pair[0], pair[1] or 0)))


def is_free(port: int) -> bool:
    """Whether a gateway could listen there on loopback, IPv4 and IPv6."""
    return all(_bindable(family, address, port) for family, address in _LOOPBACK)


def free_port(beside: tuple[int, ...] = (), apart_from: tuple[int, ...] = ()) -> int:
    """A port that is free on loopback, together with those at the given distances from it (a gateway derives some).

    None of them is one of `apart_from`, or at those distances from it: what another gateway may open later stays its own.
    Somebody may take it between this look and its use. Raises PortTaken when none is found.
    """
    kept = {port for other in apart_from for port in _family(other, beside)}
    for _ in range(_TRIES):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        own = _family(port, beside)
        if max(own) <= 65535 and not kept & own and all(is_free(each) for each in own):
            return port
    raise PortTaken("no free port was found on loopback", why=f"{_TRIES} ports were tried")


def _family(port: int, beside: tuple[int, ...]) -> set[int]:
    return {port + distance for distance in (0, *beside)}


def _bindable(family: int, address: str, port: int) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # As Node's servers do: a port in TIME_WAIT is free, one that is listened on is not.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
    except OSError as error:
        # A machine without IPv6 has nothing there that could be taken.
        return error.errno in {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}
    return True


def _listener(address: str, port: int, pid: int | None) -> Listener:
    if pid is not None:
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            return Listener(address, port, ProcessIdentity(pid, process.create_time()), process.name())
    return Listener(address, port)
