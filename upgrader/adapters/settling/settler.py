"""Port Settling: run on a rollback after the exchange and before the old gateway starts; safe to be killed and run again.

The record of a pair of trees (`<home>/settling/<incoming>-<outgoing>/`, by device and inode) holds what was told, so that
a second run after a crash tells it again, which object each living workspace is, and every row and file taken out.
Nothing happened since the snapshot: nothing is opened for writing, the restored tree stays byte for byte.

`begun` lies in a record from before the exchange, `baseline.json` from the end of the settling on. A tree that has the first
and not the second never went live: when the exchange is taken back, nothing has happened there that would have to be settled.
"""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from upgrader.adapters.files.durable import make_private, replace_durably
from upgrader.adapters.files.exchange import file_id
from upgrader.adapters.settling.files import FileSettler
from upgrader.adapters.settling.rows import Known, RowPlanner, read_jobs
from upgrader.adapters.settling.sql import Change, RowPlan, columns_of, perform, reading
from upgrader.adapters.settling.workspaces import give_back, movable, move_workspace
from upgrader.domain.moves.settle import EffectKnowledge, Settled, SettleReport, Where
from upgrader.domain.ports import Clock

_FILES = "files"


@dataclass(frozen=True)
class Settler:
    """Settles one restored state. `home` is the private data directory of the installation."""

    home: Path
    knowledge: EffectKnowledge
    clock: Clock

    def begin(self, incoming: Path, outgoing: Path) -> None:
        """Note durably, before the exchange, which tree is about to come in: see `begun` above. Raises OSError."""
        self._record(incoming, outgoing).begin()

    def settle(self, incoming: Path, outgoing: Path, workspaces: tuple[Path, ...]) -> SettleReport:
        """Workspaces first (they are the user's), then databases, then files. Raises NotSettled.

        `workspaces` are relative to the state; one that cannot be moved (a mount point) is told, with where it is. On the
        way back from a restore it is an error instead: the tree that goes out is removed.
        """
        record, back = self._record(incoming, outgoing), self._record(outgoing, incoming)
        moving, held = movable(workspaces, (*self._databases(incoming), *self._databases(outgoing)), outgoing)
        if back.is_begun:
            for workspace in moving:
                give_back(incoming, outgoing, workspace, back.folder)
            if back.baseline(_FILES) is None:
                return SettleReport()
        else:
            record.tell(held)
            for workspace in moving:
                record.tell(tuple(move_workspace(incoming, outgoing, workspace, record.folder)))
        self._settle_effects(incoming, outgoing, record, back)
        return SettleReport(record.items())

    def _record(self, incoming: Path, outgoing: Path) -> "_Record":
        return _Record(self.home / "settling" / f"{_name(incoming)}-{_name(outgoing)}")

    def _settle_effects(self, incoming: Path, outgoing: Path, record: "_Record", back: "_Record") -> None:
        for database in self._databases(incoming):
            self._settle_database(incoming, outgoing, database, record, back.baseline(database))
        with reading(outgoing / self.knowledge.state_database, self.home / "settling") as later:
            waiting = frozenset(self._waiting_ids(later))
            jobs = tuple(job for job, _store, _state in read_jobs(self.knowledge, later))
        kept = record.folder / "files"
        files = FileSettler(self.knowledge, incoming, outgoing, kept, waiting, jobs, back.baseline(_FILES))
        for item in files.settle():
            record.tell((item,))
        baseline = {name: self._known(incoming, outgoing, name) for name in self._databases(incoming)}
        record.keep_baseline({**baseline, _FILES: files.known()})

    def _databases(self, incoming: Path) -> Iterator[str]:
        if (incoming / self.knowledge.state_database).exists():
            yield self.knowledge.state_database
        for path in sorted(incoming.glob(self.knowledge.agent_databases)):
            yield str(path.relative_to(incoming))

    def _settle_database(
        self, incoming: Path, outgoing: Path, database: str, record: "_Record", baseline: frozenset[Known] | None
    ) -> None:
        plan = self._plan(incoming, outgoing, database, baseline, record.settled(database))
        record.tell(plan.listed)
        if plan.changes:
            record.keep_rows(database, plan.changes)
            record.tell(tuple(dict.fromkeys(change.item for change in plan.changes)))
            perform(incoming / database, plan.changes)

    def _plan(
        self,
        incoming: Path,
        outgoing: Path,
        database: str,
        baseline: frozenset[Known] | None,
        settled: frozenset[Known],
    ) -> RowPlan:
        with ExitStack() as stack:
            before = stack.enter_context(reading(incoming / database, self.home / "settling"))
            after = stack.enter_context(reading(outgoing / database, self.home / "settling"))
            if before is None:
                return RowPlan((), ())
            now_ms = int(self.clock.now().timestamp() * 1000)
            planner = RowPlanner(self.knowledge, before, after, database, outgoing, now_ms, baseline, settled)
            return planner.plan(self._kind(database))

    def _known(self, incoming: Path, outgoing: Path, database: str) -> frozenset[Known]:
        with reading(incoming / database, self.home / "settling") as now:
            if now is None:
                return frozenset()
            return RowPlanner(self.knowledge, now, None, database, outgoing, 0).known(self._kind(database))

    def _kind(self, database: str) -> Where:
        return Where.STATE if database == self.knowledge.state_database else Where.AGENT

    def _waiting_ids(self, later: sqlite3.Connection | None) -> Iterator[str]:
        """Ids of all untouched effects of the outgoing state database: a file imported there may still be pending."""
        for table in self.knowledge.outbox:
            if later is not None and table.carries and columns_of(later, table.table):
                condition = f"({table.waiting}) AND ({table.carries})"
                query = f"SELECT {table.key[-1]} FROM {table.table} WHERE {condition}"
                yield from (str(row[0]) for row in later.execute(query))


