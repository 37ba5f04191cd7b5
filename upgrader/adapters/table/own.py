"""The tables that count on this machine: the shipped one or a newer one that was taken, and the user's own on top of it."""

import hashlib
import tomllib
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from upgrader.adapters.files.durable import make_private, replace_durably
from upgrader.adapters.table.build import build
from upgrader.adapters.table.reading import NAME, SEAL, is_sealed, load, read
from upgrader.domain.table.evidence import Entry, Origin, Table
from upgrader.domain.table.lint import TableInvalid, TableProblem

_HEADER = "# Entries of your own. They count in the place of those that came with upgrader; `upgrader known show` says so."
_OPINION_DAYS = 365


@dataclass(frozen=True)
class Tables:
    """`config` holds the user's own table, `data` the one taken by `known update`."""

    config: Path
    data: Path

    @property
    def own(self) -> Path:
        """The user's own table, which need not exist."""
        return self.config / NAME

    def load(self) -> Table:
        """What counts now. Raises TableInvalid."""
        base = self.base()
        if not self.own.exists():
            return base
        return base.overlaid(self._checked(self.own, str(self.own), Origin.OVERLAY))

    def base(self) -> Table:
        """The shipped table, or the taken one where that was revised later. One that was taken and is damaged is told."""
        shipped = load()
        taken = self._taken
        if not taken.exists():
            return shipped
        found = self._checked(taken, f"{NAME} (update)", Origin.TAKEN)
        return found if (found.revised or date.min) > (shipped.revised or date.min) else shipped

    def take(self, raw: bytes) -> None:
        """Let a checked table count from now on. Raises OSError."""
        folder = make_private(self._taken.parent)
        replace_durably(folder / NAME, raw)
        replace_durably(folder / SEAL, f"{hashlib.sha256(raw).hexdigest()}  {NAME}\n".encode())

    def add(self, values: dict[str, Any], today: date) -> Entry:
        """Write one entry into the user's own table, in the place of one of the same release. Raises TableInvalid, OSError."""
        import tomlkit  # only for those who edit

        from upgrader.adapters.table.check import checked

        text = read(self.own).decode("utf-8", errors="replace") if self.own.exists() else _empty(today)
        document: Any = tomlkit.parse(text)
        releases = document.setdefault("release", tomlkit.aot())
        for index in reversed([i for i, each in enumerate(releases) if each.get("version") == values["version"]]):
            del releases[index]
        entry = tomlkit.table()
        for key, value in values.items():
            entry.add(key, value)
        releases.append(entry)
        document["revised"] = today
        raw = tomlkit.dumps(document).encode()
        table = build(checked(raw, str(self.own)), str(self.own), Origin.OVERLAY)
        make_private(self.config)
        replace_durably(self.own, raw)
        return next(each for each in table.entries if str(each.version) == values["version"])

    @property
    def _taken(self) -> Path:
        return self.data / "table" / NAME

    def _checked(self, path: Path, source: str, origin: Origin) -> Table:
        """One of ours: the strict check is made again only where its bytes are not those that were checked."""
        raw = read(path)
        if is_sealed(raw, path.with_name(SEAL)):
            try:
                return build(tomllib.loads(raw.decode()), source, origin)
            except (ValueError, KeyError, TypeError) as error:
                raise TableInvalid(source, (TableProblem((), 0, f"not a table: {error}"),)) from error
        from upgrader.adapters.table.check import checked  # pydantic

        return build(checked(raw, str(path)), source, origin)


def _empty(today: date) -> str:
    return f"{_HEADER}\nformat = 1\nrevised = {today}\nexpires = {today + timedelta(days=_OPINION_DAYS)}\n"
