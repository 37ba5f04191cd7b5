"""Clones of a snapshot: a private copy of its tree, edited before anything runs on it, and compared with its source.

One directory below `root` per canary, held by a file lock while its tool lives: what a killed tool left behind is found
and removed by the next one, processes first.
"""

import fcntl
import hashlib
import json
import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from upgrader.adapters.canary.clone_databases import edit_database, schema_of, table_rows
from upgrader.adapters.canary.clone_links import settle_links
from upgrader.adapters.canary.contents import look, words_in
from upgrader.adapters.files.durable import make_private
from upgrader.adapters.files.shown import shown
from upgrader.adapters.files.trees import copy_tree, remove
from upgrader.domain.canary.clone import Clone, ClonePlan, Edit, Likeness, PathMove
from upgrader.domain.canary.contents import Contents, ContentsRules
from upgrader.domain.process import StopFailed

_LOCK = "held"


@dataclass(frozen=True)
class CloneSubjects:
    """What of a state makes its pairing and policy: files, tables of the state database, views of the configuration.

    `left_outside(state, config, uid)` are patterns of what a gateway leaves outside any state directory.
    """

    files: tuple[str, ...]
    tables: tuple[str, ...]
    database: str
    agent_databases: str
    config_views: Callable[[Mapping[str, object]], tuple[tuple[str, str | None], ...]]
    contents: ContentsRules
    left_outside: Callable[[Path, Path, int], tuple[Path, ...]]


class StateClones:
    """Makes and removes clones. `wanted(relative path)` leaves out what belongs to one process or is made anew."""

    def __init__(self, root: Path, subjects: CloneSubjects, wanted: Callable[[str], bool]) -> None:
        self._root = root
        self._subjects = subjects
        self._wanted = wanted

    @contextmanager
    def directory(self) -> Iterator[Path]:
        """A fresh private directory for one canary; removed at the end, or by the next run when this process dies."""
        folder = make_private(make_private(self._root) / secrets.token_hex(4))
        held = hold(folder)
        assert held is not None  # nobody else knows the name
        try:
            yield folder
        finally:
            self._clear(folder)
            os.close(held)

    @contextmanager
    def blank(self, config_name: str, data: bytes) -> Iterator[Path]:
        """A tree with nothing but this configuration: an empty profile."""
        with self.directory() as folder:
            tree = make_private(folder / "blank")
            _write_private(tree / config_name, data)
            yield tree

    def sweep(self) -> tuple[Path, ...]:
        """Remove what dead runs left: their processes first, then the directories. Returns what was removed."""
        removed = []
        for folder in sorted(self._root.iterdir()) if self._root.is_dir() else []:
            held = hold(folder) if folder.is_dir() else None
            if held is None:
                continue
            try:
                self._clear(folder)
                removed.append(folder)
            finally:
                os.close(held)
        return tuple(removed)

    def _clear(self, folder: Path) -> None:
        """Everything of one canary: processes first; its directory last, for that is how the rest is found."""
        _end_processes(folder)
        for config in folder.glob("home/*/*.json"):  # unsealed, the clone lies there and /tmp is everybody's
            for pattern in self._subjects.left_outside(config.parent, config, os.getuid()):
                for path in pattern.parent.glob(pattern.name):
                    path.unlink(missing_ok=True)
        remove(folder)

    def make(self, tree: Path, state: Path, plan: ClonePlan, config_name: str, source: Mapping[str, object]) -> Clone:
        """Copy `tree` to `state` and carry out the plan. `source` is the user's configuration, resolved.

        Raises what copy_tree raises. Nothing is written into `tree`.
        """
        copy_tree(tree, state, self._wanted)
        edits = [*plan.config.edits, *settle_links(state, plan.seat), *_drop(state, plan.drop)]
        for rule in plan.files:
            for path in sorted(p for p in state.glob(rule.pattern) if p.is_file() and not p.is_symlink()):
                edits.extend(_rewrite(path, rule.change, shown(path.relative_to(state)), rule.why))
        database = state / self._subjects.database
        edits.extend(edit_database(database, self._subjects.database, plan.state_sql, plan.moves, plan.inert))
        for path in sorted(state.glob(self._subjects.agent_databases)):
            place = shown(path.relative_to(state))
            edits.extend(edit_database(path, place, plan.agent_sql, plan.moves, plan.inert))
        _write_private(state / config_name, plan.config.data)
        likeness = self.compare(tree, state, plan, config_name, source)
        return Clone(tuple(edits), likeness, plan.config.references, self.schema(state))

    def compare(
        self, tree: Path, state: Path, plan: ClonePlan, config_name: str, source: Mapping[str, object]
    ) -> tuple[Likeness, ...]:
        """Pairing, identity, auth and tool policy of source and clone, read anew from both; moved paths count as equal."""
        subjects, back = self._subjects, _Back(plan.moves)
        database = (tree / subjects.database, state / subjects.database)
        found = [(f, _file_digest(tree / f), _file_digest(state / f, back)) for f in subjects.files]
        found += [(t, _table_digest(database[0], t), _table_digest(database[1], t, back)) for t in subjects.tables]
        cloned = json.loads(back.text((state / config_name).read_text("utf-8")))
        there = dict(subjects.config_views(plan.undone(cloned)))
        found += [(name, digest, there[name]) for name, digest in subjects.config_views(source)]
        reasons = {edit.place: edit.why for edit in plan.may_differ}
        present = [item for item in found if item[1:] != (None, None)]
        return tuple(Likeness(name, here, then, reasons.get(name, "")) for name, here, then in present)

    def schema(self, state: Path) -> int | None:
        """The schema of a state directory's database, None where there is none or none that can be read."""
        with suppress(sqlite3.DatabaseError):
            return schema_of(state / self._subjects.database)
        return None

    def contents(self, state: Path, config_name: str, package: Path) -> Contents:
        """What the state holds, by names and counts."""
        found = (state / self._subjects.database, *sorted(state.glob(self._subjects.agent_databases)))
        return look(state, tuple(p for p in found if p.is_file()), state / config_name, package, self._subjects.contents)

    def mentions(self, state: Path, words: tuple[str, ...], since: float) -> frozenset[str]:
        """Which of these words lie in files of the state that changed since that moment (epoch seconds)."""
        return words_in(state, words, since)


