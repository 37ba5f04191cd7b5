"""Port Registry over an npm registry: small documents first, everything kept, nothing believed blindly."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from upgrader.adapters.begun import Begun
from upgrader.adapters.node.npmrc import NpmSettings
from upgrader.adapters.probes.bundled_plugins import plugins_left_out
from upgrader.adapters.registry.cache import Cached, RegistryCache
from upgrader.adapters.registry.limits import Answer, Limits
from upgrader.domain.plan.facts import RegistryState, Signature
from upgrader.domain.plan.release import RegistryUnreachable, Release, ReleaseUnknown
from upgrader.domain.ports import Clock
from upgrader.domain.version import Version, nearest
from upgrader.errors import UsageError

if TYPE_CHECKING:
    from upgrader.adapters.registry.http import RegistryHttp

Reduce = Callable[[object], object]

# Within this time an answer is not even asked for again: what follows a `plan` is often an `upgrade`.
_FRESH = timedelta(minutes=5)
_KEYS = "-/npm/v1/keys"
_KEYS_FRESH = timedelta(days=1)


class Sourcing(Enum):
    """Whether the network may be used."""

    NETWORK = "network"
    CACHE_ONLY = "cache-only"


class NpmRegistry:
    """One package of one registry. `agent` is the User-Agent (tool and version)."""

    def __init__(
        self,
        package: str,
        settings: NpmSettings,
        cache: RegistryCache,
        clock: Clock,
        sourcing: Sourcing,
        agent: str,
        limits: Limits | None = None,
    ) -> None:
        self._package = package
        self._host = urlsplit(settings.registry).hostname or "the registry"
        self._limits = limits or Limits()
        self._agent = agent
        self._cache = cache
        self._clock = clock
        self._sourcing = sourcing
        self._begun: tuple[str, Begun[Answer]] | None = None
        self.settings = settings
        self.problems = settings.problems

    @cached_property
    def _http(self) -> "RegistryHttp":
        """What asks; loaded when the cache does not answer."""
        from upgrader.adapters.registry.http import RegistryHttp  # TLS

        return RegistryHttp(self.settings, self._clock, self._agent, self._limits)

    @property
    def state(self) -> RegistryState:
        """Where its answers come from."""
        return RegistryState.ANSWERED if self._sourcing is Sourcing.NETWORK else RegistryState.CACHED

    def release(self, version: Version) -> Release:
        """Facts of one release. Raises RegistryUnreachable or ReleaseUnknown."""
        found = self.find(version)
        if found is None:
            raise self._unknown(version)
        return found

    def find(self, version: Version) -> Release | None:
        """Facts of one release, None where the registry has none of that version. Raises RegistryUnreachable."""
        document = self._document(str(version), self._limits.document_bytes, reduced)
        found = read_release(document) if document is not None else None
        return found if found is not None and found.version == version else None

    def latest(self) -> Release | None:
        """What the registry calls `latest`, or None where it says nothing usable. Raises RegistryUnreachable."""
        document = self._document("latest", self._limits.document_bytes, reduced)
        found = read_release(document) if document is not None else None
        if found is not None:
            self._keep_as(found.version, document)
        return found

    def _keep_as(self, version: Version, document: object) -> None:
        """What `latest` says is what that version says: not asked for twice."""
        key = f"{self._package}/{version}"
        now = self._clock.now()
        kept = self._cache.get(key)
        if self._sourcing is Sourcing.NETWORK and (kept is None or now - kept.asked >= _FRESH):
            self._cache.put(key, Cached(document, "", "", now))

    def releases(self) -> tuple[Release, ...]:
        """All published releases, oldest first. Raises RegistryUnreachable."""
        document = self._document("", self._limits.packument_bytes, reduced_list)
        if not isinstance(document, dict):
            raise RegistryUnreachable(
                f"{self._host} has no package {self._package}",
                why="it answers that there is none, or in a form that is not npm's",
                hint="`npm config get registry` shows which registry is asked",
                code="package_unknown",
            )
        tags = _mapping(document.get("tags"))
        times = _mapping(document.get("times"))
        found = (read_release(each) for each in _mapping(document.get("versions")).values())
        full = (_with_list_facts(release, tags, times) for release in found if release is not None)
        return tuple(sorted(full, key=lambda release: release.version))

    def published(self, version: Version) -> datetime | None:
        """When it says that release was published, None where it does not. Raises RegistryUnreachable."""
        return next((each.published for each in self.releases() if each.version == version), None)

    def signature(self, release: Release) -> Signature:
        """Whether the registry's keys signed this release; UNKNOWN where it offers no signature or no keys."""
        if not release.signatures or not release.integrity:
            return Signature.UNKNOWN
        try:
            keys = self._keys()
        except RegistryUnreachable:
            keys = None
        if keys is None:
            return Signature.UNKNOWN
        from upgrader.adapters.registry.keys import judge  # cryptography

        return judge(self._package, release, keys, self._clock.now())

    def _keys(self) -> object:
        """The registry's public keys; None where it offers none. Kept for a day, a lack of them too."""
        kept = self._cache.get(_KEYS)
        now = self._clock.now()
        if self._sourcing is Sourcing.CACHE_ONLY or (kept is not None and timedelta(0) <= now - kept.asked < _KEYS_FRESH):
            return kept.document if kept else None
        document = self._http.get(_KEYS, self._limits.document_bytes, {}).document
        self._cache.put(_KEYS, Cached(document, "", "", now))
        return document

    def _document(self, name: str, limit: int, reduce: Reduce) -> object:
        """The reduced document, from cache or network; None where the registry has none."""
        key = f"{self._package}/{name}"
        kept = self._cache.get(key)
        if self._sourcing is Sourcing.CACHE_ONLY:
            if kept is None:
                raise RegistryUnreachable(
                    f"{self._package} {name or 'list of releases'} is not in the cache",
                    why="`--offline` asks no registry",
                    hint="leave `--offline` out once, the answers are kept",
                    code="offline_uncached",
                )
            return kept.document
        now = self._clock.now()
        if kept is not None and timedelta(0) <= now - kept.asked < _FRESH:
            return kept.document
        answer = self._answer(name, limit, kept)
        if answer.status == 304 and kept is not None:
            self._cache.put(key, Cached(kept.document, kept.etag, kept.last_modified, now))
            return kept.document
        if answer.document is None:
            return None
        document = reduce(answer.document)
        self._cache.put(key, Cached(document, answer.etag, answer.last_modified, now))
        return document

    def begin(self, name: str) -> None:
        """Ask for one document already (a version, a tag, or empty for the list), in a thread, unless a fresh one is kept."""
        kept = self._cache.get(f"{self._package}/{name}")
        fresh = kept is not None and timedelta(0) <= self._clock.now() - kept.asked < _FRESH
        if self._sourcing is Sourcing.NETWORK and not fresh:
            limit = self._limits.document_bytes if name else self._limits.packument_bytes
            self._begun = (name, Begun(lambda: self._http.get(self._path(name), limit, _validators(kept))))

    def _answer(self, name: str, limit: int, kept: Cached | None) -> Answer:
        """What the registry says, from what was begun where that is it; there is one conversation at a time."""
        begun, self._begun = self._begun, None
        if begun is not None and begun[0] == name:
            return begun[1].result()
        if begun is not None:
            begun[1].wait()
        return self._http.get(self._path(name), limit, _validators(kept))

    def _path(self, name: str) -> str:
        package = quote(self._package, safe="@")
        return f"{package}/{quote(name)}" if name else package

    def _unknown(self, version: Version) -> ReleaseUnknown:
        why = "the registry has no such release"
        try:
            known = tuple(release.version for release in self.releases())
        except RegistryUnreachable:
            known = ()
        near = ", ".join(str(one) for one in nearest(version, known))
        return ReleaseUnknown(
            f"{self._package} {version} is not published at {self._host}",
            why=f"{why}; near it are {near}" if near else why,
            hint="`upgrader plan` names a release worth going to",
        )


