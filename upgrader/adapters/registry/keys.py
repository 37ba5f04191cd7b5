"""Whether a registry's keys signed a release. Loaded only where a registry offers both signatures and keys.

Source: lib/registry.js of pacote (npm 11): the message is `name@version:integrity`, the signature ECDSA over SHA-256 with a
key of `-/npm/v1/keys`, in which `key` is the DER of the public key in base64 and `expires` a time or null.
"""

import base64
import binascii
from datetime import datetime

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from upgrader.domain.plan.facts import Signature
from upgrader.domain.plan.release import Release


def judge(package: str, release: Release, keys: object, now: datetime) -> Signature:
    """GOOD when a key that held when it was published signed it; WRONG when a known key did not; else UNKNOWN."""
    listed = keys.get("keys") if isinstance(keys, dict) else None
    known = {str(each.get("keyid")): each for each in listed if isinstance(each, dict)} if isinstance(listed, list) else {}
    message = f"{package}@{release.version}:{release.integrity}".encode()
    found = {
        _one(known[keyid], signature, message, release.published or now)
        for keyid, signature in release.signatures
        if keyid in known
    }
    if Signature.WRONG in found:
        return Signature.WRONG
    return Signature.GOOD if Signature.GOOD in found else Signature.UNKNOWN


def _one(key: dict[object, object], signature: str, message: bytes, moment: datetime) -> Signature:
    expires = key.get("expires")
    try:
        if isinstance(expires, str) and datetime.fromisoformat(expires) < moment:
            return Signature.UNKNOWN
        public = load_der_public_key(base64.b64decode(str(key.get("key")), validate=True))
        sealed = base64.b64decode(signature, validate=True)
    except (ValueError, TypeError, binascii.Error, UnsupportedAlgorithm):
        return Signature.UNKNOWN
    if not isinstance(public, EllipticCurvePublicKey):
        return Signature.UNKNOWN
    try:
        public.verify(sealed, message, ECDSA(SHA256()))
    except InvalidSignature:
        return Signature.WRONG
    return Signature.GOOD
