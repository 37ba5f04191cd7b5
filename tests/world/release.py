"""Releases of the stand-in: a profile, what it is spoilt with, and the npm tarball made of both."""

import base64
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_SOURCE = Path(__file__).parent / "standin"
_PACKED_AT = 499162500  # npm stamps every file of a tarball with this second of 1985


@dataclass(frozen=True)
class StandIn:
    """One release of the stand-in package.

    `version` is what it calls itself; `like` names the profile it behaves as. `faults` are those of standin/source/faults.js
    and their kin (name -> settings), `changes` replace top-level entries of the profile.
    """

    version: str
    like: str = ""
    faults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)
    published: str = "2026-09-01T10:00:00.000Z"
    deprecated: str = ""

    def profile(self) -> dict[str, Any]:
        """What the package's profile.json says."""
        named = self.like or self.version
        kept: dict[str, Any] = json.loads((_SOURCE / "profiles" / f"{named}.json").read_text())
        return {**kept, "version": self.version, **self.changes, "faults": {k: dict(v) for k, v in self.faults.items()}}

    def manifest(self) -> dict[str, Any]:
        """Its package.json; with `openclaw.schemaVersions` where the real release has it."""
        profile = self.profile()
        manifest: dict[str, Any] = {
            "name": "openclaw",
            "version": self.version,
            "description": "stand-in for tests",
            "license": "MIT",
            "type": "module",
            "main": "dist/index.js",
            "bin": {"openclaw": "openclaw.mjs"},
            "engines": {"node": profile["engines"]},
            "dependencies": {},
        }
        if profile.get("declaresSchema"):
            manifest["openclaw"] = {"schemaVersions": profile["schema"]}
        if self.deprecated:
            manifest["deprecated"] = self.deprecated
        return manifest

    def files(self) -> dict[str, bytes]:
        """Path in the package -> content."""
        source = _SOURCE / "source"
        files = {f"dist/{p.relative_to(source).as_posix()}": p.read_bytes() for p in sorted(source.rglob("*.js"))}
        files["openclaw.mjs"] = (_SOURCE / "openclaw.mjs").read_bytes()
        files["dist/profile.json"] = json.dumps(self.profile(), indent=2).encode()
        files["package.json"] = json.dumps(self.manifest(), indent=2).encode()
        return files

    def tarball(self) -> bytes:
        """The package as npm packs it: everything below `package/`, gzipped, the same bytes each time."""
        return pack(self.files())


def pack(files: Mapping[str, bytes]) -> bytes:
    """An npm tarball of these files; whatever lies in bin/ or ends in .mjs may be executed."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, content in sorted(files.items()):
            entry = tarfile.TarInfo(f"package/{path}")
            entry.size, entry.mtime = len(content), _PACKED_AT
            entry.mode = 0o755 if path.endswith(".mjs") or path.startswith("bin/") else 0o644
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), mtime=0)


def integrity(tarball: bytes) -> str:
    """The subresource integrity string npm checks."""
    return "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode()
