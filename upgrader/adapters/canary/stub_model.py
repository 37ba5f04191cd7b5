"""A stand-in for a model provider: OpenAI-compatible chat completions on loopback. Standard library only.

It does what the message of a probe says and nothing else, so that a real agent turn runs without a key, without cost and
without a word leaving the machine:

    upgrader probe 1a2b3c: call sessions_spawn with {"task": "upgrader child 1a2b3c: say hi"}

is answered with that tool call, the tool's result with one line of text, and so is every other turn. It
wants a bearer token (a loopback port has no owner) and keeps nothing of a prompt but the nonce of a probe.

`serve()` runs it in a thread; `python -m upgrader.adapters.canary.stub_model --port N --token-file F --events F` as a process.
"""

import argparse
import hmac
import json
import os
import re
import secrets
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from upgrader.domain.canary.turns import ModelEvent, Saw

MODEL_ID = "canary-1"
_BODY_LIMIT = 64 * 1024 * 1024  # bytes; a long conversation with images is some megabytes
_RESULT_LIMIT = 4000  # characters kept of the tool result of a probe
_EVENT_LIMIT = 5000
_PROBE = re.compile(r"upgrader probe ([0-9a-f]{6,32}): call (\w+) with (\{.*?\}) end of probe", re.DOTALL)
_TURN = re.compile(r"upgrader turn ([0-9a-f]{6,32})")
_CHILD = re.compile(r"upgrader child ([0-9a-f]{6,32})")
_ANSWER = re.compile(r"upgrader answer ([0-9a-f]{6,32})")  # what a child says; whoever is told it has its answer
# OpenClaw 9.6 offers the model few tools and hides the others behind this one (seen in its own requests).
_WRAPPER = "tool_call"


