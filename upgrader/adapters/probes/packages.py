"""Finds installed packages on disk: patterns are expanded, package.json is read, links are told from directories."""

import glob
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from upgrader.domain.installation.discovery import NotFound, TreeFacts
from upgrader.domain.installation.facts import InstallKind, Package
from upgrader.domain.installation.selection import Location, Selection
from upgrader.domain.kept.slot import ReadPackage
from upgrader.domain.version import Version
from upgrader.errors import UpgraderError

_PACKAGE_JSON_BYTES = 4 * 1024 * 1024
_START_SLACK_S = 2.0  # start times of processes are known to about a second
_NPMRC_BYTES = 1024 * 1024


@dataclass(frozen=True)
class PackageTrees:
    """Port Installs. `places` gives patterns, `kind` judges what was seen, `prefix` names the npm prefix of a pointer."""

    places: Callable[[Selection, Location, bytes], tuple[str, ...]]
    read: ReadPackage
    kind: Callable[[TreeFacts, Selection, Location], InstallKind]
    prefix: Callable[[Path], Path]

    def found(self, selection: Selection, location: Location) -> tuple[Package, ...]:
        """Every package in the usual places, each tree once. Raises NotFound where `--prefix` names no directory.

        A damaged package.json is passed over unless `--prefix` names it: then UpgraderError (`package_unreadable`).
        """
        if selection.prefix and not Path(selection.prefix).expanduser().is_dir():
            raise NotFound(
                f"{selection.prefix} is no directory", hint="`--prefix` is what `npm prefix -g` prints", code="no_prefix"
            )
        packages: dict[Path, Package] = {}
        for place in self._candidates(selection, location):
            package = self._package(place, selection, location)
            if package is not None:
                packages.setdefault(package.root, package)
        return tuple(packages.values())

    def at(self, place: Path, selection: Selection, location: Location) -> Package | None:
        """The package in this directory. Raises UpgraderError (`package_unreadable`) when its package.json is damaged."""
        try:
            raw = _read(place / "package.json", _PACKAGE_JSON_BYTES)
            root = place.resolve(strict=True)
        except OSError:
            return None
        facts = self.read(raw)
        seen = TreeFacts(place, root, place.is_symlink(), (root / ".git").exists(), _in_container())
        return Package(
            pointer=place,
            root=root,
            version=facts.version,
            kind=self.kind(seen, selection, location),
            prefix=self.prefix(place),
            engines=facts.engines,
            state_schema=facts.state_schema,
            agent_schema=facts.agent_schema,
        )

    def version_since(self, root: Path, moment: float) -> Version | None:
        """The version in this directory if its package.json has not changed since `moment` (seconds since the epoch)."""
        try:
            if (root / "package.json").stat().st_ctime > moment + _START_SLACK_S:
                return None
            return self.read(_read(root / "package.json", _PACKAGE_JSON_BYTES)).version
        except (OSError, UpgraderError):
            return None

    def _package(self, place: Path, selection: Selection, location: Location) -> Package | None:
        try:
            return self.at(place, selection, location)
        except UpgraderError:
            if selection.prefix:
                raise
            return None

    def _candidates(self, selection: Selection, location: Location) -> Iterator[Path]:
        if not selection.prefix:
            yield from _on_path(selection)
        npmrc = selection.environment.get("npm_config_userconfig") or str(location.home / ".npmrc")
        content = b""
        with suppress(OSError):
            content = _read(Path(npmrc), _NPMRC_BYTES)
        for pattern in self.places(selection, location, content):
            if "*" not in pattern:
                yield _lexical(pattern)
                continue
            for each in sorted(glob.glob(pattern), reverse=True):  # noqa: PTH207 - an absolute pattern
                yield _lexical(each)


def _on_path(selection: Selection) -> Iterator[Path]:
    """What `openclaw` and `node` on PATH lead to: a link into the package, or the prefix beside the program."""
    for folder in selection.environment.get("PATH", "").split(os.pathsep):
        if not folder.startswith("/"):
            continue
        program = Path(folder) / "openclaw"
        if program.is_symlink() or program.exists():
            with suppress(OSError):
                target = _lexical(str(program.parent / program.readlink())) if program.is_symlink() else program
                yield from (parent for parent in target.parents if parent.name == "openclaw")
            yield _lexical(str(program.parent.parent / "lib/node_modules/openclaw"))
        if (Path(folder) / "node").exists():
            yield _lexical(f"{folder}/../lib/node_modules/openclaw")


def _lexical(text: str) -> Path:
    return Path(os.path.normpath(text))


def _read(path: Path, limit: int) -> bytes:
    with path.open("rb") as file:
        return file.read(limit)


def _in_container() -> bool:
    return Path("/.dockerenv").exists() or Path("/run/.containerenv").exists()
