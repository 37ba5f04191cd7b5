"""Plans the changes of a rollback inside one database: effects on the world, scheduled jobs, what a remote party advances.

Planning reads both sides without changing a byte of either. Planning again after the changes finds nothing left to do.
"""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from upgrader.adapters.settling.pairing import PairingPlanner
from upgrader.adapters.settling.sql import Change, Row, RowPlan, columns_of, insert, match, row_json, shown_key, told
from upgrader.domain.moves.settle import (
    REASONS,
    Action,
    EffectKnowledge,
    Fate,
    Job,
    JobRuling,
    MovingTable,
    OutboxTable,
    Pending,
    Settled,
    Where,
    decide_job,
    fate_of,
)

Known = tuple[str, Row]
"""A table and the key of a row in it."""

JOBS = "scheduled jobs"


@dataclass(frozen=True)
class RowPlanner:
    """Plans one database: `database` relative to the state, `set_aside` the outgoing tree (to tell the user).

    `baseline` is set when the outgoing tree is itself an older one that was restored against the incoming: what was in it
    when it went live. What it never had is not gone from it. `settled` is what an earlier run took out: it is not new.
    """

    knowledge: EffectKnowledge
    before: sqlite3.Connection
    after: sqlite3.Connection | None
    database: str
    set_aside: Path
    now_ms: int
    baseline: frozenset[Known] | None = None
    settled: frozenset[Known] = frozenset()

    def plan(self, kind: Where) -> RowPlan:
        """All changes and all that is only told."""
        changes: list[Change] = []
        listed: list[Settled] = []
        for table in self.knowledge.outbox:
            if table.where is kind and columns_of(self.before, table.table):
                changes += self._settle(table, listed)
                changes += self._new(table, listed)
        for moving in self.knowledge.moving:
            if moving.where is kind and self.after is not None and columns_of(self.before, moving.table):
                changes += self._carry(moving, self.after, listed)
        if kind is Where.STATE:
            changes += self._jobs(listed)
            if self.after is not None:
                changes += PairingPlanner(self.knowledge, self.before, self.after).changes(listed)
        else:
            self._transcripts(listed)
        return RowPlan(tuple(changes), tuple(listed))

    def _settle(self, table: OutboxTable, listed: list[Settled]) -> Iterator[Change]:
        rows = _select(self.before, table, f"({table.waiting})", {})
        if rows is None:
            why = "its columns are not those we know; nothing in it was settled"
            listed.append(told(Action.LISTED, f"{self.database}: {table.table}", why))
            return
        for key, pending in rows.items():
            after = self._after_of(table, key)
            fate = fate_of(pending, after)
            if fate is Fate.UNTOUCHED or (after is None and self._never_there(table.table, key)):
                continue
            where, named = match(table.key, key)
            sql = f"UPDATE {table.table} SET {table.settle}" if table.settle else f"DELETE FROM {table.table}"
            parameters = {**named, "now": self.now_ms} if ":now" in table.settle else named
            yield Change(
                f"{sql} WHERE {where}",
                parameters,
                told(Action.SETTLED, f"{table.what} {shown_key(key)}", REASONS[fate]),
                row_json(self.before, table.table, where, named),
                (table.table, *key),
            )

    def known(self, kind: Where) -> frozenset[Known]:
        """What is in the incoming database now: the baseline for the way back, should that be taken."""
        found: set[Known] = {(JOBS, (job.id,)) for job, _store, _state in read_jobs(self.knowledge, self.before)}
        for table in self.knowledge.outbox:
            if table.where is kind and columns_of(self.before, table.table):
                found |= {(table.table, key) for key in _select(self.before, table, f"({table.waiting})", {}) or {}}
        for moving in self.knowledge.moving:
            if moving.where is kind and (columns := columns_of(self.before, moving.table)):
                found |= {(moving.table, key) for key in _keyed(self.before, moving, columns)}
        return frozenset(found)

    def _never_there(self, table: str, key: Row) -> bool:
        return self.baseline is not None and (table, key) not in self.baseline

    def _after_of(self, table: OutboxTable, key: Row) -> Pending | None:
        if self.after is None or not columns_of(self.after, table.table):
            return None
        where, named = match(table.key, key)
        rows = _select(self.after, table, where, named)
        if rows is None:  # the newer release keeps it in another form: unclear, and unclear is never done twice
            return Pending(waiting=True, progress=("unknown",))
        return rows.get(key)

    def _new(self, table: OutboxTable, listed: list[Settled]) -> Iterator[Change]:
        """Effects that wait in the newer state and that the older one has never seen."""
        rows = _select(self.after, table, f"({table.waiting})", {}) if self.after is not None else None
        for key in rows or {}:
            where, named = match(table.key, key)
            if (table.table, key) in self.settled:
                continue
            if self.before.execute(f"SELECT 1 FROM {table.table} WHERE {where}", named).fetchone():
                continue
            what = f"{table.what} {shown_key(key)}"
            assert self.after is not None  # rows came from it
            if table.carries and columns_of(self.after, table.table) == columns_of(self.before, table.table):
                fresh = f"{where} AND {table.carries}"
                found = self.after.execute(f"SELECT * FROM {table.table} WHERE {fresh}", named).fetchone()
                if found:
                    statement = insert(table.table, columns_of(self.before, table.table), found)
                    yield Change(*statement, told(Action.CARRIED, what, "it came after the upgrade and still waits"))
                    continue
            why = "it came after the upgrade and waits; it was not carried"
            listed.append(told(Action.LISTED, what, why, self.set_aside))

    def _carry(self, table: MovingTable, after: sqlite3.Connection, listed: list[Settled]) -> Iterator[Change]:
        columns = columns_of(self.before, table.table)
        if columns_of(after, table.table) != columns:
            listed.append(
                told(Action.LISTED, f"{table.what}: {table.table}", "the newer release keeps it in another form: log in again")
            )
            return
        was, now = _keyed(self.before, table, columns), _keyed(after, table, columns)
        for key, row in now.items():
            if key not in was or _is_newer(table, columns, was[key], row):
                before = row_json(self.before, table.table, *match(table.key, key))
                why = "it moved on after the upgrade; the older one is dead"
                item = told(Action.CARRIED, f"{table.what} {shown_key(key)}", why)
                yield Change(*insert(table.table, columns, row), item, before)
        for key in was.keys() - now.keys():
            if self._never_there(table.table, key):
                continue
            where, named = match(table.key, key)
            yield Change(
                f"DELETE FROM {table.table} WHERE {where}",
                named,
                told(Action.CARRIED, f"{table.what} {shown_key(key)}", "it was removed after the upgrade"),
                row_json(self.before, table.table, where, named),
            )

    def _jobs(self, listed: list[Settled]) -> Iterator[Change]:
        before, after = read_jobs(self.knowledge, self.before), read_jobs(self.knowledge, self.after)
        known = {job.id: job for job, _store, _state in after}
        for job, store, state in before:
            decision = decide_job(job, known.get(job.id))
            if decision.ruling is JobRuling.KEEP or (job.id not in known and self._never_there(JOBS, (job.id,))):
                continue
            parameters: dict[str, object] = {"store": store, "job": job.id}
            sql = self.knowledge.jobs.retire
            if decision.ruling is JobRuling.ADVANCE:
                sql = self.knowledge.jobs.advance
                parameters["state"] = self.knowledge.advanced_state(state, decision.next_run_ms, decision.last_run_ms)
                if json.loads(str(parameters["state"])) == json.loads(state or "{}"):
                    continue
            item = told(Action.SETTLED, f"scheduled job {job.id}", decision.why)
            yield Change(sql, parameters, item, state, (JOBS, job.id))
        old = {job.id for job, _store, _state in before} | {str(key[0]) for table, key in self.settled if table == JOBS}
        for job, _store, _state in after:
            if job.id not in old and not job.managed:
                listed.append(told(Action.LISTED, f"scheduled job {job.id}", "made after the upgrade", self.set_aside))

    def _transcripts(self, listed: list[Settled]) -> None:
        """Rows of agent databases are not merged across schemas: how many messages stay behind, and where, is told."""
        try:
            was = {row[0]: row for row in self.before.execute(self.knowledge.transcript_rows)}
            now = [] if self.after is None else self.after.execute(self.knowledge.transcript_rows).fetchall()
        except sqlite3.OperationalError:
            return
        longer = [row for row in now if row[0] not in was or row[1] > was[row[0]][1]]
        more = sum(row[2] - (was[row[0]][2] if row[0] in was else 0) for row in longer)
        if longer:
            what = f"{more} messages of {len(longer)} sessions in {self.database}"
            listed.append(told(Action.LISTED, what, "written after the upgrade", self.set_aside / self.database))


