"""Where a newer table comes from, and how it is known to be genuine. Nothing here is believed for its address alone.

A file or address: an ed25519 signature over its bytes, base64, beside it at the same name with `.sig`, by the key in the
settings; or the SHA-256 a person names. The newest published wheel of this tool: through pip as it is configured, which checks
the hash that the index gives; the table inside carries the seal of its release.
"""

import base64
import binascii
import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from upgrader.adapters.registry.trust import CertificatesUnreadable, Trust
from upgrader.adapters.registry.web import NotTrusted, Proxies, Web, WebFailed, WebRefused
from upgrader.adapters.table.reading import LIMIT_BYTES, NAME, SEAL
from upgrader.domain.ports import Command, Runner
from upgrader.domain.said import last_lines
from upgrader.errors import UpgraderError

_DISTRIBUTION = "openclaw-upgrader"
_PIP_LIMIT = timedelta(minutes=5)
_CONNECT_S, _READ_S = 5.0, 20.0
_SIGNATURE_BYTES = 4096
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class TableUntrusted(UpgraderError):
    """A table could not be fetched, or it is not known to be genuine. `code` names the cause."""

    default_code = "table_untrusted"
    default_hint = "`upgrader known check` shows the table that counts now"


@dataclass(frozen=True)
class Fetched:
    """The bytes of a table, and how it is known to be genuine."""

    raw: bytes
    source: str
    proof: str

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes."""
        return hashlib.sha256(self.raw).hexdigest()


@dataclass(frozen=True)
class TableSource:
    """`key` is the public key of the settings (base64, empty: none); `python` the interpreter whose pip is asked."""

    key: str
    python: Path
    runner: Runner
    environment: Mapping[str, str]

    def named(self, source: str, digest: str) -> Fetched:
        """The table of a file or an address, known by its signature or by the digest a person names. Raises TableUntrusted."""
        proxies = Proxies.named_by(self.environment)
        raw = _bytes(source, LIMIT_BYTES, proxies)
        if digest:
            found = hashlib.sha256(raw).hexdigest()
            if found != digest.lower():
                why = f"its SHA-256 is {found}"
                raise TableUntrusted(f"{source} is another table than you named", why=why, code="table_digest")
            return Fetched(raw, source, "its SHA-256 is the one you named")
        if not self.key:
            raise TableUntrusted(
                f"nothing says that {source} is genuine",
                why="no `table_key` stands in settings.toml, and no digest was named",
                hint="`upgrader known update SOURCE --sha256 DIGEST`, with a digest you have from somebody you trust",
                code="table_key_missing",
            )
        self._verify(source, raw, _bytes(f"{source}.sig", _SIGNATURE_BYTES, proxies))
        return Fetched(raw, source, "signed by the key in your settings")

    def newest_wheel(self) -> Fetched:
        """The table of the newest published wheel of this tool, from the user's own index. Raises TableUntrusted."""
        with TemporaryDirectory() as room:
            pip = (str(self.python), "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:")
            argv = (*pip, f"--dest={room}", _DISTRIBUTION)
            ran = self.runner.run(Command(argv, _PIP_LIMIT, self.environment))
            wheels = sorted(Path(room).glob("*.whl"))
            if ran.exit_code != 0 or not wheels:
                raise TableUntrusted(
                    "no published wheel of upgrader could be had",
                    why=last_lines(ran.stderr) or "pip brought none",
                    hint="`pip config list` shows which index is asked; a file or an address may be named instead",
                    code="wheel_unavailable",
                )
            return _from_wheel(wheels[-1])

    def _verify(self, source: str, raw: bytes, signature: bytes) -> None:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            key = Ed25519PublicKey.from_public_bytes(base64.b64decode(self.key, validate=True))
        except (ValueError, binascii.Error) as error:
            message = "`table_key` in settings.toml is no ed25519 public key"
            raise TableUntrusted(message, why=str(error), code="table_key") from error
        try:
            key.verify(base64.b64decode(signature.strip(), validate=True), raw)
        except (InvalidSignature, ValueError, binascii.Error) as error:
            raise TableUntrusted(
                f"the signature of {source} does not fit it",
                why="it was changed on the way, or signed by another key than the one in settings.toml",
                code="table_signature",
            ) from error


def _from_wheel(wheel: Path) -> Fetched:
    """The table inside, held against the seal beside it. The wheel itself was checked by pip."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = (f"upgrader/{NAME}", f"upgrader/{SEAL}")
            if any(archive.getinfo(name).file_size > LIMIT_BYTES for name in names):
                raise TableUntrusted(f"{wheel.name} holds a table that is too large", code="table_too_large")
            raw, seal = (archive.read(name) for name in names)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise TableUntrusted(f"{wheel.name} holds no sealed table", why=str(error), code="wheel_odd") from error
    found = Fetched(raw, wheel.name, "from your index, by the hash it gives; the seal inside fits")
    if seal.split()[:1] != [found.digest.encode()]:
        raise TableUntrusted(f"the table in {wheel.name} does not fit its seal", code="table_seal")
    return found


def _bytes(source: str, limit: int, proxies: Proxies) -> bytes:
    parts = urlsplit(source)
    if parts.scheme in ("http", "https"):
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise TableUntrusted(f"{source} is not asked", why="only https is", code="table_address")
        return _get(source, limit, proxies)
    path = Path(source)
    try:
        if path.stat().st_size > limit:
            raise TableUntrusted(f"{source} is too large", why=f"more than {limit // 1024} KiB", code="table_too_large")
        return path.read_bytes()
    except OSError as error:
        raise TableUntrusted(f"{source} cannot be read", why=error.strerror or "", code="table_unreadable") from error


def _get(url: str, limit: int, proxies: Proxies) -> bytes:
    web = Web(Trust(), proxies, _CONNECT_S, _READ_S)
    try:
        page = web.get(url, {})
        if page.status != 200:
            raise TableUntrusted(f"{url} cannot be had", why=f"it answers {page.status}", code="table_unreachable")
        body = b""
        for chunk in page.chunks():
            body += chunk
            if len(body) > limit:
                raise TableUntrusted(f"{url} is too large", why=f"more than {limit // 1024} KiB", code="table_too_large")
    except (WebFailed, WebRefused) as error:
        raise TableUntrusted(f"{url} cannot be had", why=str(error), code="table_unreachable") from error
    except (NotTrusted, CertificatesUnreadable) as error:
        raise TableUntrusted(f"{url} cannot be had", why="its certificate is not trusted", code="table_unreachable") from error
    return body
