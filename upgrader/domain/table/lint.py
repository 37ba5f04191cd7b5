"""What is wrong with a table although its shape is right. Pure."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from upgrader.domain.table.evidence import Entry, Table, Truth, Verdict
from upgrader.errors import UpgraderError


@dataclass(frozen=True)
class TableProblem:
    """One fault: the key path, line and column (from 1; 0: none), what is wrong."""

    path: tuple[str | int, ...]
    line: int
    what: str
    column: int = 0

    def __str__(self) -> str:
        keys = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path).lstrip(".")
        column = f", column {self.column}" if self.column else ""
        place = f"line {self.line}{column}: " if self.line else ""
        return f"{place}{keys}: {self.what}" if keys else f"{place}{self.what}"


class TableInvalid(UpgraderError):
    """The evidence table cannot be used. `problems` holds all that was found."""

    default_code = "table_invalid"

    def __init__(self, source: str, problems: tuple[TableProblem, ...]) -> None:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(
            f"{source} cannot be used: {count}",
            why="\n".join(str(problem) for problem in problems),
            hint="correct the file, or leave it out to use the table that came with `upgrader`",
        )
        self.problems = problems


def lint(table: Table) -> tuple[TableProblem, ...]:
    """Every fault of the meaning; paths begin with the release's version."""
    if not table.entries:
        return (TableProblem(("release",), 0, "there is none"),)
    counts = Counter(str(entry.version) for entry in table.entries)
    doubled = (TableProblem((name,), 0, "this release has two entries") for name, count in counts.items() if count > 1)
    return (*doubled, *(problem for entry in table.entries for problem in _entry(table, entry)))


def _entry(table: Table, entry: Entry) -> Iterator[TableProblem]:
    name = str(entry.version)
    yield from _opinion(entry, name)
    yield from _edges(entry, name)
    for index, target in enumerate(entry.next_):
        yield from _advised(table, entry, (name, "next", index), str(target), target > entry.version)
    for index, target in enumerate(entry.back):
        yield from _advised(table, entry, (name, "back", index), str(target), target < entry.version)


def _opinion(entry: Entry, name: str) -> Iterator[TableProblem]:
    for index, fix in enumerate(entry.fixes):
        if fix.version <= entry.version:
            yield TableProblem((name, "fixed_in", index), 0, f"{fix.version} is not newer than the release it mends")
    if entry.reviewed and entry.expires and entry.expires <= entry.reviewed:
        yield TableProblem((name, "expires"), 0, "expires before it was reviewed")
    if entry.verdict is not Verdict.UNKNOWN and not entry.sources and entry.truth is not Truth.MEASURED:
        yield TableProblem((name, "sources"), 0, "a verdict needs a source")


def _edges(entry: Entry, name: str) -> Iterator[TableProblem]:
    for index, edge in enumerate(entry.edges):
        if any(entry.version in span.bounds and span.text == name for span in edge.coming_from):
            yield TableProblem((name, "from", index), 0, "an edge from the release to itself")
        if not edge.sources and edge.truth is not Truth.MEASURED:
            yield TableProblem((name, "from", index, "sources"), 0, "a verdict needs a source")


def _advised(
    table: Table, entry: Entry, path: tuple[str | int, ...], target: str, lies_right: object
) -> Iterator[TableProblem]:
    found = next((one for one in table.entries if str(one.version) == target), None)
    if not lies_right:
        yield TableProblem(path, 0, f"{target} does not lie on that side of {entry.version}")
    if found is None:
        yield TableProblem(path, 0, f"{target} has no entry")
    elif found.verdict is Verdict.BAD:
        yield TableProblem(path, 0, f"{target} is itself marked bad")
    elif found.unlisted:
        yield TableProblem(path, 0, f"{target} is no longer listed")
