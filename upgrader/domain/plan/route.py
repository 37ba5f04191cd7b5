"""The way to a release by stops: what leads there where one step does not. Pure."""

from collections import deque

from upgrader.domain.plan.facts import Candidate, PlanFacts
from upgrader.domain.table.concern import satisfies
from upgrader.domain.table.evidence import Table, Verdict
from upgrader.domain.version import Version

_STOPS_WELCOME = frozenset({Verdict.GOOD, Verdict.CAUTION})


def route(facts: PlanFacts, table: Table, target: Version, first: tuple[Version, ...]) -> tuple[Version, ...]:
    """The shortest way of newer and newer releases to `target`, it included; the best judged among those; empty: none.

    `first` are the releases that can be gone to from the present one as things stand. No stop is bad, unknown or
    deprecated, every step from stop to stop is one that the table does not call bad, and every release can open what the
    one before it leaves and has a Node to run on.
    """
    known = {one.version: one for one in facts.candidates}
    if target not in known:
        return ()
    waiting: deque[tuple[Version, ...]] = deque((one,) for one in _best(facts, table, first) if one < target)
    seen = {way[-1] for way in waiting}
    while waiting:
        way = waiting.popleft()
        here = way[-1]
        if _leads(facts, table, known[here], known[target]):
            return (*way, target)
        onward = tuple(one for one in known if here < one < target and one not in seen)
        for stop in _best(facts, table, onward):
            if _leads(facts, table, known[here], known[stop]) and is_stop(facts, table, here, known[stop]):
                seen.add(stop)
                waiting.append((*way, stop))
    return ()


def is_stop(facts: PlanFacts, table: Table, coming_from: Version, stop: Candidate) -> bool:
    """Whether one would want to be there, if only for a while."""
    judged = table.judge(coming_from, stop.version, facts.circumstances, facts.today)
    return judged.verdict in _STOPS_WELCOME and not stop.release.deprecated and not stop.version.is_prerelease


def worth_asking(table: Table, present: Version, target: Version, limit: int) -> tuple[Version, ...]:
    """The releases that may be stops between the two: those the table sends one by, then good ones, the newest first."""
    entry = table.entry(target)
    named = tuple(stop.via for stop in entry.stops) if entry else ()
    between = (one.version for one in reversed(table.entries) if present < one.version < target and one.verdict is Verdict.GOOD)
    return tuple(dict.fromkeys((*(one for one in named if present < one < target), *between)))[:limit]


def _leads(facts: PlanFacts, table: Table, start: Candidate, end: Candidate) -> bool:
    """Whether one step leads from `start` to `end`."""
    judged = table.judge(start.version, end.version, facts.circumstances, facts.today)
    if judged.verdict is Verdict.BAD or (judged.stop is not None and judged.stop.via not in (start.version, end.version)):
        return False
    engines = end.release.engines
    nodes = (node for node in (facts.installation.node.version, facts.private_node) if node)
    runs = not engines or any(satisfies(node, engines) for node in nodes)
    return runs and _opens(start.reach.state, end.reach.state) and _opens(start.reach.agent, end.reach.agent)


def _opens(left: int | None, reach: int | None) -> bool:
    """Whether a release that reaches `reach` can open what one of `left` leaves; what is not known is no obstacle here."""
    return left is None or reach is None or left <= reach


def _best(facts: PlanFacts, table: Table, versions: tuple[Version, ...]) -> tuple[Version, ...]:
    """Good ones first, then the newest."""
    present = facts.installation.package.version

    def rank(version: Version) -> bool:
        return table.judge(present, version, facts.circumstances, facts.today).verdict is Verdict.GOOD

    return tuple(sorted(sorted(versions, reverse=True), key=rank, reverse=True))
