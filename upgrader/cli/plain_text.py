"""Options that are plain text stay so without pydantic.

typer 0.29 builds a pydantic adapter for each option when it is used, also for text that is taken as it is typed; loading
pydantic takes a tenth of a plan. A typer that is made otherwise than this one is left alone: it works as it does, only slower.
"""

from collections.abc import Callable, Iterator
from typing import Any

import typer
from typer.main import get_command

_PLAIN = (str, list[str], bool)  # what a flag gives is a bool already


class _AsTyped:
    """Takes what was typed; stands where typer keeps its adapter (typer/_coercion.py, RuntimeParam)."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:  # noqa: ARG002 - typer's own signature
        """The value; typer's own answer where several may be given and none was."""
        several = param.multiple or param.nargs == -1
        return () if value is None and several else value


def command_of(app: typer.Typer) -> Any:
    """The command line of `app`, its plain options without adapters."""
    command = get_command(app)
    for each in _commands(command):
        for param in each.params:
            _as_typed(param)
        each.get_help_option = _with_plain_help(each.get_help_option)
    return command


def _as_typed(param: Any) -> None:
    wanted = getattr(getattr(param, "type_descriptor", None), "annotation", None)
    if wanted in _PLAIN and getattr(param, "_runtime_param", param) is None:
        param._runtime_param = _AsTyped()


def _with_plain_help(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """`--help` is an option too, made when the words are looked at."""

    def help_option(ctx: Any) -> Any:
        found = original(ctx)
        if found is not None:
            _as_typed(found)
        return found

    return help_option


def _commands(command: Any) -> Iterator[Any]:
    yield command
    for each in getattr(command, "commands", {}).values():
        yield from _commands(each)
