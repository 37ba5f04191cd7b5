"""Reads known_versions.toml: all problems at once, each with its key and line."""

import json
import tomllib
from datetime import date
from importlib import resources
from pathlib import Path

from pydantic import ValidationError

from upgrader.adapters.table_model import ADAPTER
from upgrader.adapters.toml_lines import Lines
from upgrader.domain.table import Table
from upgrader.domain.table_lint import TableInvalid, TableProblem, lint

NAME = "known_versions.toml"
LIMIT_BYTES = 4 * 1024 * 1024

_WORDS = {
    "extra_forbidden": "no such key",
    "missing": "is missing",
    "enum": "is not one of the words allowed here",
    "string_type": "is not a text",
    "tuple_type": "is not a list",
    "bool_type": "is neither true nor false",
    "date_type": "is not a date",
}


def shipped() -> Path:
    """The table that came with the tool: inside the package when installed, beside it in a checkout.

    Raises TableInvalid when neither is there.
    """
    inside = Path(str(resources.files("upgrader"))) / NAME
    beside = inside.parent.parent / NAME
    for path in (inside, beside):
        if path.is_file():
            return path
    raise TableInvalid(NAME, (TableProblem((), 0, "the file did not come with this installation of upgrader"),))


def load(path: Path | None = None) -> Table:
    """The table at `path`, or the shipped one. Raises TableInvalid with every problem found."""
    found = path or shipped()
    try:
        if found.stat().st_size > LIMIT_BYTES:
            raise TableInvalid(str(found), (TableProblem((), 0, f"larger than {LIMIT_BYTES // 1024**2} MiB"),))
        raw = found.read_bytes()
    except OSError as error:
        raise TableInvalid(str(found), (TableProblem((), 0, error.strerror or type(error).__name__),)) from error
    return parse(raw, found.name if path is None else str(found))


def parse(raw: bytes, source: str) -> Table:
    """Read the bytes of a table. Raises TableInvalid with every problem found."""
    try:
        text = raw.decode("utf-8")
        document = tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise TableInvalid(source, (TableProblem((), 0, f"not TOML: {error}"),)) from error
    lines = Lines(text)
    try:
        # JSON mode: strict about types, yet a list may become a tuple and a word an enum.
        table = ADAPTER.validate_json(json.dumps(document, default=_as_text)).table(source)
    except ValidationError as error:
        raise TableInvalid(source, _problems(error, lines)) from error
    except (TypeError, ValueError, RecursionError) as error:
        raise TableInvalid(source, (TableProblem((), 0, f"not a table: {error}"),)) from error
    places = {str(each["version"]): index for index, each in enumerate(document["release"])}
    found = lint(table)
    if found:
        raise TableInvalid(source, tuple(_placed(problem, places, lines) for problem in found))
    return table


def _problems(error: ValidationError, lines: Lines) -> tuple[TableProblem, ...]:
    found = []
    for each in error.errors(include_url=False, include_context=False):
        path = tuple(each["loc"])
        words = _WORDS.get(each["type"], each["msg"].removeprefix("Value error, "))
        if each["type"] == "enum":
            words = each["msg"][:1].lower() + each["msg"][1:]
        found.append(TableProblem(path, lines.line(path), words))
    return tuple(sorted(found, key=lambda problem: problem.line))


def _placed(problem: TableProblem, places: dict[str, int], lines: Lines) -> TableProblem:
    """A problem of the meaning names its release; put the place in the file to it."""
    version, *rest = problem.path
    if version not in places:
        return problem
    path = ("release", places[str(version)], *rest)
    return TableProblem(path, lines.line(path), problem.what)


def _as_text(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"a {type(value).__name__} has no place in the table")
