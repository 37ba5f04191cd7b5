"""GET over http.client: proxies, trust, packed answers; connections are kept, certificates read once.

The standard library's client: loading another takes as long as all the rest of a plan (requests 110 ms, urllib3 80, this 30).
Retries, redirects, limits and what an answer means are the caller's.
"""

import base64
import ssl
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import SplitResult, unquote, urlsplit

from upgrader.adapters.trust import Trust
from upgrader.domain.secret import Secret

_CHUNK = 64 * 1024
_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


class WebFailed(Exception):
    """No answer, or half of one: another try may bring it. The message says why."""


class NotTrusted(Exception):
    """Nobody who is believed vouches for the server's certificate."""


class WebRefused(Exception):
    """This cannot be asked at all. The message says why; it holds no credential."""


@dataclass(frozen=True)
class Proxies:
    """The proxy for each scheme (empty: none), and the hosts that are asked without one: names, `.domain`, or `*`."""

    http: Secret
    https: Secret
    spared: tuple[str, ...] = ()

    @classmethod
    def named_by(cls, environment: Mapping[str, str]) -> "Proxies":
        """Those of the usual variables."""
        http, https, spared = (environment.get(name) or environment.get(name.lower(), "") for name in _VARIABLES)
        names = tuple(name.strip().lower() for name in spared.split(",") if name.strip())
        return cls(Secret(http), Secret(https or http), names)

    def of(self, url: str) -> str:
        """The address of the proxy for `url`, empty where it is asked directly."""
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        for name in self.spared:
            bare = name.lstrip("*").lstrip(".").partition(":")[0]
            if name == "*" or (bare and (host == bare or host.endswith(f".{bare}"))):
                return ""
        return (self.https if parts.scheme == "https" else self.http).reveal()


@dataclass(frozen=True)
class Page:
    """An answer whose body is still on its way."""

    _response: HTTPResponse

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self._response.status

    def header(self, name: str) -> str:
        """A header, empty where there is none."""
        return self._response.getheader(name, "")

    def chunks(self) -> Iterator[bytes]:
        """The body as it comes, unpacked, in pieces of 64 KiB at most. Raises WebFailed where it breaks off."""
        packed = self.header("Content-Encoding").lower() in ("gzip", "x-gzip")
        unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS) if packed else None
        length, came = self.header("Content-Length"), 0
        try:
            while raw := self._response.read1(_CHUNK):
                came += len(raw)
                yield from _unpacked(raw, unpacker) if unpacker else (raw,)
        except (HTTPException, OSError, zlib.error) as error:
            raise WebFailed("its answer broke off") from error
        if (length.isdigit() and came < int(length)) or (unpacker is not None and not unpacker.eof):
            raise WebFailed("its answer broke off")

    def close(self) -> None:
        """Done with it, read to the end or not."""
        self._response.close()


class Web:
    """Asks servers. Not for several threads at once. `connect_s` counts for the way to a server, `read_s` for each wait."""

    def __init__(self, trust: Trust, proxies: Proxies, connect_s: float, read_s: float) -> None:
        self._proxies = proxies
        self._contexts = trust.contexts()
        self._context: ssl.SSLContext | None = None
        self._connect_s = connect_s
        self._read_s = read_s
        self._open: dict[tuple[str, str, str], HTTPConnection] = {}

    def get(self, url: str, headers: Mapping[str, str]) -> Page:
        """What is at `url`; no redirect is followed. Raises WebFailed, NotTrusted, WebRefused, CertificatesUnreadable."""
        parts = urlsplit(url)
        proxy = self._proxies.of(url)
        through = urlsplit(proxy) if proxy else None
        key = (parts.scheme, parts.netloc, proxy)
        target = url if through and parts.scheme == "http" else f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        sent = {"Accept-Encoding": "gzip", **headers}
        if through and parts.scheme == "http":
            sent |= _proxy_credential(through)
        kept = self._open.pop(key, None)
        if kept is not None:
            try:
                return self._ask(key, kept, target, sent)
            except WebFailed:
                kept.close()  # a server may end a kept connection at any time: once more with a new one
        return self._ask(key, self._connected(parts, through), target, sent)

    def _ask(self, key: tuple[str, str, str], connection: HTTPConnection, target: str, headers: Mapping[str, str]) -> Page:
        try:
            connection.request("GET", target, headers=dict(headers))
            response = connection.getresponse()
        except TimeoutError as error:
            raise WebFailed("it did not answer in time") from error
        except (HTTPException, OSError) as error:
            raise WebFailed("no connection could be made") from error
        except ValueError as error:
            raise WebRefused("what npm is configured to send is no header") from error
        self._open[key] = connection
        return Page(response)

    def _connected(self, parts: SplitResult, through: SplitResult | None) -> HTTPConnection:
        """A connection, open. Where a certificate is not trusted the next way of judging it is tried."""
        while True:
            connection = self._made(parts, through)
            try:
                connection.connect()
            except ssl.SSLCertVerificationError as error:
                connection.close()
                self._context = next(self._contexts, None)
                if self._context is None:
                    raise NotTrusted(str(parts.hostname)) from error
                continue
            except TimeoutError as error:
                raise WebFailed("it did not answer in time") from error
            except OSError as error:
                why = "the proxy does not let it through" if through else "no connection could be made"
                raise WebFailed(why) from error
            except (HTTPException, ValueError) as error:
                raise WebRefused(f"it cannot be asked ({type(error).__name__})") from error
            if connection.sock is not None:
                connection.sock.settimeout(self._read_s)
            return connection

    def _made(self, parts: SplitResult, through: SplitResult | None) -> HTTPConnection:
        """To the server or its proxy, not yet open."""
        secure = parts.scheme == "https"
        if through is not None and through.scheme == "https" and secure:
            raise WebRefused("a proxy that is spoken to over TLS itself is not supported: write it with http://")
        try:
            host, port = ((through or parts).hostname or ""), (through or parts).port
            if not secure and (through is None or through.scheme == "http"):
                return HTTPConnection(host, port, timeout=self._connect_s)
            connection = HTTPSConnection(host, port, timeout=self._connect_s, context=self._trusting())
            if through is not None and secure:
                connection.set_tunnel(parts.hostname or "", parts.port or 443, _proxy_credential(through))
        except (HTTPException, ValueError) as error:
            raise WebRefused(f"it cannot be asked ({type(error).__name__})") from error
        return connection

    def _trusting(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = next(self._contexts)
        return self._context


def _unpacked(raw: bytes, unpacker: "zlib._Decompress") -> Iterator[bytes]:
    """In pieces: a small packed answer may be a large one."""
    while raw:
        yield unpacker.decompress(raw, _CHUNK)
        raw = unpacker.unconsumed_tail


def _proxy_credential(proxy: SplitResult) -> dict[str, str]:
    if not proxy.username:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
