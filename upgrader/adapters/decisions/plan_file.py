"""A saved plan on disk: one JSON document, private. It holds no secret; the configuration is in it as a digest alone."""

import json
from dataclasses import asdict, fields
from pathlib import Path

from upgrader.adapters.files.durable import replace_durably
from upgrader.domain.decisions.settings import Override
from upgrader.domain.plan.saved import SavedPlan, World
from upgrader.errors import UsageError

FORMAT = "upgrader-plan/1"
_LIMIT_BYTES = 1024 * 1024


def write_plan(path: Path, plan: SavedPlan) -> None:
    """Write it, in the place of what was there. Raises UsageError where it cannot be written."""
    document = {"format": FORMAT, **asdict(plan)}
    try:
        replace_durably(path, json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n")
    except OSError as error:
        why = error.strerror or type(error).__name__
        hint = "name a file in a folder that is there and can be written"
        raise UsageError(f"{path} cannot be written", why=why, hint=hint, code="plan_file") from error


def read_plan(path: Path) -> SavedPlan:
    """Read it. Raises UsageError where it is no plan of this version."""
    try:
        if path.stat().st_size > _LIMIT_BYTES:
            raise ValueError("it is too large")
        raw = json.loads(path.read_bytes())
        if raw["format"] != FORMAT:
            raise ValueError(f"its format is {str(raw['format'])[:40]!r}, not {FORMAT!r}")
        world = World(**{each.name: _text(raw["world"][each.name]) for each in fields(World)})
        overrides = tuple(Override(_text(each["rule"]), _text(each["reason"])) for each in raw["overrides"])
        return SavedPlan(_text(raw["made"]), world, overrides)
    except OSError as error:
        raise UsageError(f"{path} cannot be read", why=error.strerror or type(error).__name__, code="plan_file") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        why = f"{type(error).__name__}: {error}"[:200]
        hint = "`upgrader plan --out FILE` writes one"
        raise UsageError(f"{path} is no saved plan", why=why, hint=hint, code="plan_file") from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} is no text")
    return value
