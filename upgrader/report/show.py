"""Which renderer shows which answer. Each is loaded when its answer comes: a plan needs nothing of what shows a move."""

from importlib import import_module
from typing import Any

from rich.console import Console

from upgrader.domain.outcome import Outcome

# The type of an outcome's data: the module of this room whose `show(outcome, console)` prints it. All others: `text`.
_MODULES = {
    "AdoptData": "adopt_text",
    "CandidatesData": "candidates_text",
    "HistoryData": "history_text",
    "PinData": "pin_text",
    "PlanData": "plan_text",
    "PruneData": "prune_text",
    "WatchData": "watch_text",
}
_MODULES |= dict.fromkeys(("KnownList", "KnownShow", "KnownCheck", "KnownAdd", "TableUpdate"), "known_text")


def show(outcome: Outcome[Any], console: Console) -> None:
    """Print an outcome."""
    name = _MODULES.get(type(outcome.data).__name__, "text")
    import_module(f"upgrader.report.{name}").show(outcome, console)
