"""Certificates and proxies, as npm's settings have them, over a real TLS server on loopback."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.adapters.registry_server import Reply, as_json, manifest, serving
from tests.adapters.test_registry import TARGET, registry
from upgrader.domain.plan.release import RegistryUnreachable
from upgrader.domain.secret import Secret


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1 that nobody but itself signed, with its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    place = tmp_path_factory.mktemp("tls") / "server.pem"
    private = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    place.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM) + key.private_bytes(*private))
    return place


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_a_certificate_that_is_not_trusted_hints_at_the_authority(tmp_path: Path, tls: ssl.SSLContext) -> None:
    with serving(lambda _asked, _count: Reply(500), tls) as server, pytest.raises(RegistryUnreachable) as caught:
        registry(server.url, tmp_path).release(TARGET)
    assert (caught.value.code, server.asked) == ("registry_certificate", [])
    assert "NODE_EXTRA_CA_CERTS" in caught.value.hint


@pytest.mark.parametrize("way", ["cafile", "ca", "extra_ca", "strict_ssl"])
def test_each_setting_of_npm_that_lets_a_certificate_through_does(
    tmp_path: Path, tls: ssl.SSLContext, certificate: Path, way: str
) -> None:
    public = certificate.read_text().partition("-----BEGIN PRIVATE")[0]
    value: Any = {"cafile": certificate, "extra_ca": certificate, "ca": (public,), "strict_ssl": False}[way]
    with serving(lambda _asked, _count: as_json(manifest("2026.9.6")), tls) as server:
        assert registry(server.url, tmp_path, **{way: value}).release(TARGET).version == TARGET


def test_a_redirect_away_from_https_is_refused(tmp_path: Path, tls: ssl.SSLContext) -> None:
    away = Reply(302, headers=(("Location", "http://127.0.0.1:1/x"),))
    with serving(lambda _asked, _count: away, tls) as server, pytest.raises(RegistryUnreachable) as caught:
        registry(server.url, tmp_path, strict_ssl=False).release(TARGET)
    assert caught.value.code == "registry_redirect"


def test_https_goes_through_a_tunnel_with_the_proxys_own_credential_alone(tmp_path: Path) -> None:
    with serving(lambda _asked, _count: Reply(403)) as proxy, pytest.raises(RegistryUnreachable) as caught:
        address = proxy.url.replace("//", "//me:hunter%32@")
        registry("https://registry.test/", tmp_path, https_proxy=Secret(address)).release(TARGET)
    assert {one.path for one in proxy.asked} == {"registry.test:443"}
    assert proxy.asked[0].headers["proxy-authorization"] == "Basic bWU6aHVudGVyMg=="
    assert "authorization" not in proxy.asked[0].headers
    assert "the proxy does not let it through" in caught.value.why and "hunter" not in str(vars(caught.value))
