"""A console that keeps commands whole: what stands in backticks is copied into a shell, and is not broken across lines."""

import re
from collections.abc import Iterable

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, JustifyMethod, OverflowMethod, RenderableType
from rich.containers import Lines
from rich.segment import Segment
from rich.text import Text

_COMMAND = re.compile(r"`[^`\n]+`")
_GLUE = "\ue000"  # a private character of width 1, in the place of a space while lines are broken


class CommandConsole(Console):
    """Breaks no line within backticks where all of it fits on one."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """See Console.render; a string or a text goes through CommandText."""
        if isinstance(renderable, str):
            asked = options or self.options
            renderable = self.render_str(renderable, highlight=asked.highlight, markup=asked.markup)
        if type(renderable) is Text:
            renderable = CommandText.of(renderable)
        return super().render(renderable, options)


class CommandText(Text):
    """A text whose commands are words."""

    @classmethod
    def of(cls, text: Text) -> "CommandText":
        """The same text."""
        own = cls(
            text.plain,
            style=text.style,
            justify=text.justify,
            overflow=text.overflow,
            no_wrap=text.no_wrap,
            end=text.end,
            tab_size=text.tab_size,
        )
        own.spans = list(text.spans)
        return own

    def wrap(
        self,
        console: Console,
        width: int,
        *,
        justify: JustifyMethod | None = None,
        overflow: OverflowMethod | None = None,
        tab_size: int = 8,
        no_wrap: bool | None = None,
    ) -> Lines:
        """See Text.wrap."""
        glued = self.copy()
        glued.plain = _COMMAND.sub(lambda found: _glued(found.group(), width), self.plain)
        lines = glued.wrap(console, width, justify=justify, overflow=overflow, tab_size=tab_size, no_wrap=no_wrap)
        for line in lines:
            line.plain = line.plain.replace(_GLUE, " ")
        return lines


def _glued(command: str, width: int) -> str:
    return command.replace(" ", _GLUE) if cell_len(command) <= width else command
