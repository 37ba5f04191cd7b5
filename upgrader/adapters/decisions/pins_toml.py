"""pins.toml in the tool's configuration: one [[pin]] for each pinned installation. Editing keeps comments and order."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

from upgrader.adapters.files.durable import make_private, replace_durably
from upgrader.adapters.files.toml_lines import Lines
from upgrader.domain.decisions.pin import Pin
from upgrader.domain.version import Version
from upgrader.errors import UpgraderError

NAME = "pins.toml"
_KEYS = {"state": str, "version": str, "reason": str, "since": date, "until": date, "until_fixed": str}
_NEEDED = ("state", "version", "reason", "since")


class PinsInvalid(UpgraderError):
    """pins.toml cannot be used: a pin that is not understood must not be passed over."""

    default_code = "pins_invalid"


class PinsFile:
    """The pins of this user. `state` is the canonical state directory of the installation that is meant."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / NAME

    def get(self, state: Path) -> Pin | None:
        """The pin of one installation, None where there is none. Raises PinsInvalid."""
        return next((_pin(each) for each in self._read() if each["state"] == str(state)), None)

    def put(self, state: Path, pin: Pin | None) -> None:
        """Pin it, in the place of its pin of before; None takes the pin away. Raises PinsInvalid, OSError."""
        import tomlkit  # only for those who edit

        self._read()
        document = tomlkit.parse(self.path.read_text("utf-8")) if self.path.exists() else tomlkit.document()
        kept: Any = document.get("pin", [])
        others = [each for each in kept if each["state"] != str(state)]
        if len(others) < len(kept):
            for index in reversed([i for i, each in enumerate(kept) if each["state"] == str(state)]):
                del kept[index]
        if not others and "pin" in document:
            document.remove("pin")  # tomlkit writes an emptied list of tables as `pin = []`, to which none can be added
        if pin is not None:
            document.setdefault("pin", tomlkit.aot()).append(_table(state, pin))
        raw = tomlkit.dumps(document).encode()
        tomllib.loads(raw.decode())  # what cannot be read again is never written
        make_private(self.path.parent)
        replace_durably(self.path, raw)

    def _read(self) -> list[dict[str, Any]]:
        try:
            text = self.path.read_text("utf-8")
            document = tomllib.loads(text)
        except FileNotFoundError:
            return []
        except (OSError, ValueError, RecursionError) as error:
            raise self._invalid(str(error)) from error
        pins = document.get("pin", [])
        problems = [f"{key}: no such key" for key in document if key != "pin"]
        problems += ["pin: is not a list of tables"] if not isinstance(pins, list) else []
        lines = Lines(text)
        for index, each in enumerate(pins if isinstance(pins, list) else []):
            problems += [f"line {lines.line(('pin', index, key))}: pin[{index}].{key}: {what}" for key, what in _faults(each)]
        if problems:
            raise self._invalid("; ".join(problems))
        return list(pins)

    def _invalid(self, why: str) -> PinsInvalid:
        hint = "correct the file; no move is made while a pin is unclear"
        return PinsInvalid(f"{self.path} cannot be used", why=why, hint=hint)


def _faults(each: Any) -> list[tuple[str, str]]:
    if not isinstance(each, dict):
        return [("", "is not a table")]
    found = [(key, "no such key") for key in each if key not in _KEYS]
    found += [(key, "is missing") for key in _NEEDED if key not in each]
    found += [
        (key, f"is not a {'date' if kind is date else 'text'}")
        for key, kind in _KEYS.items()
        if key in each and type(each[key]) is not kind
    ]
    if isinstance(each.get("version"), str):
        try:
            Version(each["version"])
        except UpgraderError as error:
            found.append(("version", error.message))
    return found


def _pin(each: dict[str, Any]) -> Pin:
    until_fixed = each.get("until_fixed", "")
    return Pin(Version(each["version"]), each["reason"], each["since"], each.get("until"), until_fixed)


def _table(state: Path, pin: Pin) -> Any:
    import tomlkit

    table = tomlkit.table()
    values = {
        "state": str(state),
        "version": str(pin.version),
        "reason": pin.reason,
        "since": pin.since,
        "until": pin.until,
        "until_fixed": pin.until_fixed or None,
    }
    for key, value in values.items():
        if value is not None:
            table.add(key, value)
    return table
