"""A clone of a state as values: what is changed in it, and what must be as in the source."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from upgrader.domain.secret import Secret
from upgrader.domain.version import Version


@dataclass(frozen=True)
class ModelProvider:
    """The stand-in model as a configuration needs it."""

    base_url: str
    token: Secret
    model_id: str


@dataclass(frozen=True)
class PathMove:
    """An absolute path of the source and where it lies for the clone; equal in a sealed place."""

    old: Path
    new: Path


@dataclass(frozen=True)
class CloneWish:
    """What a clone is to be. `version` is the release that wrote the state: keys must exist in its strict schema.

    `own` becomes the gateway's secret where the user's is not known (a file or a program holds it). `seat` is the live state
    and where a candidate sees its clone: by it links are settled. `moves` are the paths to rewrite, none in a sealed place.
    `inert` replaces every secret but those of pairing (and gives the gateway `token` of its own): for a place without walls.
    """

    version: Version
    port: int
    log: Path
    model: ModelProvider
    own: Secret
    seat: PathMove
    moves: tuple[PathMove, ...] = ()
    inert: Secret | None = None


@dataclass(frozen=True)
class Edit:
    """One change made to the clone, by its place (`gateway.port`, `state_leases`) and with its reason.

    `limit` says what a canary cannot show because of it, empty: nothing.
    """

    place: str
    why: str
    limit: str = ""


@dataclass(frozen=True)
class EditedConfig:
    """The clone's configuration as JSON, what was changed in it, and the environment names it refers to."""

    data: bytes = field(repr=False)
    edits: tuple[Edit, ...] = ()
    references: tuple[str, ...] = ()


@dataclass(frozen=True)
class Statement:
    """SQL to run in the clone where `table` has all of `columns`. May call inert(text)."""

    table: str
    sql: str
    why: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class FileRule:
    """Files of the clone (`pattern` relative to the state directory, as in pathlib's match) and their new bytes."""

    pattern: str
    change: Callable[[bytes], bytes]
    why: str


@dataclass(frozen=True)
class ClonePlan:
    """Everything that is done to the copy before anything runs on it. `drop` names what is left out, by globs.

    `may_differ` names what will not be equal to the source on purpose, each with its reason. `undone` reads the clone's
    configuration as if what was done to its policy on purpose had not been: so the rest of it is compared strictly.
    """

    config: EditedConfig
    drop: tuple[Edit, ...]
    files: tuple[FileRule, ...]
    state_sql: tuple[Statement, ...]
    agent_sql: tuple[Statement, ...]
    seat: PathMove
    moves: tuple[PathMove, ...]
    inert: Callable[[str], str]
    may_differ: tuple[Edit, ...] = ()
    undone: Callable[[Mapping[str, object]], Mapping[str, object]] = lambda config: config


@dataclass(frozen=True)
class Likeness:
    """One thing that must be equal in source and clone: its name and the digests of both, None where it is absent."""

    name: str
    source: str | None
    clone: str | None
    expected_to_differ: str = ""

    @property
    def holds(self) -> bool:
        """Equal, or different for a stated reason."""
        return self.source == self.clone or bool(self.expected_to_differ)


@dataclass(frozen=True)
class Clone:
    """A clone on disk, ready to be run: what was changed, and how it compares with its source."""

    edits: tuple[Edit, ...]
    likeness: tuple[Likeness, ...]
    references: tuple[str, ...]
    state_schema: int | None