@dataclass(frozen=True)
class _Record:
    folder: Path

    @property
    def is_begun(self) -> bool:
        """Whether these trees were about to be exchanged in this direction."""
        return (self.folder / "begun").exists()

    def begin(self) -> None:
        """Note it, durably."""
        make_private(self.folder)
        replace_durably(self.folder / "begun", b"")

    def tell(self, items: tuple[Settled, ...]) -> None:
        """Note what is told, durably; what is noted already is not noted twice."""
        known = self.items()
        fresh = tuple(item for item in items if item not in known)
        if fresh:
            make_private(self.folder)
            text = json.dumps([asdict(item) for item in (*known, *fresh)], indent=1)
            replace_durably(self.folder / "told.json", text.encode())

    def settled(self, database: str) -> frozenset[Known]:
        """The effects an earlier run between these trees took out of a database."""
        found: set[Known] = set()
        path = self.folder / "rows.jsonl"
        for text in path.read_bytes().splitlines() if path.exists() else ():
            try:
                line = json.loads(text)
            except ValueError:  # cut off by a crash: what it describes was not done yet
                continue
            if line["database"] == database and line["key"]:
                found.add((str(line["key"][0]), tuple(line["key"][1:])))
        return frozenset(found)

    def keep_baseline(self, known: dict[str, frozenset[Known]]) -> None:
        """Keep what the incoming tree holds as it goes live: a way back from here must not take its absence for done."""
        make_private(self.folder)
        text = json.dumps({name: sorted([table, *key] for table, key in keys) for name, keys in known.items()})
        replace_durably(self.folder / "baseline.json", text.encode())

    def baseline(self, name: str) -> frozenset[Known] | None:
        """The baseline of one database, or None when these trees were never settled in this direction."""
        try:
            kept = json.loads((self.folder / "baseline.json").read_bytes())
        except FileNotFoundError:
            return None
        return frozenset((str(row[0]), tuple(row[1:])) for row in kept.get(name, ()))

    def items(self) -> tuple[Settled, ...]:
        """All that was told so far."""
        try:
            return tuple(Settled(**fields) for fields in json.loads((self.folder / "told.json").read_bytes()))
        except FileNotFoundError:
            return ()

    def keep_rows(self, database: str, changes: tuple[Change, ...]) -> None:
        """Keep the rows that are about to be changed or removed: private, never shown."""
        make_private(self.folder)
        path = self.folder / "rows.jsonl"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            file.write(b"\n")  # a line cut off by a crash must not swallow the next
            for change in changes:
                line = {"database": database, "key": change.key, "sql": change.sql, "row": change.row}
                file.write(json.dumps(line).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


def _name(tree: Path) -> str:
    identity = file_id(tree)
    return f"{identity.device}.{identity.inode}"
