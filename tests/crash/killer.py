"""Runs the real command line in this process and kills it with SIGKILL at one chosen moment.

`python -m tests.crash.killer MOMENT REPORT WORDS…`: every effect of a move (durable write, rename, exchange, link, unlink,
spawn, signal) has two moments, just before it and just after it, counted from the beginning of a journal to the end.
MOMENT 0 counts only; `EFFECT@ENTRY` is the first such moment after that entry. With `gateway:` before it not upgrader dies but
the gateway, once; with `port:` somebody takes its port while this process lives; with `disk:` that of our data is full;
`gateway:canary` is while the candidate is proven. REPORT is a file that gets one line a moment: its number, the effect, the
last journal entry.

The canary is answered from memory: it is proven elsewhere, runs no effect on the live installation, and its time would
make this exhaustive walk too long. Nothing else differs from `python -m upgrader WORDS…`.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from upgrader.adapters.files import exchange
from upgrader.adapters.moves import journal_file
from upgrader.adapters.repair import outage_record, repair_record
from upgrader.domain.canary.report import CanaryReport, CanaryRequest, CanaryRun, Seal
from upgrader.domain.check import Judgement, Verdict
from upgrader.domain.moves.journal import Mark
from upgrader.operations.canary.proof import CloneCanary
from upgrader.operations.moves.restore import Restore


class Walk:
    """Counts moments while a move is open and dies at the chosen one."""

    def __init__(self, moment: str, report: Path) -> None:
        self.struck, _, self.moment = moment.rpartition(":")
        self.count = 0
        self.is_open = False
        self.entry = ""
        self._report = report.open("a", buffering=1)

    def reached(self, what: str) -> None:
        """One moment: note it, and die if it is the one."""
        if not self.is_open:
            return
        self.count += 1
        self._report.write(f"{self.count}\t{what}\t{self.entry}\n")
        if self.moment in (str(self.count), f"{what}@{self.entry}"):
            self._report.flush()
            self.strike()

    def strike(self) -> None:
        """What happens at the moment."""
        if not self.struck:
            os.kill(os.getpid(), signal.SIGKILL)
        self.moment = ""
        if self.struck == "gateway":
            end_gateways()
        elif self.struck == "disk":
            fill(Path.home() / ".local" / "share")
        elif self.struck == "port":
            configuration = json.loads((Path.home() / ".openclaw" / "openclaw.json").read_text())
            self._thief = socket.create_server(("127.0.0.1", configuration["gateway"]["port"]))

    def around(self, name: str, effect: Callable[..., Any]) -> Callable[..., Any]:
        """The same effect with a moment before and one after it."""

        def watched(*arguments: Any, **named: Any) -> Any:
            self.reached(f"before {name}")
            result = effect(*arguments, **named)
            self.reached(f"after {name}")
            return result

        return watched


def fill(directory: Path) -> None:
    """Leave no room on the file system of `directory`."""
    with (directory / "filler").open("wb") as file, suppress(OSError):
        while file.write(bytes(1 << 16)):
            file.flush()


def end_gateways() -> None:
    """Kill every gateway of this home."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.cmdline()[:1] == ["openclaw-gateway"] and process.environ().get("HOME") == os.environ["HOME"]:
                os.kill(process.pid, signal.SIGKILL)
                process.wait(10)


def watch(walk: Walk) -> None:
    """Put the moments around every effect, at the lowest place this process can reach."""
    for name in ("fsync", "rename", "replace", "symlink", "unlink", "pwrite", "rmdir"):
        setattr(os, name, walk.around(name, getattr(os, name)))
    exchange._rename_exchange = walk.around("exchange", exchange._rename_exchange)
    subprocess.Popen.__init__ = walk.around("spawn", subprocess.Popen.__init__)  # type: ignore[method-assign]
    psutil.Process.terminate = walk.around("signal", psutil.Process.terminate)  # type: ignore[method-assign]
    append, begin = journal_file.JournalOnDisk.append, journal_file.Journals.begin

    def opened(self: Any, *arguments: Any, **named: Any) -> Any:
        walk.is_open, walk.entry = True, "opening"
        journal = begin(self, *arguments, **named)
        walk.entry = "open"
        return journal

    def entered(self: Any, mark: Mark, step: Any = None, *rest: Any, **named: Any) -> Any:
        entry = append(self, mark, step, *rest, **named)
        walk.entry = f"{mark.value} {step.value if step else ''}".strip()
        walk.reached("entry durable")  # it is open to the end of the process: the marks go after the last entry
        return entry

    watch_restore(walk)
    for record in (repair_record.RepairFile, outage_record.OutageFile):
        watch_record(walk, record)
    journal_file.Journals.begin = opened  # type: ignore[method-assign]
    journal_file.JournalOnDisk.append = entered  # type: ignore[method-assign]


def watch_record(walk: Walk, record: Any) -> None:
    """A repair has no journal but these two records: it is open while one of them stands."""
    write, clear = record.write, record.clear

    def written(self: Any, what: Any) -> None:
        walk.is_open, walk.entry = True, f"{record.__name__} written"
        write(self, what)

    def cleared(self: Any) -> None:
        clear(self)
        walk.entry = f"{record.__name__} gone"
        walk.is_open = walk.is_open and record is not repair_record.RepairFile and walk.entry != ""

    record.write, record.clear = written, cleared


def watch_restore(walk: Walk) -> None:
    """The light path of a restore has no journal and no record: it is open from its first line to the end of the process."""
    run = Restore.run

    def begun(self: Any) -> Any:
        walk.is_open, walk.entry = True, "restore"
        outcome = run(self)
        walk.entry = "restored"
        return outcome

    Restore.run = begun  # type: ignore[method-assign]


def content(_self: CloneCanary, request: CanaryRequest) -> CanaryReport:
    """The canary's word, from memory."""
    said = (Judgement("canary.remembered", Verdict.PASS, "proven elsewhere"),)
    return CanaryReport(Verdict.PASS, Seal.SEALED, CanaryRun(str(request.candidate.version), said, 0.0))


def main() -> None:
    """Watch, then run upgrader's own entry point."""
    walk = Walk(sys.argv[1], Path(sys.argv[2]))
    watch(walk)
    CloneCanary.run = content  # type: ignore[method-assign,assignment]
    if walk.moment == "canary":
        CloneCanary.run = lambda self, request: walk.strike() or content(self, request)  # type: ignore
    sys.argv = ["upgrader", *sys.argv[3:]]
    from upgrader.cli.running import main as entry

    entry()


if __name__ == "__main__":
    main()
