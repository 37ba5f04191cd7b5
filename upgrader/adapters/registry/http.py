"""GET from a registry: npm's proxies, trust and credentials; bounded in bytes, seconds, tries and redirects."""

import json
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urljoin, urlsplit

from upgrader.adapters.node.npmrc import NpmSettings
from upgrader.adapters.registry.limits import Answer as Answer
from upgrader.adapters.registry.limits import Limits as Limits
from upgrader.adapters.registry.trust import CertificatesUnreadable, Trust
from upgrader.adapters.registry.web import NotTrusted, Page, Proxies, Web, WebFailed, WebRefused
from upgrader.domain.plan.release import RegistryUnreachable
from upgrader.domain.ports import Clock

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
        trust = Trust(settings.strict_ssl, settings.cafile, settings.ca, settings.extra_ca)
        proxies = Proxies(settings.proxy, settings.https_proxy, settings.noproxy)
        self._web = Web(trust, proxies, limits.connect_s, limits.read_s)

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
            page = self._send(url, validators)
            try:
                if page.status not in _REDIRECTS:
                    return self._read(page, limit, deadline)
                target = urljoin(url, page.header("Location"))
            finally:
                page.close()
            parts = urlsplit(target)
            if parts.scheme not in ("http", "https") or (urlsplit(url).scheme == "https" and parts.scheme == "http"):
                raise self._unreachable("it redirects away from https", 1, code="registry_redirect")
            url = target
        raise self._unreachable("it redirects in a circle", 1, code="registry_redirect")

    def _send(self, url: str, validators: Mapping[str, str]) -> Page:
        headers = {"Accept": "application/json", "User-Agent": self._agent, **validators}
        credential = self._settings.authorization(url)
        if credential is not None:
            headers["Authorization"] = credential.reveal()
        try:
            return self._web.get(url, headers)
        except WebFailed as error:
            raise _Refused(str(error)) from error
        except WebRefused as error:
            raise self._unreachable(str(error), 1) from error
        except NotTrusted as error:
            why = "its certificate is not trusted"
            raise self._unreachable(why, 1, "registry_certificate", _CERTIFICATE_HINT) from error
        except CertificatesUnreadable as error:
            why = f"the certificates in {error} cannot be read"
            raise self._unreachable(why, 0, "registry_certificate", _CERTIFICATE_HINT) from error

    def _read(self, page: Page, limit: int, deadline: float) -> Answer:
        status = page.status
        if status in _TRIED_AGAIN:
            raise _Refused(f"it answers {status}", _retry_after(page))
        if status in (401, 403):
            raise self._unreachable(
                f"it refuses access ({status})", 1, "registry_denied", "`npm whoami` shows as whom npm asks"
            )
        if status in (304, 404, 410):
            return Answer(304 if status == 304 else 404)
        if status != 200:
            raise self._unreachable(f"it answers {status}", 1)
        body = self._body(page, limit, deadline)
        try:
            document = json.loads(body)
        except (ValueError, RecursionError) as error:
            why = "what it answers is not JSON: something between here and there may have answered instead"
            raise self._unreachable(why, 1, "registry_odd") from error
        return Answer(200, document, page.header("ETag")[:512], page.header("Last-Modified")[:128])

    def _body(self, page: Page, limit: int, deadline: float) -> bytes:
        """The decoded body; raises RegistryUnreachable instead of truncating."""
        parts: list[bytes] = []
        size = 0
        try:
            for chunk in page.chunks():
                parts.append(chunk)
                size += len(chunk)
                if size > limit:
                    raise self._unreachable(f"its answer is larger than {limit // 1024**2} MiB", 1, "registry_too_large")
                if self._clock.monotonic() > deadline:
                    raise self._unreachable(f"its answer took longer than {self._limits.total_s:.0f} s", 1)
        except WebFailed as error:
            raise _Refused(str(error)) from error
        return b"".join(parts)

    def _unreachable(self, why: str, tries: int, code: str = "", hint: str = "") -> RegistryUnreachable:
        host = urlsplit(self._settings.registry).hostname or "the registry"
        tried = f" (tried {tries} times)" if tries > 1 else ""
        return RegistryUnreachable(
            f"the package registry at {host} cannot be used",
            why=f"{why}{tried}",
            hint=hint or "`npm ping` shows how npm reaches it; `upgrader plan --offline` plans from what is cached",
            code=code,
        )


def _retry_after(page: Page) -> float | None:
    try:
        return max(0.0, float(page.header("Retry-After")))
    except ValueError:
        return None
