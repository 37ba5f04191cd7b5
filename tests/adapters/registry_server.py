"""A small registry on loopback that answers as it is told and remembers what it was asked."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Reply:
    """One answer. `body` as it goes over the wire; `cut` closes the connection after that many bytes."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    cut: int | None = None


@dataclass(frozen=True)
class Asked:
    """One request: path and headers, names in lower case."""

    path: str
    headers: Mapping[str, str] = field(repr=False)


Answering = Callable[[Asked, int], Reply]


def manifest(version: str, **more: object) -> Mapping[str, object]:
    """A manifest as npm registries give it."""
    dist = {"integrity": "sha512-abc", "tarball": f"http://127.0.0.1/{version}.tgz"}
    return {"name": "openclaw", "version": version, "engines": {"node": ">=22"}, "dist": dist, **more}


def as_json(document: object, **headers: str) -> Reply:
    """A document as an answer; header names with underscores for dashes."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Reply(200, json.dumps(document).encode(), (("Content-Type", "application/json"), *named))


def of(*versions: str) -> Answering:
    """A plain registry that has these releases."""

    def answer(asked: Asked, _count: int) -> Reply:
        name = asked.path.removeprefix("/openclaw").lstrip("/")
        if not name:
            tags = {"latest": versions[-1]} if versions else {}
            return as_json({"name": "openclaw", "dist-tags": tags, "versions": {one: manifest(one) for one in versions}})
        if name == "latest" and versions:
            name = versions[-1]
        return as_json(manifest(name)) if name in versions else Reply(404, b"{}")

    return answer


@dataclass
class Serving:
    """A running server: where it is, and what it was asked, in order."""

    url: str
    asked: list[Asked]

    @property
    def paths(self) -> list[str]:
        """The paths it was asked for."""
        return [one.path for one in self.asked]


@contextmanager
def serving(answer: Answering, tls: ssl.SSLContext | None = None) -> Iterator[Serving]:
    """Serve on a free port of loopback until the block ends; CONNECT is remembered too, and refused."""
    seen: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = Asked(self.path, {name.lower(): value for name, value in self.headers.items()})
            seen.append(asked)
            reply = answer(asked, len(seen))
            self.send_response(reply.status)
            for name, value in reply.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(reply.body if reply.cut is None else reply.body[: reply.cut])
            self.close_connection = True

        do_CONNECT = do_GET  # noqa: N815 - the name http.server asks for

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield Serving(f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}/", seen)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