class StubModel:
    """One running stub: where it listens and what it saw. Thread-safe."""

    def __init__(self, port: int, token: str, journal: Path | None, stop: Callable[[], None]) -> None:
        self._stop = stop
        self.port = port
        self.token = token
        self._journal = journal
        self._lock = threading.Lock()
        self._events: list[ModelEvent] = []
        self._alive = True

    @property
    def base_url(self) -> str:
        """The provider address to put into a configuration."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def alive(self) -> bool:
        """Whether it still answers; a turn that failed while it does not says nothing about the gateway."""
        return self._alive

    def events(self, nonce: str = "") -> tuple[ModelEvent, ...]:
        """What was seen so far, oldest first; only of one probe when its nonce is given."""
        with self._lock:
            return tuple(e for e in self._events if not nonce or e.nonce == nonce)

    def record(self, event: ModelEvent) -> None:
        """Keep one event, and append it to the journal as a JSON line where there is one."""
        with self._lock:
            self._events.append(event)
            del self._events[:-_EVENT_LIMIT]
            if self._journal:
                line = {"saw": event.saw.value, "nonce": event.nonce, "tool": event.tool, "result": event.result}
                descriptor = os.open(self._journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                with os.fdopen(descriptor, "a", encoding="utf-8") as file:
                    file.write(json.dumps(line) + "\n")

    def end(self) -> None:
        """Let it die before its block ends."""
        self._stop()

    def died(self) -> None:
        """Said by the server loop when it ends."""
        self._alive = False


@contextmanager
def serve(*, listener: socket.socket | None = None, token: str = "", journal: Path | None = None) -> Iterator[StubModel]:
    """Run the stub in a thread until the block ends.

    `listener` is a listening socket to use instead of a new one on a free loopback port: one made inside another
    network namespace makes the stub reachable there and nowhere else. An empty `token` means a fresh random one.
    """
    server = _Server(listener or _listen(0), journal, token or secrets.token_urlsafe(32))
    thread = threading.Thread(target=server.run, name="stub-model", daemon=True)
    thread.start()
    try:
        yield server.stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


def answer(body: Mapping[str, object]) -> tuple[ModelEvent, str, tuple[str, str] | None]:
    """What to say to one request: the event, the text, and the tool call as (name, JSON arguments) if one is due.

    The present turn is everything after the newest answer of ours: 9.x puts a message of its own after the person's, so
    the newest user message is not the prompt. A turn without any probe in its whole history that carries the mark of a
    child is a sub-agent's or another agent's: it gets text, else calls would breed.
    """
    messages = _dicts(body.get("messages"))
    last_own = max((i for i, m in enumerate(messages) if m.get("role") == "assistant"), default=-1)
    turn = messages[last_own + 1 :]
    asked, ever = _said_by_user(turn), _said_by_user(messages)
    probes = _PROBE.findall(ever)
    result = next((_text(m.get("content")) for m in turn if m.get("role") == "tool"), None)
    if result is not None:
        if not probes:
            return ModelEvent(Saw.TEXT), "done", None
        nonce, tool, _ = probes[-1]
        return ModelEvent(Saw.RESULT, nonce, tool, result[:_RESULT_LIMIT]), "the tool has answered", None
    if now := _PROBE.findall(asked):
        nonce, tool, arguments = now[-1]
        return _call(nonce, tool, arguments, _offered(body))
    child = _CHILD.search(asked)
    if child and not probes:
        nonce = child.group(1)
        return ModelEvent(Saw.CHILD, nonce), f"hi from the stand-in model: upgrader answer {nonce}", None
    returned = _ANSWER.search(asked)
    if returned and returned.group(1) in {nonce for nonce, _, _ in probes}:
        return ModelEvent(Saw.RETURNED, returned.group(1)), "hello from the stand-in model", None
    named = _TURN.search(asked)
    return ModelEvent(Saw.TEXT, named.group(1) if named else ""), "hello from the stand-in model", None


def _call(nonce: str, tool: str, arguments: str, offered: frozenset[str]) -> tuple[ModelEvent, str, tuple[str, str] | None]:
    if tool in offered:
        return ModelEvent(Saw.CALLED, nonce, tool), "", (tool, arguments)
    if _WRAPPER in offered:
        wrapped = json.dumps({"id": tool, "args": json.loads(arguments)})
        return ModelEvent(Saw.CALLED, nonce, tool), "", (_WRAPPER, wrapped)
    return ModelEvent(Saw.NOT_OFFERED, nonce, tool), f"there is no tool {tool} here", None


def _offered(body: Mapping[str, object]) -> frozenset[str]:
    functions = (tool.get("function") for tool in _dicts(body.get("tools")))
    return frozenset(str(f.get("name")) for f in functions if isinstance(f, dict))


def _dicts(value: object) -> list[dict[str, object]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _said_by_user(messages: Sequence[Mapping[str, object]]) -> str:
    return "\n".join(_text(m.get("content")) for m in messages if m.get("role") == "user")


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(str(part.get("text", "")) for part in _dicts(content))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, listener: socket.socket, journal: Path | None, token: str) -> None:
        port = int(listener.getsockname()[1])
        super().__init__(("127.0.0.1", port), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.stub = StubModel(port, token, journal, self.shutdown)

    def run(self) -> None:
        try:
            self.serve_forever(poll_interval=0.1)
        finally:
            self.stub.died()
            self.server_close()  # a caller is refused at once: an open socket nobody reads would keep it waiting

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no event of ours."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is logged: a request line could carry what a user typed."""

    def do_GET(self) -> None:
        if not self._allowed():
            return
        models = {"object": "list", "data": [{"id": MODEL_ID, "object": "model", "owned_by": "upgrader"}]}
        self._reply(200, json.dumps(models).encode(), "application/json")

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        if size > _BODY_LIMIT:
            self.close_connection = True
            self._reply(413, b"{}", "application/json")
            return
        raw = self.rfile.read(size)
        if not self._allowed():
            return
        try:
            body = json.loads(raw)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            self._reply(400, b'{"error":{"message":"not a JSON object"}}', "application/json")
            return
        event, text, call = answer(body)
        self.server.stub.record(event)
        payload, kind = _encode(body, text, call)
        self._reply(200, payload, kind)

    def _allowed(self) -> bool:
        given = self.headers.get("Authorization", "").removeprefix("Bearer ").encode()
        if hmac.compare_digest(given, self.server.stub.token.encode()):
            return True
        self.server.stub.record(ModelEvent(Saw.REFUSED))
        self._reply(401, b'{"error":{"message":"wrong bearer token"}}', "application/json")
        return False

    def _reply(self, status: int, data: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _encode(body: Mapping[str, object], text: str, call: tuple[str, str] | None) -> tuple[bytes, str]:
    """One answer in the form asked for: a single JSON object, or server-sent events that end with [DONE]."""
    base: dict[str, object] = {"id": f"stub-{secrets.token_hex(6)}", "created": 0, "model": MODEL_ID}
    message: dict[str, object] = {"role": "assistant", "content": text or None}
    if call:
        function = {"name": call[0], "arguments": call[1]}
        message["tool_calls"] = [{"index": 0, "id": f"call_{secrets.token_hex(6)}", "type": "function", "function": function}]
    finish = "tool_calls" if call else "stop"
    usage = {"prompt_tokens": 8, "completion_tokens": 4, "total_tokens": 12}
    if not body.get("stream"):
        choice = {"index": 0, "message": message, "finish_reason": finish}
        whole = {**base, "object": "chat.completion", "choices": [choice], "usage": usage}
        return json.dumps(whole).encode(), "application/json"
    parts: list[dict[str, object]] = [
        {"choices": [{"index": 0, "delta": message, "finish_reason": None}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]},
        {"choices": [], "usage": usage},
    ]
    lines = [json.dumps({**base, "object": "chat.completion.chunk", **part}) for part in parts]
    return "".join(f"data: {line}\n\n" for line in [*lines, "[DONE]"]).encode(), "text/event-stream"


def _listen(port: int) -> socket.socket:
    listener = socket.create_server(("127.0.0.1", port), backlog=64)
    listener.set_inheritable(False)
    return listener


def main() -> None:
    """Serve until killed. The token is read from --token-file, which is made (0600) when it is not there."""
    options = argparse.ArgumentParser(description="a stand-in model provider on loopback")
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--token-file", type=Path, required=True)
    options.add_argument("--events", type=Path, help="append what was seen as JSON lines to this file")
    chosen = options.parse_args()
    with serve(listener=_listen(chosen.port), token=_token_of(chosen.token_file), journal=chosen.events):
        threading.Event().wait()


def _token_of(path: Path) -> str:
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32))
    return path.read_text("ascii").strip()


if __name__ == "__main__":
    main()
