"""The one form of all that is shown in columns: no lines, dim headings, what is too long is folded."""

from collections.abc import Set

from rich.table import Table


def headed(*headings: str, whole: Set[str] = frozenset()) -> Table:
    """An empty table of these columns; the cells of those in `whole` stay on one line."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in headings:
        table.add_column(heading, overflow="fold", no_wrap=heading in whole)
    return table