@dataclass(frozen=True)
class _Back:
    """Reads a clone's text as if its moved paths were the old ones."""

    moves: tuple[PathMove, ...] = ()

    def text(self, text: str) -> str:
        for move in self.moves:
            text = text.replace(str(move.new), str(move.old))
        return text


_UNMOVED = _Back()


def hold(folder: Path) -> int | None:
    """An exclusive lock on a canary's directory that dies with this process; None when a living run has it."""
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _end_processes(folder: Path) -> None:
    """Kill every process of ours whose environment or directory lies in this canary's. Raises StopFailed."""
    ended = []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if process.pid != os.getpid() and _belongs(process, str(folder)):
                process.kill()
                ended.append(process)
    _, alive = psutil.wait_procs(ended, timeout=10)
    if alive:
        raise StopFailed("a process of a canary does not end", why=f"pid {alive[0].pid}")


def _belongs(process: psutil.Process, folder: str) -> bool:
    values = process.environ().values()
    return any(v == folder or v.startswith(folder + "/") for v in values) or process.cwd().startswith(folder + "/")


def _drop(state: Path, listed: tuple[Edit, ...]) -> Iterator[Edit]:
    for edit in listed:
        for path in sorted({*state.glob(edit.place), *(p for p in (state / edit.place,) if p.is_symlink())}):
            remove(path)
            yield replace(edit, place=shown(path.relative_to(state)))


def _rewrite(path: Path, change: Callable[[bytes], bytes], place: str, why: str) -> Iterator[Edit]:
    before = path.read_bytes()
    after = change(before)
    if after != before:
        _write_private(path, after)
        yield Edit(place, why)


def _write_private(path: Path, data: bytes) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _table_digest(database: Path, table: str, back: _Back = _UNMOVED) -> str | None:
    """SHA-256 over all rows in a fixed order; None where there is no such table."""
    found = table_rows(database, table)
    return None if found is None else hashlib.sha256("\n".join(sorted(map(back.text, found))).encode()).hexdigest()


def _file_digest(path: Path, back: _Back = _UNMOVED) -> str | None:
    if not path.is_file():
        return None
    if back.moves:
        text = back.text(path.read_text("utf-8", "surrogateescape"))
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
