"""Judgements as text."""

from collections import Counter

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from upgrader.domain.check import Judgement, Need, Verdict

COLOUR = {
    Verdict.PASS: "green",
    Verdict.FAIL: "red",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.NOT_APPLICABLE: "dim",
}
_COUNTED = {
    Verdict.PASS: "ok",
    Verdict.FAIL: "failed",
    Verdict.INCONCLUSIVE: "unclear",
    Verdict.NOT_APPLICABLE: "not applicable",
}
_WORD = {Verdict.PASS: "ok", Verdict.FAIL: "FAIL", Verdict.INCONCLUSIVE: "?", Verdict.NOT_APPLICABLE: "n/a"}


def checks_summary(judgements: tuple[Judgement, ...], title: str) -> RenderableType:
    """How many said what, and a line for each that is not content."""
    return Group(f"{escape(title)}: {counts(judgements)}", *unhappy(judgements))


def unhappy(judgements: tuple[Judgement, ...]) -> list[RenderableType]:
    """The table of those that are not content, a row for each reason; nothing where all are content."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for each in judgements:
        if each.verdict not in (Verdict.PASS, Verdict.NOT_APPLICABLE):
            why = f"{each.why} — {each.remedy}" if each.remedy else each.why
            alike.setdefault((*_told(each), why), []).append(each.check)
    if not alike:
        return []
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for (word, colour, why), checks in alike.items():
        more = f" and {len(checks) - 1} more" if len(checks) > 1 else ""
        table.add_row(f"[{colour}]{word}[/{colour}]", escape(checks[0]) + more, escape(why))
    return [table]


def counts(judgements: tuple[Judgement, ...]) -> str:
    """`23 ok, 1 failed, 5 not applicable`."""
    many = Counter("warned" if _only_warns(each) else _COUNTED[each.verdict] for each in judgements)
    return ", ".join(f"{many[word]} {word}" for word in ("ok", "failed", "warned", "unclear", "not applicable") if many[word])


def _told(judgement: Judgement) -> tuple[str, str]:
    """The word and its colour."""
    if _only_warns(judgement):
        return "warn", "yellow"
    return _WORD[judgement.verdict], COLOUR[judgement.verdict]


def _only_warns(judgement: Judgement) -> bool:
    return judgement.verdict is Verdict.FAIL and judgement.need is Need.WANTED
