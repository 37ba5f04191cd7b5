"""GET over loopback: no proxy, no redirect, bounded in time and bytes."""

import http.client
from dataclasses import dataclass
from datetime import timedelta

from upgrader.domain.observing import HttpReply

_BODY_BYTES = 256 * 1024


@dataclass(frozen=True)
class LoopbackHttp:
    """Port Http."""

    limit: timedelta = timedelta(seconds=5)

    def get(self, port: int, path: str) -> HttpReply:
        """The answer; status 0 when nobody answers in time, or not in HTTP."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=self.limit.total_seconds())
        try:
            connection.request("GET", path, headers={"Host": f"127.0.0.1:{port}", "Accept": "application/json"})
            response = connection.getresponse()
            return HttpReply(response.status, response.read(_BODY_BYTES))
        except (OSError, http.client.HTTPException):
            return HttpReply(0)
        finally:
            connection.close()
