"""The strict check of a table: shape by the model, meaning by the lint; every problem with its key and line."""

import json
import tomllib
from collections.abc import Mapping
from datetime import date
from typing import Any

from pydantic import ValidationError

from upgrader.adapters.files.toml_lines import Lines
from upgrader.adapters.table.build import build
from upgrader.adapters.table.model import ADAPTER
from upgrader.domain.table.lint import TableInvalid, TableProblem, lint

_WORDS = {
    "extra_forbidden": "no such key",
    "missing": "is missing",
    "enum": "is not one of the words allowed here",
    "string_type": "is not a text",
    "tuple_type": "is not a list",
    "bool_type": "is neither true nor false",
    "date_type": "is not a date",
}


def checked(raw: bytes, source: str) -> Mapping[str, Any]:
    """The document of a table in which nothing is wrong. Raises TableInvalid with every problem found."""
    try:
        text = raw.decode("utf-8")
        document = tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise TableInvalid(source, (TableProblem((), 0, f"not TOML: {error}"),)) from error
    try:
        # JSON mode: strict about types, yet a list may become a tuple and a word an enum.
        ADAPTER.validate_json(json.dumps(document, default=_as_text))
    except ValidationError as error:
        raise TableInvalid(source, _problems(error, Lines(text))) from error
    except (TypeError, ValueError, RecursionError) as error:
        raise TableInvalid(source, (TableProblem((), 0, f"not a table: {error}"),)) from error
    found = lint(build(document, source))
    if found:
        lines = Lines(text)
        places = {str(each["version"]): index for index, each in enumerate(document["release"])}
        raise TableInvalid(source, tuple(_placed(problem, places, lines) for problem in found))
    return document


def _problems(error: ValidationError, lines: Lines) -> tuple[TableProblem, ...]:
    found = []
    for each in error.errors(include_url=False, include_context=False):
        path = tuple(each["loc"])
        words = _WORDS.get(each["type"], each["msg"].removeprefix("Value error, "))
        if each["type"] == "enum":
            words = each["msg"][:1].lower() + each["msg"][1:]
        found.append(TableProblem(path, lines.line(path), words, lines.column(path)))
    return tuple(sorted(found, key=lambda problem: problem.line))


def _placed(problem: TableProblem, places: dict[str, int], lines: Lines) -> TableProblem:
    """A problem of the meaning names its release; put the place in the file to it."""
    version, *rest = problem.path
    if version not in places:
        return problem
    path = ("release", places[str(version)], *rest)
    return TableProblem(path, lines.line(path), problem.what, lines.column(path))


def _as_text(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"a {type(value).__name__} has no place in the table")
