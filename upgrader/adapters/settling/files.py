"""Settles what the era of files keeps in files: queues, jobs, runs, pairing, transcripts, and living secrets of any era.

Every write is one atomic replacement, and judging again after it finds nothing left to do. What is taken out of the
restored state is kept in `kept` (private), never thrown away.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from upgrader.adapters.files.durable import make_private, remove_durably, replace_durably, sync_directory
from upgrader.adapters.files.filecopy import CHUNK, Copier, dress
from upgrader.adapters.files.trees import entry_at, walk
from upgrader.adapters.settling.pairing import merged_tokens
from upgrader.adapters.settling.rows import Known
from upgrader.adapters.settling.sql import told
from upgrader.domain.kept.tree import EntryKind, TreeEntry
from upgrader.domain.moves.settle import (
    REASONS,
    Action,
    EffectKnowledge,
    Fate,
    Job,
    JobRuling,
    Settled,
    decide_job,
)

Mapping = dict[str, object]
_QUEUE = "queue"


@dataclass(frozen=True)
class FileSettler:
    """Both trees, and what the outgoing one may have imported from files: ids of effects that still wait, and jobs."""

    knowledge: EffectKnowledge
    incoming: Path
    outgoing: Path
    kept: Path
    waiting_ids: frozenset[str]
    later_jobs: tuple[Job, ...]
    baseline: frozenset[Known] | None = None

    def settle(self) -> Iterator[Settled]:
        """Settle file by file. Each item is handed out before its act: told first, a kill in between loses no word."""
        yield from self._queues()
        yield from self._jobs()
        yield from self._runs()
        yield from self._pairing()
        yield from self._transcripts()
        yield from self._moving()

    def known(self) -> frozenset[Known]:
        """The queued files of the incoming tree now: the baseline for the way back; see RowPlanner."""
        found = (path for pattern in self.knowledge.files.queue for path in self.incoming.glob(pattern))
        return frozenset((_QUEUE, (str(path.relative_to(self.incoming)),)) for path in found)

    def _queues(self) -> Iterator[Settled]:
        for pattern in self.knowledge.files.queue:
            for path in sorted(self.incoming.glob(pattern)):
                name = path.relative_to(self.incoming)
                other = self.outgoing / name
                never_there = self.baseline is not None and (_QUEUE, (str(name),)) not in self.baseline
                if _same(path, other) or (not other.exists() and (path.stem in self.waiting_ids or never_there)):
                    continue
                fate = Fate.TOUCHED if other.exists() else Fate.GONE
                yield told(Action.SETTLED, str(name), REASONS[fate])
                self._put_aside(path)
            for other in sorted(self.outgoing.glob(pattern)):
                name = other.relative_to(self.outgoing)
                if not (self.incoming / name).exists() and not (self.kept / name).exists():
                    yield told(Action.LISTED, str(name), "it came after the upgrade and waits", other)

    def _jobs(self) -> Iterator[Settled]:
        path = self.incoming / self.knowledge.files.jobs
        before, after = _read_object(path), _read_object(self.outgoing / self.knowledge.files.jobs)
        if before is None:
            return
        known = {job.id: job for job in self.later_jobs}
        known.update({found.id: found for found in map(self._job, _objects((after or {}).get("jobs")))})
        jobs: list[Mapping] = []
        items: list[Settled] = []
        for job in _objects(before.get("jobs")):
            decision = decide_job(self._job(job), known.get(str(job.get("id"))))
            if decision.ruling is JobRuling.KEEP:
                jobs.append(job)
                continue
            if decision.ruling is JobRuling.ADVANCE:
                state = self.knowledge.advanced_state(
                    json.dumps(job.get("state", {})), decision.next_run_ms, decision.last_run_ms
                )
                jobs.append({**job, "state": json.loads(state)})
                if json.loads(state) == job.get("state", {}):
                    continue
            items.append(told(Action.SETTLED, f"scheduled job {job.get('id')}", decision.why))
        yield from items
        if items:
            self._replace(path, {**before, "jobs": jobs})

    def _job(self, job: Mapping) -> Job:
        return self.knowledge.job_of(str(job.get("id")), job.get("enabled"), None, json.dumps(job), "{}")

    def _runs(self) -> Iterator[Settled]:
        """Sub-agent runs of the era of files: one that had not ended is resumed at the start."""
        path = self.incoming / self.knowledge.files.runs
        before, after = _read_object(path), _read_object(self.outgoing / self.knowledge.files.runs) or {}
        runs = _mapping(before.get("runs")) if before is not None else {}
        others = _mapping(after.get("runs"))
        gone = {
            key: run for key, run in runs.items() if isinstance(run, dict) and "endedAt" not in run and others.get(key) != run
        }
        if before is None or not gone:
            return
        for key in gone:
            yield told(Action.SETTLED, f"sub-agent run {key}", REASONS[Fate.TOUCHED if key in others else Fate.GONE])
        self._replace(path, {**before, "runs": {key: run for key, run in runs.items() if key not in gone}})

    def _pairing(self) -> Iterator[Settled]:
        path = self.incoming / self.knowledge.files.paired
        before, after = _read_object(path), _read_object(self.outgoing / self.knowledge.files.paired)
        if before is None or after is None:
            return
        merged: Mapping = dict(before)
        items: list[Settled] = []
        for device, record in before.items():
            other = after.get(device)
            shown = f"device {device[:12]}"
            if other is None:
                items.append(told(Action.LISTED, shown, "it vanished with no act recorded: a fault, so it stays paired"))
            elif isinstance(record, dict) and isinstance(other, dict):
                was, now = _mapping(record.get("tokens")), _mapping(other.get("tokens"))
                tokens, changed = merged_tokens(self.knowledge, shown, was, now)
                items += changed
                merged[device] = {**record, "tokens": tokens} if changed else record
        for device in after.keys() - before.keys():
            merged[device] = after[device]
            items.append(told(Action.CARRIED, f"device {device[:12]}", "it was paired after the upgrade"))
        yield from items
        if merged != before:
            self._replace(path, merged)

    def _transcripts(self) -> Iterator[Settled]:
        """Transcripts only grow: a longer one that begins with ours is the same conversation, further on."""
        for other in sorted(self.outgoing.glob(self.knowledge.files.transcripts)):
            name = other.relative_to(self.outgoing)
            path = self.incoming / name
            if path.exists() and (_same(path, other) or other.stat().st_size <= path.stat().st_size):
                continue
            if path.exists() and not _begins_with(other, path):
                yield told(Action.LISTED, str(name), "a newer one was written after the upgrade", other)
                continue
            yield told(Action.CARRIED, str(name), "it grew after the upgrade")
            self._carry(name)
        for other in sorted(self.outgoing.glob(self.knowledge.files.indexes)):
            yield from self._index(other.relative_to(self.outgoing))

    def _index(self, name: Path) -> Iterator[Settled]:
        before, after = _read_object(self.incoming / name), _read_object(self.outgoing / name)
        if after is None:
            return
        merged: Mapping = dict(before or {})
        for key, entry in after.items():
            ours = merged.get(key)
            if ours is None or _updated(entry) > _updated(ours):
                merged[key] = entry
        if merged != (before or {}):
            yield told(Action.CARRIED, str(name), "sessions went on after the upgrade")
            self._replace(self.incoming / name, merged)

    def _moving(self) -> Iterator[Settled]:
        """Living secrets: the newer file is the only one that works. One that is gone was used up or logged out."""
        for entry in self._moving_files(self.outgoing):
            path = self.incoming / entry.path
            if not path.exists() or (not _same(path, self.outgoing / entry.path) and entry.mtime_ns >= path.stat().st_mtime_ns):
                yield told(Action.CARRIED, entry.path, "it moved on after the upgrade; the older one is dead")
                self._carry(Path(entry.path))
        for entry in list(self._moving_files(self.incoming)):
            other = self.outgoing / entry.path
            if other.exists():
                continue
            if any(other.parent.glob(f"{other.name}.*")):  # kept under another name by an import: still the living copy
                why = "the newer release took it over in another form: log in again if it is refused"
                yield told(Action.LISTED, entry.path, why)
                continue
            yield told(Action.CARRIED, entry.path, "it was removed after the upgrade")
            self._put_aside(self.incoming / entry.path)

    def _moving_files(self, tree: Path) -> Iterator[TreeEntry]:
        """Looks only where such files can be: a walk of the whole state would make the outage grow with it."""
        for pattern in self.knowledge.files.moving:
            for root in sorted(tree.glob(pattern)):
                below = root.relative_to(tree)
                found = walk(root) if root.is_dir() and not root.is_symlink() else [replace(entry_at(root, ""), path="")]
                for entry in found:
                    path = str(below / entry.path) if entry.path else str(below)
                    if entry.kind is EntryKind.FILE and self.knowledge.is_moving_path(path):
                        yield replace(entry, path=path)

    def _carry(self, name: Path) -> None:
        """Copy one file from the outgoing to the incoming tree as one durable step, with its mode and time."""
        source, path = self.outgoing / name, self.incoming / name
        make_private(path.parent)
        fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
        fresh.unlink(missing_ok=True)
        Copier().copy(source, fresh)
        dress(source, fresh, entry_at(self.outgoing, str(name)))
        with fresh.open("rb") as file:
            os.fsync(file.fileno())
        fresh.replace(path)
        sync_directory(path.parent)

    def _put_aside(self, path: Path) -> None:
        place = self.kept / path.relative_to(self.incoming)
        make_private(place.parent)
        replace_durably(place, path.read_bytes())
        remove_durably(path)

    def _replace(self, path: Path, content: Mapping) -> None:
        place = self.kept / path.relative_to(self.incoming)
        make_private(place.parent)
        if not place.exists():
            replace_durably(place, path.read_bytes() if path.exists() else b"")
        replace_durably(path, json.dumps(content, indent=2).encode() + b"\n")


def _same(path: Path, other: Path) -> bool:
    """Whether two files hold the same bytes; False where one is missing."""
    if not path.exists() or not other.exists() or path.stat().st_size != other.stat().st_size:
        return False
    return _begins_with(other, path)


def _begins_with(long: Path, short: Path) -> bool:
    with long.open("rb") as first, short.open("rb") as second:
        while block := second.read(CHUNK):
            if first.read(len(block)) != block:
                return False
    return True


def _read_object(path: Path) -> Mapping | None:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _objects(value: object) -> list[Mapping]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _mapping(value: object) -> Mapping:
    return value if isinstance(value, dict) else {}


def _updated(entry: object) -> float:
    stamp = entry.get("updatedAt") if isinstance(entry, dict) else None
    return float(stamp) if isinstance(stamp, int | float) else 0.0
