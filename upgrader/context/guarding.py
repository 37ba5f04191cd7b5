"""Joins `upgrader watch`."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from enum import Enum
from pathlib import Path

from upgrader.adapters.moves.pointer import npm_at_work
from upgrader.context.choices import Answers
from upgrader.context.drifting import Reading, drift_of, left_as
from upgrader.context.keeping import Keeping
from upgrader.context.planning import Wish, plan
from upgrader.context.restoring import restore
from upgrader.context.unfinished import open_move
from upgrader.context.wiring import Wiring
from upgrader.domain.outcome import Outcome, Status
from upgrader.domain.pairing.happening import Happening
from upgrader.domain.plan.decision import ExitStyle
from upgrader.domain.units import span
from upgrader.domain.watching import Look, Pace, WatchData
from upgrader.errors import UpgraderError
from upgrader.operations.watch import Watch


class Mending(Enum):
    """What is done about a package that is not as it was left."""

    TELL = "tell"
    RESTORE = "restore"
    ADOPT = "adopt"


def watch_once(wiring: Wiring, mending: Mending) -> Outcome[WatchData]:
    """`upgrader watch --once`."""
    return _watch(wiring, mending, lambda _happening: None, Pace()).once()


def watch(
    wiring: Wiring, mending: Mending, tell: Callable[[Happening], None], pace: Pace, limit: timedelta | None
) -> Outcome[WatchData]:
    """`upgrader watch`: until `limit`, or an interrupt."""
    end = "" if limit else "; Ctrl-C ends it"
    wiring.progress.note(f"watching: a glance every {span(pace.glance.total_seconds())}, a line for each change{end}")
    return _watch(wiring, mending, tell, pace).run(limit)


def _watch(wiring: Wiring, mending: Mending, tell: Callable[[Happening], None], pace: Pace) -> Watch:
    pointer = wiring.finder().find().package.pointer
    mend = None if mending is Mending.TELL else lambda: _mend(replace(wiring, answers=Answers.YES), mending)
    return Watch(lambda: _glance(pointer), lambda: _look(wiring), lambda: _news(wiring), mend, wiring.machine.clock, tell, pace)


def _glance(pointer: Path) -> tuple[object, ...]:
    """What differs as soon as npm or OpenClaw's updater has replaced the package: three stat calls."""
    found: list[object] = [pointer.parent.stat().st_mtime_ns if pointer.parent.is_dir() else None]
    for path in (pointer, pointer / "package.json"):
        try:
            seen = os.lstat(path)
        except OSError:
            found.append(None)
        else:
            found.append((seen.st_dev, seen.st_ino, seen.st_mtime_ns))
    return tuple(found)


def _look(wiring: Wiring) -> Look | None:
    """None while a move or npm is at work: what a move does is nobody's drift, and what npm has begun is not to be judged."""
    keeping = Keeping(wiring.machine, wiring.finder().find())
    now = wiring.machine.clock.now().timestamp()
    if open_move(keeping) or npm_at_work(keeping.installation.package.pointer, now):
        return None
    left = left_as(keeping)
    version = str(keeping.installation.package.version)
    return Look(version, str(left.slot.version) if left else "", drift_of(keeping, Reading.LOOKS))


def _news(wiring: Wiring) -> tuple[str, ...]:
    data = plan(wiring.machine, wiring.options, Wish(), ExitStyle.PLAIN).data
    return tuple(
        f"the fix you wait for is out: {fix.version} mends {fix.what or 'it'}: `upgrader plan {fix.version}`"
        for fix in data.fix_out
    )


def _mend(wiring: Wiring, mending: Mending) -> str:
    """Restore or adopt; says what was done. Raises what these raise, UpgraderError where it did not go through."""
    if mending is Mending.ADOPT:
        adopted = wiring.adopt("upgrader watch --adopt")
        if adopted.status is Status.DONE:
            return f"adopted {adopted.data.version}"
        raise UpgraderError("there is nothing to adopt in this", hint="`upgrader restore` puts it right", unchanged="")
    outcome = restore(wiring)
    if outcome.status is not Status.DONE:
        why = "; ".join(each.message for each in outcome.failures)
        raise UpgraderError("the package could not be restored", why=why, hint="`upgrader restore` tries again", unchanged="")
    return f"restored {outcome.data.target}: {outcome.data.serving}"
