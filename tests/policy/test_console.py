"""What is to be copied into a shell is printed in one piece, whatever the width."""

import io

from hypothesis import given
from hypothesis import strategies as st
from rich.markup import escape
from rich.table import Table

from upgrader.report.console import CommandConsole

WORDS = st.lists(st.text("abcdefgh-/.", min_size=1, max_size=12), min_size=1, max_size=5).map(" ".join)
PARTS = st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=6)


def printed(width: int, *things: object) -> str:
    console = CommandConsole(file=io.StringIO(), width=width, emoji=False, highlight=False)
    console.print(*things)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@given(parts=PARTS, width=st.integers(70, 200))
def test_a_command_that_fits_a_line_is_never_broken(parts: list[tuple[str, str]], width: int) -> None:
    text = ", ".join(f"{said} `{command}`" for said, command in parts)
    shown = printed(width, f"[red]why:[/red] {escape(text)}")
    for _, command in parts:
        assert f"`{command}`" in shown
    assert " ".join(shown.split()) == f"why: {text}"  # and not a character is another


def test_a_command_in_a_column_is_never_broken_and_keeps_its_style() -> None:
    table = Table(box=None, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column()
    table.add_row("warn", "then say `upgrader status --json`, for [bold]`upgrader known list` is more[/bold]")
    shown = printed(42, table)
    assert "`upgrader status --json`" in shown and "`upgrader known list`" in shown


def test_a_command_longer_than_a_line_breaks_between_its_words() -> None:
    command = "`" + " ".join(["upgrader"] * 12) + "`"
    assert [line.strip("` ") for line in printed(60, command).splitlines()] == [" ".join(["upgrader"] * 6)] * 2
