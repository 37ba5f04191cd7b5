"""From a table that was found to be in order to values of the domain, without pydantic: it is read on every plan."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from upgrader.domain.table.concern import Conditions
from upgrader.domain.table.evidence import (
    Confidence,
    Edge,
    Entry,
    Fix,
    Origin,
    Special,
    Start,
    StartFault,
    Stop,
    Table,
    Truth,
    Verdict,
)
from upgrader.domain.version import Span, Version

Document = Mapping[str, Any]


def build(document: Document, source: str, origin: Origin = Origin.SHIPPED) -> Table:
    """The table, oldest release first; an entry without dates of its own takes the file's.

    What `model` has not passed may raise KeyError, TypeError, ValueError or UsageError here.
    """
    revised, expires = _date(document["revised"]), _date(document["expires"])
    entries = (_entry(each, revised, expires, origin) for each in document["release"])
    return Table(tuple(sorted(entries, key=lambda entry: entry.version)), source, revised)


def _entry(each: Document, revised: date | None, expires: date | None, origin: Origin) -> Entry:
    return Entry(
        Version(each["version"]),
        Verdict(each["verdict"]),
        each["sentence"].strip(),
        tuple(each.get("areas", ())),
        tuple(each.get("sources", ())),
        _truth(each),
        Confidence(each.get("confidence", Confidence.MEDIUM)),
        _date(each.get("reviewed")) or revised,
        _date(each.get("expires")) or expires,
        each.get("unlisted", False),
        tuple(_fix(one) for one in each.get("fixed_in", ())),
        tuple(_edge(one) for one in each.get("from", ())),
        tuple(_special(one) for one in each.get("special", ())),
        tuple(_stop(one) for one in each.get("stop_first", ())),
        _start(each["start"]) if each.get("start") else None,
        tuple(Version(one) for one in each.get("next", ())),
        tuple(Version(one) for one in each.get("back", ())),
        origin,
    )


def _fix(one: Document) -> Fix:
    return Fix(Version(one["version"]), Truth(one["truth"]), one.get("what", ""), tuple(one.get("areas", ())))


def _edge(one: Document) -> Edge:
    when = _conditions(one.get("when", {}))
    sentence = one["sentence"].strip()
    return Edge(_spans(one["versions"]), Verdict(one["verdict"]), sentence, tuple(one.get("sources", ())), _truth(one), when)


def _special(one: Document) -> Special:
    sentence = one["sentence"].strip()
    return Special(_conditions(one["when"]), Verdict(one["verdict"]), sentence, tuple(one.get("sources", ())), _truth(one))


def _stop(one: Document) -> Stop:
    return Stop(_spans(one["versions"]), Version(one["via"]), one["sentence"].strip(), tuple(one.get("sources", ())))


def _start(one: Document) -> Start:
    return Start(Verdict(one["verdict"]), StartFault(one["fault"]), one["sentence"].strip(), tuple(one.get("sources", ())))


def _conditions(when: Document) -> Conditions:
    named = (tuple(when.get(key, ())) for key in ("install", "channels", "uses"))
    return Conditions(tuple(when.get("os", ())), when.get("node", ""), *named)


def _truth(one: Document) -> Truth:
    return Truth(one.get("truth", Truth.CONFIRMED))


def _date(value: object) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) else value if isinstance(value, date) else None


def _spans(texts: Iterable[str]) -> tuple[Span, ...]:
    return tuple(Span(text) for text in texts)
