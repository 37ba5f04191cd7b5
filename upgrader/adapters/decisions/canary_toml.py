"""canary.toml and the probes directory in the tool's configuration: budgets, and programs of a person's own.

required = ["calendar"]          # of the programs in probes/; all others are wanted

[budgets]                        # seconds
doctor = 1800

[[probe]]
name = "mail"
command = ["/home/me/bin/ask-for-mail", "--quietly"]
need = "required"
seconds = 300
"""

import os
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from upgrader.domain.canary.own_probes import BudgetWish, CanarySettings, OwnProbe
from upgrader.domain.check import Need
from upgrader.errors import UpgraderError

NAME, PROBES = "canary.toml", "probes"
_Seconds = Annotated[float, Field(gt=0, le=7 * 86400)]


class CanarySettingsInvalid(UpgraderError):
    """canary.toml cannot be used."""

    default_code = "canary_settings_invalid"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Budgets(_Strict):
    doctor: _Seconds | None = None
    ready: _Seconds | None = None
    turn: _Seconds | None = None
    child: _Seconds | None = None
    terminal: _Seconds | None = None
    stop: _Seconds | None = None


class _Probe(_Strict):
    name: Annotated[str, Field(pattern=r"^[\w.-]{1,40}$")]
    command: Annotated[list[str], Field(min_length=1)]
    need: Need = Need.WANTED
    seconds: _Seconds = 120


class _File(_Strict):
    required: list[str] = []
    budgets: _Budgets = _Budgets()
    probe: list[_Probe] = []


def read_canary_settings(directory: Path) -> CanarySettings:
    """The settings and the executables of `probes/`, by name. Raises CanarySettingsInvalid with every problem."""
    path = directory / NAME
    try:
        said = _File.model_validate(tomllib.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        said = _File()
    except ValidationError as error:
        problems = (f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors())
        raise _invalid(path, "; ".join(problems)) from error
    except (OSError, ValueError, RecursionError) as error:
        raise _invalid(path, str(error)) from error
    listed = tuple(OwnProbe(p.name, tuple(p.command), p.need, timedelta(seconds=p.seconds)) for p in said.probe)
    found = tuple(_probes_in(directory / PROBES, frozenset(said.required)))
    _check(path, (*listed, *found), said.required)
    return CanarySettings(BudgetWish(**{k: _span(v) for k, v in said.budgets.model_dump().items()}), (*listed, *found))


def _probes_in(folder: Path, required: frozenset[str]) -> list[OwnProbe]:
    there = sorted(folder.iterdir()) if folder.is_dir() else []
    runnable = [path for path in there if path.is_file() and os.access(path, os.X_OK)]
    return [OwnProbe(p.name, (str(p),), Need.REQUIRED if p.name in required else Need.WANTED) for p in runnable]


def _check(path: Path, probes: tuple[OwnProbe, ...], required: list[str]) -> None:
    names = [probe.name for probe in probes]
    twice = sorted({name for name in names if names.count(name) > 1})
    missing = sorted(set(required) - set(names))
    relative = [probe.name for probe in probes if not probe.program.is_absolute()]
    problems = [
        *(f"{name}: two probes have this name" for name in twice),
        *(f"{name}: is required, and there is no such program in {PROBES}/" for name in missing),
        *(f"{name}: its program is not named by an absolute path" for name in relative),
    ]
    if problems:
        raise _invalid(path, "; ".join(problems))


def _span(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def _invalid(path: Path, why: str) -> CanarySettingsInvalid:
    return CanarySettingsInvalid(f"{path} cannot be used", why=why, hint="correct the file, or remove it")
