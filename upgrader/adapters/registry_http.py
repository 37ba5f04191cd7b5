"""GET from a registry: npm's proxies, trust and credentials; bounded in bytes, seconds, tries and redirects."""

import json
import ssl
import warnings
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import truststore
from requests.adapters import HTTPAdapter
from urllib3.exceptions import InsecureRequestWarning

from upgrader.adapters.npmrc import NpmSettings
from upgrader.adapters.registry_limits import Answer as Answer
from upgrader.adapters.registry_limits import Limits as Limits
from upgrader.domain.ports import Clock
from upgrader.domain.release import RegistryUnreachable

_CHUNK = 64 * 1024
_TRIED_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CERTIFICATE_HINT = "set NODE_EXTRA_CA_CERTS, or `cafile` in .npmrc, to the authority that signs it"


class _Refused(Exception):
    """This try failed in a way that another may mend."""

    def __init__(self, why: str, wait_s: float | None = None) -> None:
        super().__init__(why)
        self.wait_s = wait_s


class RegistryHttp:
    """Asks one registry. Not for several threads."""

    def __init__(self, settings: NpmSettings, clock: Clock, agent: str, limits: Limits) -> None:
        self._settings = settings
        self._clock = clock
        self._limits = limits
        self._agent = agent
        self._session: requests.Session | None = None

    def get(self, path: str, limit_bytes: int, validators: Mapping[str, str]) -> Answer:
        """The JSON document at `path` below the registry. Raises RegistryUnreachable."""
        deadline = self._clock.monotonic() + self._limits.total_s
        wait = self._limits.back_off_s
        for attempt in range(1, self._limits.tries + 1):
            try:
                return self._follow(urljoin(self._settings.registry, path), limit_bytes, validators, deadline)
            except _Refused as refused:
                pause = min(max(wait, refused.wait_s or 0.0), self._limits.longest_wait_s)
                if attempt == self._limits.tries or self._clock.monotonic() + pause >= deadline:
                    raise self._unreachable(str(refused), attempt) from refused
                self._clock.wait(timedelta(seconds=pause))
                wait *= 2
        raise self._unreachable("no try was allowed", 0)

    def _follow(self, url: str, limit: int, validators: Mapping[str, str], deadline: float) -> Answer:
        """One try, redirects included. The credential is chosen anew for each address: none goes to another host."""
        for _ in range(self._limits.redirects + 1):
            response = self._send(url, validators)
            with response:
                if response.status_code not in _REDIRECTS:
                    return self._read(response, limit, deadline)
                target = urljoin(url, response.headers.get("Location", ""))
            parts = urlsplit(target)
            if parts.scheme not in ("http", "https") or (urlsplit(url).scheme == "https" and parts.scheme == "http"):
                raise self._unreachable("it redirects away from https", 1, code="registry_redirect")
            url = target
        raise self._unreachable("it redirects in a circle", 1, code="registry_redirect")

    def _send(self, url: str, validators: Mapping[str, str]) -> requests.Response:
        headers = {"Accept": "application/json", "User-Agent": self._agent, **validators}
        credential = self._settings.authorization(url)
        if credential is not None:
            headers["Authorization"] = credential.reveal()
        try:
            with warnings.catch_warnings():
                # strict-ssl=false is the user's own setting and is told once, in `problems`.
                warnings.simplefilter("ignore", InsecureRequestWarning)
                return self._opened().get(
                    url,
                    headers=headers,
                    timeout=(self._limits.connect_s, self._limits.read_s),
                    stream=True,
                    allow_redirects=False,
                    proxies=self._proxies(url),
                )
        except requests.exceptions.SSLError as error:
            raise self._unreachable(
                "its certificate is not trusted", 1, code="registry_certificate", hint=_CERTIFICATE_HINT
            ) from error
        except requests.exceptions.ProxyError as error:
            raise _Refused("the proxy does not let it through") from error
        except requests.exceptions.Timeout as error:
            raise _Refused("it did not answer in time") from error
        except requests.exceptions.ConnectionError as error:
            raise _Refused("no connection could be made") from error
        except (requests.RequestException, ValueError) as error:
            raise self._unreachable(f"it cannot be asked ({type(error).__name__})", 1) from error

    def _read(self, response: requests.Response, limit: int, deadline: float) -> Answer:
        status = response.status_code
        if status in _TRIED_AGAIN:
            raise _Refused(f"it answers {status}", _retry_after(response))
        if status in (401, 403):
            raise self._unreachable(
                f"it refuses access ({status})", 1, "registry_denied", "`npm whoami` shows as whom npm asks"
            )
        if status in (304, 404, 410):
            return Answer(304 if status == 304 else 404)
        if status != 200:
            raise self._unreachable(f"it answers {status}", 1)
        body = self._body(response, limit, deadline)
        try:
            document = json.loads(body)
        except (ValueError, RecursionError) as error:
            why = "what it answers is not JSON: something between here and there may have answered instead"
            raise self._unreachable(why, 1, "registry_odd") from error
        headers = response.headers
        return Answer(200, document, headers.get("ETag", "")[:512], headers.get("Last-Modified", "")[:128])

    def _body(self, response: requests.Response, limit: int, deadline: float) -> bytes:
        """The decoded body; raises RegistryUnreachable instead of truncating."""
        parts: list[bytes] = []
        size = 0
        try:
            for chunk in response.iter_content(_CHUNK):
                parts.append(chunk)
                size += len(chunk)
                if size > limit:
                    raise self._unreachable(f"its answer is larger than {limit // 1024**2} MiB", 1, "registry_too_large")
                if self._clock.monotonic() > deadline:
                    raise self._unreachable(f"its answer took longer than {self._limits.total_s:.0f} s", 1)
        except requests.RequestException as error:
            raise _Refused("its answer broke off") from error
        return b"".join(parts)

    def _proxies(self, url: str) -> dict[str, str]:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        for name in self._settings.noproxy:
            bare = name.lstrip("*").lstrip(".").partition(":")[0]
            if name == "*" or (bare and (host == bare or host.endswith(f".{bare}"))):
                return {}
        proxy = self._settings.https_proxy if parts.scheme == "https" else self._settings.proxy
        return {parts.scheme: proxy.reveal()} if proxy else {}

    def _opened(self) -> requests.Session:
        if self._session is None:
            session = requests.Session()
            session.trust_env = False  # proxies, CAs and ~/.netrc of other programs: npm's settings alone count
            mount = Trusting(self._trust())
            session.mount("https://", mount)
            self._session = session
        return self._session

    def _trust(self) -> ssl.SSLContext:
        """As npm does it: strict-ssl off trusts all, ca or cafile replace the machine's trust, extra CAs add to it."""
        settings = self._settings
        try:
            if not settings.strict_ssl:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
                return context
            if settings.cafile or settings.ca:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                if settings.ca:
                    context.load_verify_locations(cadata="\n".join(settings.ca))
                if settings.cafile:
                    context.load_verify_locations(cafile=str(settings.cafile))
                return context
            context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # reads SSL_CERT_FILE, where OpenSSL decides
            if settings.extra_ca and settings.extra_ca.is_file():
                context.load_verify_locations(cafile=str(settings.extra_ca))
        except (OSError, ssl.SSLError, ValueError) as error:
            place = settings.cafile or settings.extra_ca or "ca"
            why = f"the certificates in {place} cannot be read"
            raise self._unreachable(why, 0, "registry_certificate", _CERTIFICATE_HINT) from error
        return context

    def _unreachable(self, why: str, tries: int, code: str = "", hint: str = "") -> RegistryUnreachable:
        host = urlsplit(self._settings.registry).hostname or "the registry"
        tried = f" (tried {tries} times)" if tries > 1 else ""
        return RegistryUnreachable(
            f"the package registry at {host} cannot be used",
            why=f"{why}{tried}",
            hint=hint or "`npm ping` shows how npm reaches it; `upgrader plan --offline` plans from what is cached",
            code=code,
        )


class Trusting(HTTPAdapter):
    """Lets our own trust alone decide: requests would add its bundled authorities to it."""

    def __init__(self, context: ssl.SSLContext) -> None:
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


def _retry_after(response: requests.Response) -> float | None:
    try:
        return max(0.0, float(response.headers.get("Retry-After", "")))
    except ValueError:
        return None
