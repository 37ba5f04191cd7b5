"""GET over requests: whom to believe, which proxy, one session for all that is asked.

What the environment and other programs' settings say (proxies, bundled authorities, ~/.netrc) never counts by itself.
Retries, redirects, limits and what an answer means are the caller's.
"""

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ssl import SSLContext
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import InsecureRequestWarning

from upgrader.adapters.registry.trust import Trust
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

    _response: requests.Response

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self._response.status_code

    def header(self, name: str) -> str:
        """A header, empty where there is none."""
        return self._response.headers.get(name, "")

    def chunks(self) -> Iterator[bytes]:
        """The body as it comes, unpacked, in pieces of 64 KiB at most. Raises WebFailed where it breaks off."""
        try:
            yield from self._response.iter_content(_CHUNK)
        except requests.RequestException as error:
            raise WebFailed("its answer broke off") from error

    def close(self) -> None:
        """Done with it, read to the end or not."""
        self._response.close()


class Web:
    """Asks servers. Not for several threads at once. `connect_s` counts for the way to a server, `read_s` for each wait."""

    def __init__(self, trust: Trust, proxies: Proxies, connect_s: float, read_s: float) -> None:
        self._proxies = proxies
        self._contexts = trust.contexts()
        self._limits = (connect_s, read_s)
        self._session = requests.Session()
        self._session.trust_env = False
        self._trusting = False

    def get(self, url: str, headers: Mapping[str, str]) -> Page:
        """What is at `url`; no redirect is followed. Raises WebFailed, NotTrusted, WebRefused, CertificatesUnreadable.

        Where a certificate is not trusted the next way of judging it is tried.
        """
        if not self._trusting and url.startswith("https:"):
            self._trust_next(url)
        while True:
            try:
                return Page(self._asked(url, headers))
            except requests.exceptions.SSLError as error:
                self._trust_next(url, error)
            except requests.exceptions.ProxyError as error:
                raise WebFailed("the proxy does not let it through") from error
            except requests.exceptions.Timeout as error:
                raise WebFailed("it did not answer in time") from error
            except requests.exceptions.ConnectionError as error:
                raise WebFailed("no connection could be made") from error
            except (requests.RequestException, ValueError) as error:
                raise WebRefused(f"it cannot be asked ({type(error).__name__})") from error

    def _asked(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        proxy = self._proxies.of(url)
        through = {urlsplit(url).scheme: proxy} if proxy else {}
        with warnings.catch_warnings():
            # strict-ssl=false is the user's own setting and is told once, among the oddities of npm's configuration.
            warnings.simplefilter("ignore", InsecureRequestWarning)
            return self._session.get(
                url, headers=dict(headers), timeout=self._limits, stream=True, allow_redirects=False, proxies=through
            )

    def _trust_next(self, url: str, error: requests.exceptions.SSLError | None = None) -> None:
        context = next(self._contexts, None)
        if context is None:
            raise NotTrusted(str(urlsplit(url).hostname)) from error
        self._session.mount("https://", _Trusting(context))
        self._trusting = True


class _Trusting(HTTPAdapter):
    """Lets one context alone decide: requests would add its bundled authorities to it."""

    def __init__(self, context: SSLContext) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options, ssl_context=self._context)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        return super().proxy_manager_for(proxy, **options, ssl_context=self._context)

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Nothing to add."""

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {"ssl_context": self._context} if host["scheme"] == "https" else {}
