"""The shape of known_versions.toml, strict: what is not described here is a mistake. Loaded only when a table is read."""

from dataclasses import replace
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter
from pydantic.functional_validators import AfterValidator

from upgrader.domain.concern import Conditions
from upgrader.domain.table import (
    Confidence,
    Edge,
    Entry,
    Fix,
    Special,
    Start,
    StartFault,
    Stop,
    Table,
    Truth,
    Verdict,
)
from upgrader.domain.version import Span, Version
from upgrader.errors import UsageError

AREAS = (
    "pairing",
    "device-token",
    "scopes",
    "sessions-spawn",
    "startup",
    "install",
    "state-migration",
    "channels",
    "plugins",
    "performance",
    "docker",
    "doctor",
    "rollback",
    "service",
    "model-auth",
    "memory",
    "config",
    "cron",
    "dashboard",
    "windows",
    "macos",
    "other",
)
_OS = ("linux", "wsl", "macos", "windows")


def _version(text: str) -> str:
    try:
        Version(text)
    except UsageError as error:
        raise ValueError(f"{error.message}: {error.why}") from None
    return text


def _span(text: str) -> str:
    try:
        Span(text)
    except UsageError as error:
        raise ValueError(f"{error.message}: {error.why}") from None
    return text


def _area(text: str) -> str:
    if text not in AREAS:
        raise ValueError(f"{text!r} is no area; known are {', '.join(AREAS)}")
    return text


def _system(text: str) -> str:
    if text not in _OS:
        raise ValueError(f"{text!r} is no system; known are {', '.join(_OS)}")
    return text


VersionText = Annotated[str, AfterValidator(_version)]
SpanText = Annotated[str, AfterValidator(_span)]
AreaText = Annotated[str, AfterValidator(_area)]
SystemText = Annotated[str, AfterValidator(_system)]
Sentence = Annotated[str, StringConstraints(min_length=10, max_length=600, strip_whitespace=True)]
Source = Annotated[str, StringConstraints(min_length=3, max_length=200)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Conditions(_Strict):
    os: tuple[SystemText, ...] = ()
    node: str = ""
    install: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()

    def conditions(self) -> Conditions:
        return Conditions(self.os, self.node, self.install, self.channels, self.uses)


class _Fix(_Strict):
    version: VersionText
    truth: Truth
    what: str = ""


class _Edge(_Strict):
    versions: Annotated[tuple[SpanText, ...], Field(min_length=1)]
    verdict: Verdict
    sentence: Sentence
    sources: tuple[Source, ...] = ()
    truth: Truth = Truth.CONFIRMED
    when: _Conditions = _Conditions()


class _Special(_Strict):
    when: _Conditions
    verdict: Verdict
    sentence: Sentence
    sources: tuple[Source, ...] = ()
    truth: Truth = Truth.CONFIRMED


class _Start(_Strict):
    verdict: Verdict
    fault: StartFault
    sentence: Sentence
    sources: tuple[Source, ...] = ()


class _Stop(_Strict):
    versions: Annotated[tuple[SpanText, ...], Field(min_length=1)]
    via: VersionText
    sentence: Sentence
    sources: tuple[Source, ...] = ()


class ReleaseModel(_Strict):
    """One `[[release]]`."""

    version: VersionText
    verdict: Verdict
    sentence: Sentence
    areas: tuple[AreaText, ...] = ()
    sources: tuple[Source, ...] = ()
    truth: Truth = Truth.CONFIRMED
    confidence: Confidence = Confidence.MEDIUM
    reviewed: date | None = None
    expires: date | None = None
    unlisted: bool = False
    fixed_in: tuple[_Fix, ...] = ()
    from_: Annotated[tuple[_Edge, ...], Field(alias="from")] = ()
    special: tuple[_Special, ...] = ()
    stop_first: tuple[_Stop, ...] = ()
    start: _Start | None = None
    next_: Annotated[tuple[VersionText, ...], Field(alias="next")] = ()
    back: tuple[VersionText, ...] = ()

    def entry(self) -> Entry:
        """The same as a value of the domain."""
        return Entry(
            Version(self.version),
            self.verdict,
            self.sentence,
            self.areas,
            self.sources,
            self.truth,
            self.confidence,
            self.reviewed,
            self.expires,
            self.unlisted,
            tuple(Fix(Version(one.version), one.truth, one.what) for one in self.fixed_in),
            tuple(
                Edge(_spans(one.versions), one.verdict, one.sentence, one.sources, one.truth, one.when.conditions())
                for one in self.from_
            ),
            tuple(Special(one.when.conditions(), one.verdict, one.sentence, one.sources, one.truth) for one in self.special),
            tuple(Stop(_spans(one.versions), Version(one.via), one.sentence, one.sources) for one in self.stop_first),
            Start(self.start.verdict, self.start.fault, self.start.sentence, self.start.sources) if self.start else None,
            tuple(Version(one) for one in self.next_),
            tuple(Version(one) for one in self.back),
        )


class TableModel(_Strict):
    """The whole file. `format` rises when an older tool could not read it; `expires` is for entries without their own."""

    format: Annotated[int, Field(ge=1, le=1)]
    revised: date
    expires: date
    release: tuple[ReleaseModel, ...]

    def table(self, source: str) -> Table:
        """The same as a value of the domain, oldest release first; an entry without dates takes the file's."""
        found = (each.entry() for each in self.release)
        dated = (
            replace(entry, reviewed=entry.reviewed or self.revised, expires=entry.expires or self.expires) for entry in found
        )
        return Table(tuple(sorted(dated, key=lambda entry: entry.version)), source, self.revised)


ADAPTER: TypeAdapter[TableModel] = TypeAdapter(TableModel)


def _spans(texts: tuple[str, ...]) -> tuple[Span, ...]:
    return tuple(Span(text) for text in texts)
