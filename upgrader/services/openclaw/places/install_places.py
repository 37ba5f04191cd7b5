"""Where OpenClaw's package can be installed, and of which kind an install is. Pure: patterns and facts in, judgements out.

Sources: `npm help folders` and `npm help npmrc` of npm 11 (prefix, `lib/node_modules`); docs/install/installer.md,
docs/install/nix.md, docs/install/docker.md, docs/install/bun.md of 2026.9.6; the default folders of the version managers.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from upgrader.domain.installation.discovery import TreeFacts
from upgrader.domain.installation.facts import InstallKind, Obstacle, Package
from upgrader.domain.installation.selection import Location, Selection

_IN_PREFIX = "lib/node_modules/openclaw"
_VARIABLE = re.compile(r"\$\{([^}]+)\}")
# Node version managers keep one npm prefix for each Node: patterns below the account's home.
_MANAGED = (
    ".nvm/versions/node/*",
    ".local/share/fnm/node-versions/*/installation",
    ".fnm/node-versions/*/installation",
    ".local/share/mise/installs/node/*",
    ".asdf/installs/nodejs/*",
    ".volta/tools/image/packages/openclaw",
    ".nodenv/versions/*",
    "n",
)
_OTHER = (
    ".bun/install/global/node_modules/openclaw",
    ".local/share/pnpm/global/*/node_modules/openclaw",
    "Library/pnpm/global/*/node_modules/openclaw",
)
_IMAGE = "/app"  # WORKDIR of OpenClaw's own image (its Dockerfile)
_SYSTEM = ("/usr/local", "/usr", "/opt/homebrew", "/home/linuxbrew/.linuxbrew")


def places(selection: Selection, location: Location, npmrc: bytes) -> tuple[str, ...]:
    """Patterns of package directories, the most likely first. With `--prefix` only that one.

    npm takes its prefix from the environment, then from the user's npmrc, else from where Node lies.
    """
    if selection.prefix:
        prefix = _expanded(selection.prefix, location.home, selection.environment)
        return (f"{prefix}/{_IN_PREFIX}", f"{prefix}/node_modules/openclaw")
    prefixes = [
        _expanded(selection.environment.get(name, ""), location.home, selection.environment)
        for name in ("npm_config_prefix", "NPM_CONFIG_PREFIX", "PREFIX")
    ]
    prefixes.append(_expanded(_npmrc_prefix(npmrc), location.home, selection.environment))
    homes = tuple(dict.fromkeys((location.home, selection.account_home)))
    prefixes += [f"{home}/{each}" for home in homes for each in (".npm-global", ".local", *_MANAGED)]
    prefixes += _SYSTEM
    trees = [f"{prefix}/{_IN_PREFIX}" for prefix in prefixes if prefix]
    trees += [f"{home}/{each}" for home in homes for each in _OTHER]
    trees += [f"{location.state}/{_IN_PREFIX}", f"{location.state}/tools/node*/{_IN_PREFIX}", _IMAGE]
    return tuple(dict.fromkeys(trees))


def kind_of(facts: TreeFacts, selection: Selection, location: Location, slots: Path) -> InstallKind:
    """Which kind of install a tree is, the first that fits. `slots` is where our own installs lie."""
    parts = facts.root.parts
    nix = selection.environment.get("OPENCLAW_NIX_MODE", "").strip() == "1" or facts.root.is_relative_to("/nix/store")
    kinds = (
        (InstallKind.NIX, nix),
        (InstallKind.SLOT, facts.root.is_relative_to(slots)),
        (InstallKind.IN_STATE, facts.root.is_relative_to(location.state)),
        (InstallKind.BUN, ".bun" in parts),
        (InstallKind.PNPM, ".pnpm" in parts or "pnpm" in parts),
        (InstallKind.GIT, facts.is_checkout),
        (InstallKind.IMAGE, facts.in_container and facts.root == Path(_IMAGE)),
        (InstallKind.NPM_GLOBAL, facts.pointer.parts[-3:] == ("lib", "node_modules", "openclaw") or facts.is_link),
    )
    return next((kind for kind, holds in kinds if holds), InstallKind.PROJECT)


def prefix_of(pointer: Path) -> Path:
    """The npm prefix of a package directory `<prefix>/lib/node_modules/openclaw`, or the folder of the project it is in."""
    return pointer.parents[2] if pointer.parts[-3:-1] == ("lib", "node_modules") else pointer.parent.parent


_REFUSED = {
    InstallKind.PNPM: ("pnpm keeps it in its own store", "install it with `npm install -g openclaw@VERSION` and remove pnpm's"),
    InstallKind.BUN: ("bun keeps it in its own folder", "install it with `npm install -g openclaw@VERSION` and remove bun's"),
    InstallKind.GIT: (
        "it is a git checkout",
        "update it with git, or install a release with `npm install -g openclaw@VERSION`",
    ),
    InstallKind.NIX: ("Nix manages it and its configuration", "change the release in your Nix configuration"),
    InstallKind.IMAGE: ("it is part of a container image", "pull another image and start the container anew"),
    InstallKind.PROJECT: ("it is a dependency of a project", "install it with `npm install -g openclaw@VERSION`"),
    InstallKind.IN_STATE: (
        "the package lies inside the state directory, which is exchanged as a whole",
        "install it outside with `npm install -g openclaw@VERSION`",
    ),
}


def refusal_of(package: Package) -> tuple[Obstacle, ...]:
    """Why an install of this kind is not moved, empty where it is."""
    if package.kind not in _REFUSED:
        return ()
    why, hint = _REFUSED[package.kind]
    message = f"openclaw {package.version} in {package.root} is of a kind that is not supported: {package.kind.value}"
    return (Obstacle(f"install_kind_{package.kind.name.lower()}", message, why, hint.replace("VERSION", str(package.version))),)


def _npmrc_prefix(npmrc: bytes) -> str:
    for line in npmrc.decode(errors="replace").splitlines():
        name, equals, value = line.partition("=")
        if equals and name.strip() == "prefix":
            return value.strip().strip("\"'")
    return ""


def _expanded(text: str, home: Path, environment: Mapping[str, str]) -> str:
    """npmrc values may hold `${NAME}` and begin with `~/`."""
    text = _VARIABLE.sub(lambda match: environment.get(match.group(1), match.group(0)), text.strip())
    return str(home) + text[1:] if text == "~" or text.startswith("~/") else text.rstrip("/")