def read_jobs(knowledge: EffectKnowledge, connection: sqlite3.Connection | None) -> list[tuple[Job, str, str]]:
    """Scheduled jobs of a state database: job, store key, state as JSON. Empty where it keeps none in this form."""
    if connection is None:
        return []
    try:
        rows = connection.execute(knowledge.jobs.select).fetchall()
        return [(knowledge.job_of(r[1], r[2], r[3], r[4], r[5]), str(r[0]), str(r[5] or "{}")) for r in rows]
    except (sqlite3.OperationalError, ValueError):
        return []


def _select(
    connection: sqlite3.Connection, table: OutboxTable, where: str, parameters: dict[str, object]
) -> dict[Row, Pending] | None:
    """Keys with waiting and progress; None when the table has not the columns we know."""
    wanted = ", ".join((*table.key, f"({table.waiting})", *table.progress))
    try:
        rows = connection.execute(f"SELECT {wanted} FROM {table.table} WHERE {where}", parameters).fetchall()
    except sqlite3.OperationalError:
        return None
    size = len(table.key)
    return {tuple(row[:size]): Pending(bool(row[size]), tuple(row[size + 1 :])) for row in rows}


def _keyed(connection: sqlite3.Connection, table: MovingTable, columns: tuple[str, ...]) -> dict[Row, Row]:
    places = [columns.index(name) for name in table.key]
    rows = connection.execute(f"SELECT * FROM {table.table} WHERE {table.only}")
    return {tuple(row[place] for place in places): tuple(row) for row in rows}


def _is_newer(table: MovingTable, columns: tuple[str, ...], before: Row, after: Row) -> bool:
    """Whether the row moved on. Without a stamp any difference counts: the newer state is the one that spoke last."""
    if not table.stamp:
        return before != after
    place = columns.index(table.stamp)
    content = [(old, new) for number, (old, new) in enumerate(zip(before, after, strict=True)) if number != place]
    return any(old != new for old, new in content) and _number(after[place]) >= _number(before[place])


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
