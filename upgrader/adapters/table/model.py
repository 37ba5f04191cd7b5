"""The shape of known_versions.toml, strict: what is not described here is a mistake.

Loaded only when a table is checked: the values are made by `build`.
"""

import json
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter
from pydantic.functional_validators import AfterValidator

from upgrader.domain.table.evidence import Confidence, StartFault, Truth, Verdict
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


class _Fix(_Strict):
    version: VersionText
    truth: Truth
    what: str = ""
    areas: tuple[AreaText, ...] = ()


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


class TableModel(_Strict):
    """The whole file. `format` rises when an older tool could not read it; `expires` is for entries without their own."""

    format: Annotated[int, Field(ge=1, le=1)]
    revised: date
    expires: date
    release: tuple[ReleaseModel, ...]


ADAPTER: TypeAdapter[TableModel] = TypeAdapter(TableModel)


def schema_text() -> str:
    """The JSON Schema of the file, as docs/known-versions.schema.json has it."""
    return json.dumps(ADAPTER.json_schema(by_alias=True), indent=2, ensure_ascii=False) + "\n"