def reduced(document: object) -> object:
    """Of one manifest what is read from it: a manifest of 130 kB becomes less than one."""
    manifest = _mapping(document)
    dist = _mapping(manifest.get("dist"))
    return {
        "version": manifest.get("version"),
        "engines": {"node": _mapping(manifest.get("engines")).get("node")},
        "deprecated": manifest.get("deprecated"),
        "shrinkwrap": manifest.get("_hasShrinkwrap"),
        "left_out": plugins_left_out(manifest.get("files")),
        "schemas": _mapping(_mapping(manifest.get("openclaw")).get("schemaVersions")),
        "dist": {key: dist.get(key) for key in ("integrity", "tarball", "unpackedSize", "signatures")},
    }


def reduced_list(document: object) -> object:
    """The same of a full list."""
    packument = _mapping(document)
    if not isinstance(packument.get("versions"), dict):
        return None
    return {
        "tags": _mapping(packument.get("dist-tags")),
        "times": _mapping(packument.get("time")),
        "versions": {str(key): reduced(value) for key, value in _mapping(packument["versions"]).items()},
    }


def read_release(document: object) -> Release | None:
    """A release from a reduced manifest; odd fields become unknown, a version that is none makes it None."""
    manifest = _mapping(document)
    try:
        version = Version(_text(manifest.get("version")))
    except UsageError:
        return None
    dist, schemas = _mapping(manifest.get("dist")), _mapping(manifest.get("schemas"))
    deprecated = manifest.get("deprecated")
    shrinkwrap = manifest.get("shrinkwrap")
    return Release(
        version,
        engines=_text(_mapping(manifest.get("engines")).get("node")),
        integrity=_text(dist.get("integrity")),
        tarball=_text(dist.get("tarball")),
        deprecated="no reason is given" if deprecated is True else _text(deprecated),
        unpacked_bytes=_number(dist.get("unpackedSize")),
        state_schema=_number(schemas.get("state")),
        agent_schema=_number(schemas.get("agent")),
        has_shrinkwrap=shrinkwrap if isinstance(shrinkwrap, bool) else None,
        signatures=_signatures(dist.get("signatures")),
        left_out=_names(manifest.get("left_out")),
    )


def _names(value: object) -> tuple[str, ...] | None:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, (list, tuple)) else None


def _signatures(value: object) -> tuple[tuple[str, str], ...]:
    listed = value if isinstance(value, list) else []
    pairs = ((_text(_mapping(each).get("keyid")), _text(_mapping(each).get("sig"))) for each in listed)
    return tuple((keyid, signature) for keyid, signature in pairs if keyid and signature)


def _with_list_facts(release: Release, tags: Mapping[str, object], times: Mapping[str, object]) -> Release:
    name = str(release.version)
    tagged = tuple(sorted(tag for tag, version in tags.items() if version == name))
    return replace(release, tags=tagged, published=_moment(times.get(name)))


def _validators(kept: Cached | None) -> dict[str, str]:
    if kept is None:
        return {}
    found = {"If-None-Match": kept.etag, "If-Modified-Since": kept.last_modified}
    return {key: value for key, value in found.items() if value and value.isprintable()}


def _moment(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(_text(value))
    except ValueError:
        return None
    return found if found.tzinfo else None


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
