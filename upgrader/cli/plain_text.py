"""Options that are plain text stay so without pydantic.

typer 0.29 builds a pydantic adapter for each option when it is used, also for text that is taken as it is typed; loading
pydantic takes a tenth of a plan. A typer that is made otherwise than this one is left alone: it works as it does, only slower.
"""

from collections.abc import Iterator
from typing import Any

import typer
from typer.main import get_command

_TEXTS = (str, list[str])


class _AsTyped:
    """Takes what was typed; stands where typer keeps its adapter (typer/_coercion.py, RuntimeParam)."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:  # noqa: ARG002 - typer's own signature
        """The value; typer's own answer where several may be given and none was."""
        several = param.multiple or param.nargs == -1
        return () if value is None and several else value


def command_of(app: typer.Typer) -> Any:
    """The command line of `app`, its text options without adapters."""
    command = get_command(app)
    for param in _params(command):
        wanted = getattr(getattr(param, "type_descriptor", None), "annotation", None)
        if wanted in _TEXTS and getattr(param, "_runtime_param", param) is None:
            param._runtime_param = _AsTyped()
    return command


def _params(command: Any) -> Iterator[Any]:
    yield from getattr(command, "params", ())
    for each in getattr(command, "commands", {}).values():
        yield from _params(each)
