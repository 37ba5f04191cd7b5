"""GET over loopback: no proxy, no redirect, bounded in time and bytes."""

import http.client
from dataclasses import dataclass
from datetime import timedelta

from upgrader.adapters.gateway.loopback_tls import unverified
from upgrader.domain.pairing.ports import HttpReply

_BODY_BYTES = 256 * 1024


@dataclass(frozen=True)
class LoopbackHttp:
    """Port Http."""

    limit: timedelta = timedelta(seconds=5)

    def get(self, port: int, path: str) -> HttpReply:
        """The answer, over TLS where plain HTTP is not understood; status 0 when nobody answers in time, or not in HTTP."""
        plain = http.client.HTTPConnection("127.0.0.1", port, timeout=self.limit.total_seconds())
        try:
            return _asked(plain, port, path)
        except (http.client.HTTPException, ConnectionResetError):
            pass
        except OSError:
            return HttpReply(0)
        secured = http.client.HTTPSConnection("127.0.0.1", port, timeout=self.limit.total_seconds(), context=unverified())
        try:
            return _asked(secured, port, path)
        except (OSError, http.client.HTTPException):
            return HttpReply(0)


def _asked(connection: http.client.HTTPConnection, port: int, path: str) -> HttpReply:
    try:
        connection.request("GET", path, headers={"Host": f"127.0.0.1:{port}", "Accept": "application/json"})
        response = connection.getresponse()
        return HttpReply(response.status, response.read(_BODY_BYTES))
    finally:
        connection.close()
