"""Makes device identities: the one place where a key is drawn."""

import base64
import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from upgrader.domain.pairing.ports import ClientIdentity
from upgrader.domain.secret import Secret


class FreshIdentities:
    """Port Identities."""

    def fresh(self) -> ClientIdentity:
        """A new Ed25519 identity in OpenClaw's forms."""
        key = Ed25519PrivateKey.generate()
        raw = key.public_key().public_bytes_raw()
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        public = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        return ClientIdentity(hashlib.sha256(raw).hexdigest(), public, Secret(pem))
