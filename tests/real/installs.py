"""Real OpenClaw releases, installed once from the registry npm is configured for and kept in the tests' cache."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from tests.world.node import NodeHome, cache_folder

# What 2026.2.x needs to install today: two of its dependencies have left the registry's main path since.
_OVERRIDES = {"libsignal": "npm:libsignal@6.0.0", "linkedom": "0.18.11"}
_WITHOUT_SCRIPTS = frozenset({"2026.2.21", "2026.2.22"})  # a native build that needs a toolchain
_LIMIT_S = 1800


@dataclass(frozen=True)
class Install:
    """One release on disk. `package` holds its package.json; `prefix` is an npm prefix whose `bin/openclaw` starts it."""

    version: str
    prefix: Path
    package: Path


def install(version: str, node: NodeHome) -> Install:
    """Install the release, or find it installed. Raises AssertionError with npm's last words.

    2026.8 and later as `npm install -g` leaves them; older ones in a project with overrides, linked into a prefix.
    """
    folder = cache_folder() / f"openclaw-{version}"
    with FileLock(f"{folder}.lock", timeout=_LIMIT_S):
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            _global_style(version, node, folder) if _is_new(version) else _project_style(version, node, folder)
            (folder / "complete").write_text(version + "\n")
    prefix = folder / "prefix"
    package = (prefix / "lib" / "node_modules" / "openclaw").resolve()
    found = json.loads((package / "package.json").read_text())["version"]
    assert found == version, f"{package} holds {found}, not {version}"
    return Install(version, prefix, package)


def _is_new(version: str) -> bool:
    year, month = (int(part) for part in version.split(".")[:2])
    return (year, month) >= (2026, 8)


def _global_style(version: str, node: NodeHome, folder: Path) -> None:
    prefix = folder / "prefix"
    _npm(node, folder, "install", "-g", f"openclaw@{version}", f"--prefix={prefix}", "--allow-scripts=openclaw")


def _project_style(version: str, node: NodeHome, folder: Path) -> None:
    project = folder / "project"
    project.mkdir()
    manifest = {"name": "slot", "private": True, "dependencies": {"openclaw": version}, "overrides": _OVERRIDES}
    (project / "package.json").write_text(json.dumps(manifest))
    _npm(node, project, "install", *(["--ignore-scripts"] if version in _WITHOUT_SCRIPTS else []))
    modules, commands = folder / "prefix" / "lib" / "node_modules", folder / "prefix" / "bin"
    modules.mkdir(parents=True)
    commands.mkdir()
    (modules / "openclaw").symlink_to(project / "node_modules" / "openclaw")
    (commands / "openclaw").symlink_to("../lib/node_modules/openclaw/openclaw.mjs")


def _npm(node: NodeHome, directory: Path, *words: str) -> None:
    """npm with the person's own registry settings: the environment goes through, only the Node is ours."""
    environment = {**os.environ, "PATH": f"{node.bin}:{os.environ['PATH']}"}
    argv = (str(node.npm), *words, "--no-audit", "--no-fund", "--loglevel=error")
    ended = subprocess.run(argv, env=environment, cwd=directory, capture_output=True, text=True, timeout=_LIMIT_S, check=False)
    assert ended.returncode == 0, f"npm {words[0]} of a real release failed: {ended.stderr[-800:]}"
