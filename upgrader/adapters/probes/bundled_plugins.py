"""Which plugins lie in a package of OpenClaw, and which were installed by themselves."""

import re
from pathlib import Path

# Seen in the packages themselves: `extensions/` in 2026.2.17 and 2026.2.22, `dist/extensions/` in 2026.9.5 and 2026.9.6.
_INSIDE = (Path("dist/extensions"), Path("extensions"))
# Where plugins installed by themselves lie, below the state directory (docs/cli/plugins/install.md of 2026.9.6).
_OWN = Path("extensions")


# `files` in the manifest of 2026.9.5 and 2026.9.6: "!dist/extensions/discord/**"; 2026.2.17 names the folder "extensions/".
_LEFT_OUT = re.compile(r"!(?:dist/)?extensions/([A-Za-z0-9][\w.-]*)/\*\*")
_FOLDERS_THAT_SHIP = ("dist/", "extensions/", "dist/extensions/")


def plugins_left_out(files: object) -> tuple[str, ...] | None:
    """The plugins a manifest's `files` keep out of the package; None where it does not say what is in it."""
    listed = [each for each in files if isinstance(each, str)] if isinstance(files, list) else []
    if not any(each in _FOLDERS_THAT_SHIP for each in listed):
        return None
    found = (_LEFT_OUT.fullmatch(each) for each in listed)
    return tuple(sorted({match[1] for match in found if match and match[1] != "node_modules"}))


def bundled_plugins(package: Path) -> tuple[str, ...] | None:
    """The names of the plugins in the package at this directory; None where it has no such folder."""
    for folder in _INSIDE:
        found = _folders(package / folder)
        if found is not None:
            return found
    return None


def own_plugins(state: Path) -> tuple[str, ...]:
    """The names of the plugins that lie in the state directory."""
    return _folders(state / _OWN) or ()


def _folders(place: Path) -> tuple[str, ...] | None:
    try:
        return tuple(sorted(each.name for each in place.iterdir() if each.is_dir()))
    except OSError:
        return None
