"""Joins the table's own commands."""

import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from upgrader.context.choices import Answers, Reach
from upgrader.context.machine import Machine
from upgrader.context.remembering import settings, tables
from upgrader.domain.outcome import Failure, Outcome, Status
from upgrader.domain.ports import Progress
from upgrader.domain.table.evidence import Verdict
from upgrader.domain.table.known import (
    KnownAdd,
    KnownCheck,
    KnownList,
    KnownShow,
    TableUpdate,
    findings,
    listed,
    shown,
)
from upgrader.domain.version import Version
from upgrader.errors import Blocked, UpgraderError, UsageError


def show_list(machine: Machine, area: str, verdict: Verdict | None) -> Outcome[KnownList]:
    """`upgrader known list`. Raises UsageError on an area that is none."""
    from upgrader.adapters.table.model import AREAS

    if area and area not in AREAS:
        raise UsageError(f"there is no area {area[:40]!r}", hint=f"one of {', '.join(AREAS)}", code="unknown_area")
    return Outcome("known list", listed(tables(machine).load(), area, verdict))


def show_one(machine: Machine, version: Version, reach: Reach = Reach.ONLINE) -> Outcome[KnownShow]:
    """`upgrader known show`."""
    from upgrader.context.declaring import declared

    package, notes = declared(machine, version, reach)
    data = shown(tables(machine).load(), version, _today(machine))
    return Outcome("known show", replace(data, declared=package), notices=notes)


def check(machine: Machine, file: Path | None) -> Outcome[KnownCheck]:
    """`upgrader known check`: of a file, or of what counts, checked strictly. 3 where something deserves a look."""
    from upgrader.adapters.table.reading import parse, read, shipped

    table = tables(machine).load() if file is None else parse(read(file), str(file))
    if file is None:
        parse(read(shipped()), shipped().name)  # its seal is not taken for an answer here
    found = findings(table, _today(machine))
    data = KnownCheck(table.source, len(table.entries), found)
    if not found:
        return Outcome("known check", data)
    failures = tuple(Failure("table_look", f"{each.version}: {each.what}", unchanged="") for each in found)
    return Outcome("known check", data, Status.FAILED, Blocked.exit_code, failures)


def add(machine: Machine, values: dict[str, Any]) -> Outcome[KnownAdd]:
    """`upgrader known add`. Raises TableInvalid with what is wrong with the entry."""
    kept = tables(machine)
    before = kept.load().entry(Version(values["version"]))
    entry = kept.add(values, _today(machine))
    return Outcome("known add", KnownAdd(entry, kept.own, before.verdict if before else None))


def update(machine: Machine, source: str, digest: str, answers: Answers, progress: Progress) -> Outcome[TableUpdate]:
    """`upgrader known update`. Raises TableUntrusted, TableInvalid, Blocked, UsageError."""
    from upgrader.adapters.table.reading import parse
    from upgrader.adapters.table.source import TableSource
    from upgrader.operations.known import UpdateTable

    decided = settings(machine)
    kept = tables(machine)
    fetcher = TableSource(decided.table_key, machine.python, machine.runner, machine.environment)
    named = source or decided.table_url
    with progress.step("fetching a newer table"):
        fetched = fetcher.named(named, digest) if named else fetcher.newest_wheel()

    def consent(found: TableUpdate) -> None:
        _consent(found, answers, progress)

    return UpdateTable(kept.base, parse, kept.take, consent).run(fetched)


def schema() -> str:
    """`upgrader known schema`: the JSON Schema of the table, for editors."""
    from upgrader.adapters.table.model import schema_text

    return schema_text()


def _consent(found: TableUpdate, answers: Answers, progress: Progress) -> None:
    """Show what changes and ask. Raises UsageError where nobody is there, UpgraderError (`declined`)."""
    for each in found.differences:
        before, after = each.before.value if each.before else "no entry", each.after.value if each.after else "no entry"
        progress.note(f"{each.change.value} {each.version}: {before} → {after}: {each.sentence}")
    if answers is Answers.YES:
        return
    if not sys.stdin.isatty():
        why = "standard input is no terminal"
        raise UsageError("there is nobody to ask", why=why, hint="the same command with `--yes` takes it", code="no_consent")
    progress.note(f"Take {len(found.differences)} changes from {found.source} ({found.proof})? [y/N]")
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UpgraderError("not taken: you did not say yes", hint="`upgrader known update` shows it again", code="declined")


def _today(machine: Machine) -> date:
    return machine.clock.now().date()
