"""What one packet says of a call outward."""

import socket
import struct

import pytest

from upgrader.adapters.place.packets import outward

_IPV4, _IPV6 = 0x0800, 0x86DD


def ipv4(target: str, protocol: int, inner: bytes) -> bytes:
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(inner), 0, 0, 64, protocol, 0, bytes(4), socket.inet_aton(target))
    return head + inner


def ipv6(target: str, protocol: int, inner: bytes) -> bytes:
    address = socket.inet_pton(socket.AF_INET6, target)
    return struct.pack("!IHBB16s16s", 6 << 28, len(inner), protocol, 64, bytes(16), address) + inner


def tcp(port: int, flags: int) -> bytes:
    return struct.pack("!HHIIBBHHH", 40000, port, 1, 0, 0x50, flags, 0, 0, 0)


def udp(port: int, payload: bytes = b"") -> bytes:
    return struct.pack("!HHHH", 40000, port, 8 + len(payload), 0) + payload


QUESTION = bytes(12) + b"\x03api\x07example\x03org\x00\x00\x01\x00\x01"


@pytest.mark.parametrize(
    ("packet", "protocol", "said"),
    [
        (ipv4("192.0.2.1", 6, tcp(443, 0x02)), _IPV4, "TCP 192.0.2.1:443"),
        (ipv4("192.0.2.1", 6, tcp(443, 0x12)), _IPV4, ""),
        (ipv4("192.0.2.1", 6, tcp(443, 0x14)), _IPV4, ""),
        (ipv4("127.0.0.1", 6, tcp(18789, 0x02)), _IPV4, ""),
        (ipv4("192.0.2.1", 17, udp(123)), _IPV4, "UDP 192.0.2.1:123"),
        (ipv4("127.0.0.1", 17, udp(5000)), _IPV4, ""),
        (ipv4("127.0.0.53", 17, udp(53, QUESTION)), _IPV4, "DNS api.example.org"),
        (ipv4("10.0.0.2", 17, udp(53, b"short")), _IPV4, "DNS 10.0.0.2:53"),
        (ipv6("2001:db8::1", 6, tcp(443, 0x02)), _IPV6, "TCP [2001:db8::1]:443"),
        (ipv6("::1", 6, tcp(443, 0x02)), _IPV6, ""),
        (b"", _IPV4, ""),
        (ipv4("192.0.2.1", 6, b"cut"), _IPV4, ""),
        (ipv4("192.0.2.1", 1, b"ping"), _IPV4, ""),
    ],
)
def test_a_packet_that_opens_a_way_out_is_named_and_nothing_else_is(packet: bytes, protocol: int, said: str) -> None:
    assert outward(packet, protocol) == said
