"""A registry's signatures are checked as npm checks them; where they are missing it is unknown, and a wrong one is wrong."""

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from tests.adapters.registry_server import Answering, Asked, Reply, as_json, manifest, serving
from tests.adapters.test_registry import HandClock, registry
from upgrader.adapters.registry.keys import judge
from upgrader.adapters.registry.npm_registry import Sourcing
from upgrader.domain.plan.facts import Signature
from upgrader.domain.plan.release import Release
from upgrader.domain.version import Version

TARGET = Version("2026.9.6")
KEY = generate_private_key(SECP256R1())
OTHER = generate_private_key(SECP256R1())
INTEGRITY = "sha512-abc"


def signature(key: EllipticCurvePrivateKey = KEY, message: str = f"openclaw@{TARGET}:{INTEGRITY}") -> str:
    return base64.b64encode(key.sign(message.encode(), ECDSA(SHA256()))).decode()


def keys(expires: str | None = None) -> dict[str, object]:
    der = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    one = {"keyid": "SHA256:one", "keytype": "ecdsa-sha2-nistp256", "key": base64.b64encode(der).decode(), "expires": expires}
    return {"keys": [one]}


def signing(signed: str, offered: object) -> Answering:
    """A registry with one release that carries this signature, and these keys (None: it has no such place)."""
    dist = {"integrity": INTEGRITY, "tarball": "http://127.0.0.1/x.tgz", "signatures": [{"keyid": "SHA256:one", "sig": signed}]}

    def answer(asked: Asked, _count: int) -> Reply:
        if asked.path == "/-/npm/v1/keys":
            return as_json(offered) if offered is not None else Reply(404, b"{}")
        return as_json(manifest(str(TARGET), dist=dist))

    return answer


@pytest.mark.parametrize(
    ("signed", "offered", "wanted"),
    [
        (signature(), keys(), Signature.GOOD),
        (signature(OTHER), keys(), Signature.WRONG),
        (signature(message=f"openclaw@{TARGET}:sha512-other"), keys(), Signature.WRONG),
        (signature(message=f"openclaw@2026.9.5:{INTEGRITY}"), keys(), Signature.WRONG),
        (signature(), keys("2020-01-01T00:00:00.000Z"), Signature.UNKNOWN),
        (signature(), keys("2099-01-01T00:00:00.000Z"), Signature.GOOD),
        (signature(), None, Signature.UNKNOWN),
        (signature(), {"keys": []}, Signature.UNKNOWN),
        (signature(), {"keys": [{"keyid": "SHA256:one", "key": "AAAA"}]}, Signature.UNKNOWN),
        ("not base64!", keys(), Signature.UNKNOWN),
    ],
    ids=["good", "another key", "another digest", "another release", "old key", "key of now", "no keys", "none", "odd", "text"],
)
def test_a_signature_is_good_wrong_or_unknown(tmp_path: Path, signed: str, offered: object, wanted: Signature) -> None:
    with serving(signing(signed, offered)) as server:
        asking = registry(server.url, tmp_path)
        assert asking.signature(asking.release(TARGET)) is wanted


def test_without_a_signature_the_keys_are_not_asked_for(tmp_path: Path) -> None:
    with serving(lambda _asked, _count: as_json(manifest(str(TARGET)))) as server:
        asking = registry(server.url, tmp_path)
        assert asking.signature(asking.release(TARGET)) is Signature.UNKNOWN
        assert len(server.asked) == 1


def test_the_keys_are_kept_for_a_day_and_offline_they_are_what_was_kept(tmp_path: Path) -> None:
    with serving(signing(signature(), keys())) as server:
        clock = HandClock()
        asking = registry(server.url, tmp_path, clock)
        release = asking.release(TARGET)
        for _ in range(3):
            assert asking.signature(release) is Signature.GOOD
        assert server.paths.count("/-/npm/v1/keys") == 1
        offline = registry(server.url, tmp_path, clock, Sourcing.CACHE_ONLY)
        assert offline.signature(offline.release(TARGET)) is Signature.GOOD
        assert server.paths.count("/-/npm/v1/keys") == 1


leaves = st.none() | st.integers() | st.text(max_size=8)
json_values = st.recursive(leaves, lambda each: st.lists(each, max_size=3), max_leaves=5)
odd_keys = st.dictionaries(st.sampled_from(("keyid", "key", "expires", "x")), json_values)


@given(st.one_of(json_values, st.fixed_dictionaries({"keys": st.lists(st.one_of(odd_keys, json_values), max_size=3)})))
def test_whatever_a_registry_offers_as_keys_nothing_breaks_and_nothing_is_good(offered: object) -> None:
    release = Release(TARGET, integrity=INTEGRITY, signatures=(("SHA256:one", signature()), ("None", "AAAA")))
    assert judge("openclaw", release, offered, HandClock().now()) is not Signature.GOOD
