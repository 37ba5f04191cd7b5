"""Plugins read from a tarball that npm's cache already has."""

import base64
import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from upgrader.adapters.node.npm_cache import NpmCache

NAMES = ("package/package.json", "package/dist/extensions/discord/index.js", "package/extensions/slack/index.js")


def cached(root: Path, content: bytes) -> str:
    """Content in the cache, under its digest, which is returned as npm writes it."""
    digest = hashlib.sha512(content).hexdigest()
    place = root / "_cacache" / "content-v2" / "sha512" / digest[:2] / digest[2:4] / digest[4:]
    place.parent.mkdir(parents=True)
    place.write_bytes(content)
    return f"sha512-{base64.b64encode(bytes.fromhex(digest)).decode()}"


def tarball(*names: str) -> bytes:
    """A package with these files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(name))
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "plugins"),
    [
        (tarball(*NAMES), ("discord", "slack")),
        (tarball("package/package.json"), None),
        (tarball(*NAMES)[:60], None),
        (b"not packed at all", None),
    ],
    ids=["whole", "none in it", "cut off", "none"],
)
def test_plugins_are_read_from_what_npm_has_and_nothing_is_said_of_what_cannot_be_read(
    tmp_path: Path, content: bytes, plugins: tuple[str, ...] | None
) -> None:
    assert NpmCache(tmp_path).plugins(cached(tmp_path, content)) == plugins


@pytest.mark.parametrize("integrity", ["", "sha512-", "sha512-%%%", "md5-AAAA", f"sha512-{'A' * 86}=="])
def test_what_is_not_in_the_cache_tells_nothing(tmp_path: Path, integrity: str) -> None:
    assert NpmCache(tmp_path).plugins(integrity) is None
