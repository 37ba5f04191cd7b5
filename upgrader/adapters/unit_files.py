"""Reads systemd user units from disk: no service manager is asked, so it works without a session bus.

Syntax by systemd.unit(5), systemd.service(5) and systemd.exec(5): continuation lines, quotes, specifiers as `%%`, an empty
assignment that clears a list, drop-ins in the order of their names.
"""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from upgrader.domain.discovery import UnitFacts

_UNIT_BYTES = 1024 * 1024


@dataclass
class _Draft:
    command: tuple[str, ...] = ()
    assignments: tuple[tuple[str, str], ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class UnitFiles:
    """Port Units. `folders` are the places of user units, `{home}` standing for the account's home; the first one wins."""

    folders: tuple[str, ...] = ("{home}/.config/systemd/user", "/etc/systemd/user", "/usr/lib/systemd/user")

    def find(self, name: str, home: Path) -> UnitFacts | None:
        """The unit of this name with its drop-ins applied, None when there is none or it cannot be read."""
        for folder in self.folders:
            path = Path(folder.format(home=home)) / name
            if path.is_file():
                return _unit(path)
        return None


def _unit(path: Path) -> UnitFacts | None:
    folder = path.with_name(path.name + ".d")
    drop_ins = tuple(sorted(folder.glob("*.conf"))) if folder.is_dir() else ()
    draft = _Draft()
    try:
        for source in (path, *drop_ins):
            _apply(source, draft)
    except OSError:
        return None
    environment = dict(draft.assignments)
    for file in draft.files:
        environment.update(_environment_file(file))
    return UnitFacts(path.name, path, draft.command, environment, drop_ins)


def _apply(source: Path, draft: _Draft) -> None:
    section = ""
    for line in _lines(source):
        if line.startswith("["):
            section = line
        key, equals, value = line.partition("=")
        if section != "[Service]" or not equals:
            continue
        key, words = key.strip(), _words(value.strip())
        if key == "ExecStart":
            # Of several the last counts; characters before the path only change how it is started.
            draft.command = (words[0].lstrip("@-:+!"), *words[1:]) if words else ()
        elif key == "Environment":
            pairs = tuple((name, rest) for name, _, rest in (word.partition("=") for word in words))
            draft.assignments = (*draft.assignments, *pairs) if words else ()
        elif key == "EnvironmentFile":
            draft.files = (*draft.files, value.strip()) if value.strip() else ()


def _lines(source: Path) -> Iterator[str]:
    with source.open("rb") as file:
        text = file.read(_UNIT_BYTES).decode(errors="replace")
    for line in text.replace("\\\n", " ").splitlines():
        stripped = line.strip()
        if stripped and stripped[0] not in "#;":
            yield stripped


def _words(text: str) -> tuple[str, ...]:
    try:
        words = shlex.split(text, comments=False, posix=True)
    except ValueError:
        words = text.split()
    return tuple(word.replace("%%", "%").replace("$$", "$") for word in words)


def _environment_file(named: str) -> dict[str, str]:
    """`NAME=value` lines; a file that is not there is skipped, as with a leading `-`."""
    try:
        lines = tuple(_lines(Path(named.removeprefix("-"))))
    except OSError:
        return {}
    found = {}
    for line in lines:
        name, equals, value = line.partition("=")
        if equals:
            found[name.strip()] = (_words(value.strip()) or ("",))[0] if value.strip()[:1] in {'"', "'"} else value.strip()
    return found
