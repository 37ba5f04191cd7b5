"""What a state holds, by names and counts and never by value: to say what a migration lost or changed."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True)
class Rows:
    """How many rows one table of one database has; `database` is relative to the state directory."""

    database: str
    table: str
    count: int


@dataclass(frozen=True)
class Plugin:
    """One plugin as the state's own index knows it. `version` is empty where the index names none."""

    name: str
    enabled: bool
    version: str
    bundled: bool


@dataclass(frozen=True)
class Skill:
    """One skill on disk. `version` is what it says of itself, else the start of its digest; `place` the folder it lies in.

    `shared`: every agent is offered it, and a gateway lists it. `bundled` comes with the package.
    """

    name: str
    version: str
    place: str
    shared: bool
    bundled: bool = False


@dataclass(frozen=True)
class SkillsListed:
    """The skills that a gateway itself names, None when it does not say."""

    names: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Leaf:
    """One value of a configuration: its path and a digest of it."""

    path: str
    digest: str


@dataclass(frozen=True)
class Contents:
    """One look. `schemas` are the `user_version` of each database; `credentials` name stored accounts, wherever kept."""

    schemas: tuple[tuple[str, int], ...] = ()
    rows: tuple[Rows, ...] = ()
    credentials: tuple[str, ...] = ()
    plugins: tuple[Plugin, ...] = ()
    config: tuple[Leaf, ...] = ()
    skills: tuple[Skill, ...] = ()


@dataclass(frozen=True)
class NamedColumn:
    """A text column and what names it holds: `names(text)`. `rows` is an SQL condition, empty for all."""

    table: str
    column: str
    rows: str = ""


@dataclass(frozen=True)
class ContentsRules:
    """Where a state keeps what is counted; the readers get bytes or text and give names.

    `credential_files` and `skill_files` are globs relative to the state directory, `bundled_skills` to the package;
    `skill(path, data)` reads one.
    """

    credential_files: tuple[str, ...]
    credential_columns: tuple[NamedColumn, ...]
    credential_names: Callable[[bytes], tuple[str, ...]]
    plugin_column: NamedColumn
    plugins: Callable[[bytes], tuple[Plugin, ...]]
    config_leaves: Callable[[bytes], tuple[Leaf, ...]]
    skill_files: tuple[str, ...]
    bundled_skills: str
    skill: Callable[[str, bytes], Skill]


@dataclass(frozen=True)
class TableChange:
    """A table whose number of rows changed; None where there is no such table."""

    database: str
    table: str
    before: int | None
    after: int | None


@dataclass(frozen=True)
class SchemaChange:
    """A database that was brought into another form: code of before can no longer open it."""

    database: str
    before: int
    after: int


@dataclass(frozen=True)
class Migration:
    """What a release made of a state: forms, rows, configuration by path, stored accounts, plugins, skills."""

    schemas: tuple[SchemaChange, ...] = ()
    tables: tuple[TableChange, ...] = ()
    config_lost: tuple[str, ...] = ()
    config_changed: tuple[str, ...] = ()
    credentials_lost: tuple[str, ...] = ()
    plugins_lost: tuple[str, ...] = ()
    plugins_changed: tuple[str, ...] = ()
    skills_lost: tuple[str, ...] = ()
    skills_changed: tuple[str, ...] = ()
    accounts_left: int = 0
    compared: int = 0

    def once_started(self, before: Contents, after: Contents, listed: SkillsListed) -> "Migration":
        """The same with plugins and skills as a start left them: their index is made anew at each."""
        later, own = migration(before, after), [s.name for s in after.skills if s.shared and not s.bundled]
        silent = () if listed.names is None else (name for name in own if name not in listed.names)
        return replace(
            self,
            plugins_lost=later.plugins_lost,
            plugins_changed=later.plugins_changed,
            skills_lost=tuple(sorted({*later.skills_lost, *silent})),
            skills_changed=later.skills_changed,
        )

    @property
    def shrunk(self) -> tuple[TableChange, ...]:
        """Tables that hold less than before, or are gone with what they held."""
        return tuple(t for t in self.tables if t.before and (t.after or 0) < t.before)


def migration(before: Contents, after: Contents) -> Migration:
    """What changed between two looks. What comes with the package changes with it; what a person installed should not."""
    schemas, config = dict(after.schemas), {leaf.path: leaf.digest for leaf in after.config}
    plugins_lost, plugins_changed = _plugins(before.plugins, after.plugins)
    skills_lost, skills_changed = _skills(before.skills, after.skills)
    return Migration(
        schemas=tuple(SchemaChange(name, was, schemas[name]) for name, was in _changed(before.schemas, schemas)),
        tables=_tables(before.rows, after.rows),
        config_lost=tuple(leaf.path for leaf in before.config if leaf.path not in config),
        config_changed=tuple(path for path, _ in _changed(((leaf.path, leaf.digest) for leaf in before.config), config)),
        credentials_lost=tuple(sorted(set(before.credentials) - set(after.credentials))),
        plugins_lost=plugins_lost,
        plugins_changed=plugins_changed,
        skills_lost=skills_lost,
        skills_changed=skills_changed,
        accounts_left=len(after.credentials),
        compared=len({(each.database, each.table) for each in before.rows}),
    )


def _plugins(before: tuple[Plugin, ...], after: tuple[Plugin, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those that worked and do no more, and own ones of another version. A release that lists none tells nothing."""
    if not after:
        return (), ()
    worked = [plugin for plugin in before if plugin.enabled]
    works = {plugin.name for plugin in after if plugin.enabled}
    versions = {plugin.name: plugin.version for plugin in after}
    moved = _changed(((plugin.name, plugin.version) for plugin in worked if not plugin.bundled), versions)
    lost = tuple(plugin.name for plugin in worked if plugin.name not in works)
    return lost, tuple(f"{name} {was or '?'} → {versions[name] or '?'}" for name, was in moved)


def _skills(before: tuple[Skill, ...], after: tuple[Skill, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those that are gone from their place, and own ones whose text is another."""
    texts = {(skill.place, skill.name): skill.version for skill in after}
    moved = _changed((((skill.place, skill.name), skill.version) for skill in before if not skill.bundled), texts)
    lost = sorted({skill.name for skill in before if (skill.place, skill.name) not in texts})
    return tuple(lost), tuple(name for (_, name), _ in moved)


def _changed(was: Iterable[tuple[K, V]], now: Mapping[K, V]) -> Iterator[tuple[K, V]]:
    """What is there still, and is another."""
    return ((key, value) for key, value in was if now.get(key, value) != value)


def _tables(before: tuple[Rows, ...], after: tuple[Rows, ...]) -> tuple[TableChange, ...]:
    was, now = ({(each.database, each.table): each.count for each in rows} for rows in (before, after))
    changed = (key for key in sorted(was.keys() | now.keys()) if was.get(key) != now.get(key))
    return tuple(TableChange(*key, was.get(key), now.get(key)) for key in changed)
