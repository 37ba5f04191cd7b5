"""A small real npm registry on loopback, in a thread: what npm and upgrader ask, and the faults registries have."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from tests.world.release import StandIn, integrity, pack

_ABBREVIATED = "application/vnd.npm.install-v1+json"
_TARBALL = re.compile(r"^/(?P<name>(?:@[^/]+/)?[^/]+)/-/(?P<file>[^/]+\.tgz)$")


class RegistryFault(Enum):
    """What can be wrong with a registry."""

    NONE = "none"
    DOWN = "down"  # the connection is closed without an answer
    NOT_FOUND = "not found"  # 404 to everything
    NOT_ALLOWED = "not allowed"  # 405 to everything
    BROKEN = "broken"  # 500 to everything
    NOT_JSON = "not json"  # metadata is a page of HTML
    TAMPERED = "tampered"  # a tarball is not what its integrity says
    TRUNCATED = "truncated"  # a tarball ends in the middle
    SLOW = "slow"  # nothing is answered before `slow_s` seconds have passed
    NO_TIME = "no time"  # the packument has no `time`
    NEVER_ABBREVIATED = "never abbreviated"  # the short form is not honoured


@dataclass
class _Package:
    """All versions of one name."""

    manifests: dict[str, dict[str, Any]] = field(default_factory=dict)
    tarballs: dict[str, bytes] = field(default_factory=dict)
    times: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


class FakeRegistry:
    """`url` is what npm's `registry` setting wants. `fault` may be changed at any time; `requests` are (method, path)."""

    def __init__(self) -> None:
        self.fault = RegistryFault.NONE
        self.slow_s = 30.0
        self.hidden: set[str] = set()
        self.requests: list[tuple[str, str]] = []
        self.url = ""
        self._packages: dict[str, _Package] = {}
        self._released = threading.Event()

    @classmethod
    @contextmanager
    def serving(cls, *releases: StandIn) -> Iterator["FakeRegistry"]:
        """Serve these releases until the block ends; the last one is `latest`."""
        registry = cls()
        for release in releases:
            registry.publish(release)
        server = _Server(registry)
        registry.url = f"http://127.0.0.1:{server.server_address[1]}/"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="fake-registry", daemon=True)
        thread.start()
        try:
            yield registry
        finally:
            registry._released.set()
            server.shutdown()
            server.server_close()
            thread.join(timeout=5)

    def publish(self, release: StandIn, tag: str = "latest") -> None:
        """Add a release, or put another package in the place of one of the same version."""
        self._add("openclaw", release.manifest(), release.tarball(), release.published, tag)

    def publish_files(self, name: str, version: str, files: Mapping[str, bytes]) -> None:
        """Add a package made of these files; package.json is made where there is none."""
        manifest = {"name": name, "version": version}
        if "package.json" in files:
            manifest = json.loads(files["package.json"])
        whole = {"package.json": json.dumps(manifest).encode(), **files}
        self._add(name, manifest, pack(whole), "2026-01-01T00:00:00.000Z", "latest")

    def hide(self, version: str) -> None:
        """A mirror without this release: neither its metadata nor its tarball is there."""
        self.hidden.add(version)

    def retag(self, tag: str, version: str) -> None:
        """Let a dist-tag name another version."""
        self._packages["openclaw"].tags[tag] = version

    def _add(self, name: str, manifest: dict[str, Any], tarball: bytes, published: str, tag: str) -> None:
        package = self._packages.setdefault(name, _Package())
        version = manifest["version"]
        package.manifests[version] = manifest
        package.tarballs[version] = tarball
        package.times[version] = published
        package.tags[tag] = version

    def _dist(self, name: str, version: str) -> dict[str, Any]:
        tarball = self._packages[name].tarballs[version]
        return {
            "tarball": f"{self.url}{name}/-/{name.rpartition('/')[2]}-{version}.tgz",
            "integrity": integrity(tarball),
            "shasum": hashlib.sha1(tarball).hexdigest(),
            "fileCount": 20,
            "unpackedSize": len(tarball) * 4,
        }

    def one(self, name: str, version: str) -> dict[str, Any] | None:
        """The metadata of one version or of what a dist-tag names."""
        package = self._packages.get(name)
        if package is None:
            return None
        version = package.tags.get(version, version)
        if version not in package.manifests or version in self.hidden:
            return None
        return {**package.manifests[version], "_id": f"{name}@{version}", "dist": self._dist(name, version)}

    def packument(self, name: str, abbreviated: bool) -> dict[str, Any] | None:  # noqa: FBT001 - one private caller
        """All versions of a package, in the full or the short form."""
        package = self._packages.get(name)
        if package is None:
            return None
        shown = [v for v in package.manifests if v not in self.hidden]
        whole: dict[str, Any] = {
            "name": name,
            "dist-tags": {tag: v for tag, v in package.tags.items() if v in shown},
            "versions": {v: self.one(name, v) for v in shown},
        }
        if abbreviated:
            return {**whole, "modified": "2026-10-01T00:00:00.000Z"}
        if self.fault is not RegistryFault.NO_TIME:
            stamps = {v: package.times[v] for v in shown}
            whole["time"] = {"created": "2026-01-01T00:00:00.000Z", "modified": "2026-10-01T00:00:00.000Z", **stamps}
        return whole

    def tarball(self, name: str, file: str) -> bytes | None:
        """The bytes of `name-version.tgz`, spoilt when the fault says so."""
        package = self._packages.get(name)
        version = file.removeprefix(f"{name.rpartition('/')[2]}-").removesuffix(".tgz")
        if package is None or version not in package.tarballs or version in self.hidden:
            return None
        content = package.tarballs[version]
        if self.fault is RegistryFault.TAMPERED:
            return pack({"package.json": json.dumps({"name": name, "version": version}).encode(), "evil.js": b"// not it\n"})
        return content

    def wait_slowly(self) -> None:
        """Let the time of a slow registry pass, or end at once when serving ends."""
        self._released.wait(self.slow_s)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, registry: FakeRegistry) -> None:
        self.registry = registry
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is not worth a traceback."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""

    def do_GET(self) -> None:
        """Metadata and tarballs."""
        self._answer()

    def do_HEAD(self) -> None:
        """As GET, without the body."""
        self._answer()

    def do_POST(self) -> None:
        """Advisories and the like: this registry has none."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer()

    def _answer(self) -> None:
        registry = self.server.registry
        path = unquote(self.path.partition("?")[0])
        registry.requests.append((self.command, path))
        refused = {RegistryFault.NOT_FOUND: 404, RegistryFault.NOT_ALLOWED: 405, RegistryFault.BROKEN: 500}.get(registry.fault)
        if registry.fault is RegistryFault.DOWN:
            self.close_connection = True
            self.connection.close()
            return
        if registry.fault is RegistryFault.SLOW:
            registry.wait_slowly()
        if refused:
            self._send(refused, b'{"error":"refused"}')
        elif self.command == "POST" or path.startswith("/-/"):
            self._send(404, b'{"error":"not found"}')
        elif found := _TARBALL.match(path):
            self._send_tarball(registry.tarball(found["name"], found["file"]))
        else:
            self._send_metadata(path)

    def _send_metadata(self, path: str) -> None:
        registry = self.server.registry
        parts = path.strip("/").split("/")
        name = "/".join(parts[:2]) if path.startswith("/@") else parts[0]
        rest = parts[2:] if path.startswith("/@") else parts[1:]
        short = _ABBREVIATED in self.headers.get("Accept", "") and registry.fault is not RegistryFault.NEVER_ABBREVIATED
        body = registry.one(name, rest[0]) if rest else registry.packument(name, short)
        if registry.fault is RegistryFault.NOT_JSON:
            self._send(200, b"<html>please log in</html>", "text/html")
        elif body is None:
            self._send(404, b'{"error":"not found"}')
        else:
            self._send(200, json.dumps(body).encode(), _ABBREVIATED if short and not rest else "application/json")

    def _send_tarball(self, content: bytes | None) -> None:
        if content is None:
            self._send(404, b'{"error":"not found"}')
        elif self.server.registry.fault is RegistryFault.TRUNCATED:
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2])
            self.close_connection = True
        else:
            self._send(200, content, "application/octet-stream")

    def _send(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
