"""A gateway that serves with TLS is asked as well as a plain one; its certificate may name anybody."""

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

from upgrader.adapters.gateway.conversation import GatewaySocket
from upgrader.adapters.gateway.http_probe import LoopbackHttp


def made_up_certificate(folder: Path) -> ssl.SSLContext:
    """For another host than this one."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gateway.example")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    signed = made.not_valid_before(now).not_valid_after(now + timedelta(days=1)).sign(key, hashes.SHA256())
    file = folder / "both.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + signed.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def answer(_: ServerConnection, request: Request) -> Response | None:
    return Response(200, "OK", Headers(), b'{"ready":true}') if request.path == "/readyz" else None


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    context = made_up_certificate(tmp_path)
    with serve(lambda c: c.send("challenge"), "127.0.0.1", 0, ssl=context, process_request=answer) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join(10)


def test_http_and_websocket_find_their_way_into_tls(server: Server) -> None:
    port = int(server.socket.getsockname()[1])
    assert LoopbackHttp().get(port, "/readyz").status == 200
    assert GatewaySocket().greeting(port) == b"challenge"
