"""Reads what a place tries to send: every packet on its only interface, and who asks a service manager that is not there.

A fresh network namespace has no route, so a call to the world fails before a packet exists and nobody knows of it. Here
every address leads to the namespace's own loopback (a `local` route, as ip-route(8) names it): the call is refused there at
once, and the packet tells where it was to go. For a service manager, sockets stand at the places where one would listen;
whoever connects is asked its name by the kernel, and let go.
"""

import os
import socket
import struct
import threading
from contextlib import suppress
from pathlib import Path

from upgrader.adapters.place.unix_sockets import listen_at

_NEW_ROUTE, _ACKNOWLEDGE, _CREATE = 24, 0x5, 0x400  # <linux/rtnetlink.h>: RTM_NEWROUTE, NLM_F_REQUEST|ACK, NLM_F_CREATE
_MAIN, _BOOT, _HOST_SCOPE, _LOCAL = 254, 3, 254, 2  # RT_TABLE_MAIN, RTPROT_BOOT, RT_SCOPE_HOST, RTN_LOCAL
_OUT_INTERFACE = 4  # RTA_OIF
_EVERY_PROTOCOL = 0x0003  # ETH_P_ALL
_IPV4, _IPV6 = 0x0800, 0x86DD
_TCP, _UDP = 6, 17
_SHORTEST = {_TCP: 14, _UDP: 8}  # bytes of a header that are read
_SYN, _ACK = 0x02, 0x10
_NAME_PORT = 53
_WORDS = 6  # of a command line that are kept


def lead_everywhere_home() -> None:
    """Let every address lead to loopback. Needs CAP_NET_ADMIN in the namespace. Raises OSError."""
    index = socket.if_nametoindex("lo")
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as kernel:
        kernel.settimeout(5)
        for family in (socket.AF_INET, socket.AF_INET6):
            route = struct.pack("=BBBBBBBBI", family, 0, 0, 0, _MAIN, _BOOT, _HOST_SCOPE, _LOCAL, 0)
            payload = route + struct.pack("=HHi", 8, _OUT_INTERFACE, index)
            kernel.send(struct.pack("=IHHII", 16 + len(payload), _NEW_ROUTE, _ACKNOWLEDGE | _CREATE, family, 0) + payload)
            answer = kernel.recv(4096)
            number = -struct.unpack_from("=i", answer, 16)[0]
            if number and family == socket.AF_INET:  # a kernel without IPv6 has no IPv6 to call out by
                raise OSError(number, os.strerror(number), "local route")


def packet_socket() -> socket.socket:
    """Hears all packets of this namespace from here on. Needs CAP_NET_RAW. Raises OSError."""
    return socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_EVERY_PROTOCOL))


class Ear:
    """Reads a packet socket and keeps where the packets went."""

    def __init__(self, heard: socket.socket) -> None:
        self._socket = heard
        self._heard: dict[str, None] = {}
        threading.Thread(target=self._listen, daemon=True).start()

    def heard(self) -> tuple[str, ...]:
        """Every call outward, oldest first: `TCP 192.0.2.1:443`, `DNS example.org`."""
        return tuple(self._heard)

    def _listen(self) -> None:
        while True:
            with suppress(OSError):
                packet, where = self._socket.recvfrom(2048)
                if call := outward(packet, where[1]):
                    self._heard.setdefault(call)


def outward(packet: bytes, protocol: int) -> str:
    """What one packet (from its IP header on) asks of the world; empty for loopback's own traffic and for answers."""
    found = _ipv4(packet) if protocol == _IPV4 else _ipv6(packet) if protocol == _IPV6 else None
    if found is None:
        return ""
    kind, target, inner = found
    if len(inner) < _SHORTEST.get(kind, len(inner) + 1):
        return ""
    local = target.startswith("127.") or target in ("::1", "::ffff:127.0.0.1")
    if local and _port(inner) != _NAME_PORT:
        return ""
    return _tcp(target, inner) if kind == _TCP else _udp(target, inner)


def _tcp(target: str, segment: bytes) -> str:
    """A connection that is opened; answers and what follows are not told again."""
    flags = segment[13]
    return f"TCP {_address(target, _port(segment))}" if flags & _SYN and not flags & _ACK else ""


def _udp(target: str, datagram: bytes) -> str:
    port = _port(datagram)
    if port == _NAME_PORT:
        return f"DNS {_asked_name(datagram[8:]) or _address(target, port)}"
    return f"UDP {_address(target, port)}"


def _port(inner: bytes) -> int:
    """The port it goes to; TCP and UDP have it at the same place."""
    return int(struct.unpack_from("!H", inner, 2)[0])


def _ipv4(packet: bytes) -> tuple[int, str, bytes] | None:
    if len(packet) < 20:
        return None
    return packet[9], socket.inet_ntop(socket.AF_INET, packet[16:20]), packet[(packet[0] & 0xF) * 4 :]


def _ipv6(packet: bytes) -> tuple[int, str, bytes] | None:
    if len(packet) < 40:
        return None
    return packet[6], socket.inet_ntop(socket.AF_INET6, packet[24:40]), packet[40:]


def _address(target: str, port: int) -> str:
    return f"[{target}]:{port}" if ":" in target else f"{target}:{port}"


def _asked_name(message: bytes) -> str:
    """The first question of a DNS message (RFC 1035, 4.1.2)."""
    labels: list[str] = []
    at = 12
    while at < len(message) and 0 < (size := message[at]) < 64 and len(labels) < 32:
        labels.append(message[at + 1 : at + 1 + size].decode("ascii", "replace"))
        at += size + 1
    return ".".join(labels)


class Trap:
    """Sockets where a service manager would listen. Whoever connects is noted by its command line, and closed."""

    def __init__(self, places: tuple[Path, ...]) -> None:
        self._caught: dict[str, None] = {}
        for place in places:
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            listener = listen_at(place, 8)
            threading.Thread(target=self._serve, args=(listener, place.name), daemon=True).start()

    def caught(self) -> tuple[str, ...]:
        """Who reached for it, oldest first: `systemctl --user stop openclaw-gateway.service`."""
        return tuple(self._caught)

    def _serve(self, listener: socket.socket, name: str) -> None:
        while True:
            with suppress(OSError):
                caller, _ = listener.accept()
                with caller:
                    pid = struct.unpack("3i", caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
                    self._caught.setdefault(command_line(pid) or f"pid {pid} at {name}")


def command_line(pid: int) -> str:
    """The first words of a process's command line, programs by their names; empty when it is gone."""
    with suppress(OSError):
        words = (Path("/proc") / str(pid) / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        return " ".join(Path(word).name if word.startswith("/") else word for word in words[:_WORDS] if word)
    return ""
