"""settings.toml in the tool's configuration: what a person decided once, not on every command line."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from upgrader.adapters.files.toml_lines import Lines
from upgrader.domain.decisions.settings import Override, Settings
from upgrader.errors import UpgraderError

NAME = "settings.toml"
_OLDEST_AGE_DAYS = 365
_CHANNELS = ("stable", "beta")


class SettingsInvalid(UpgraderError):
    """settings.toml cannot be used."""

    default_code = "settings_invalid"


def read_settings_file(directory: Path) -> Settings:
    """The settings; those of a person who has none are the defaults. Raises SettingsInvalid with every problem and its line."""
    path = directory / NAME
    try:
        text = path.read_text("utf-8")
        document = tomllib.loads(text)
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError, RecursionError) as error:
        raise _invalid(path, str(error)) from error
    problems = [*_top(document), *_accepts(document.get("accept", []))]
    if problems:
        lines = Lines(text)
        raise _invalid(path, "; ".join(f"line {lines.line(where)}: {what}" for where, what in problems))
    return Settings(
        minimum_age_days=document.get("minimum_age_days"),
        channel=document.get("channel", "stable"),
        table_url=document.get("table_url", ""),
        table_key=document.get("table_key", ""),
        accept=tuple(Override(each["rule"], each["reason"]) for each in document.get("accept", [])),
    )


Problem = tuple[tuple[str | int, ...], str]


def _top(document: Mapping[str, Any]) -> list[Problem]:
    known: dict[str, type] = {"minimum_age_days": int, "channel": str, "table_url": str, "table_key": str, "accept": list}
    found: list[Problem] = [((key,), f"{key}: no such key") for key in document if key not in known]
    words = {int: "number", str: "text", list: "list of tables"}
    for key, kind in known.items():
        if key in document and type(document[key]) is not kind:
            found.append(((key,), f"{key}: is not a {words[kind]}"))
    age = document.get("minimum_age_days")
    if type(age) is int and not 0 <= age <= _OLDEST_AGE_DAYS:
        found.append((("minimum_age_days",), f"minimum_age_days: {age} is not between 0 and {_OLDEST_AGE_DAYS}"))
    if isinstance(document.get("channel"), str) and document["channel"] not in _CHANNELS:
        found.append((("channel",), f"channel: is neither {' nor '.join(_CHANNELS)}"))
    return found


def _accepts(accepts: object) -> list[Problem]:
    found: list[Problem] = []
    for index, each in enumerate(accepts if isinstance(accepts, list) else []):
        keys = set(each) if isinstance(each, dict) else set()
        if keys != {"rule", "reason"} or not all(isinstance(value, str) and value for value in each.values()):
            found.append((("accept", index), f"accept[{index}]: has a rule and a reason, both texts, and nothing else"))
    return found


def _invalid(path: Path, why: str) -> SettingsInvalid:
    return SettingsInvalid(f"{path} cannot be used", why=why, hint="correct the file, or remove it to use the defaults")
