"""What is written down for the hand of a place before it is started: what to show inside, and the command of its slot."""

import json
import os
import shlex
import sys
from pathlib import Path

import upgrader
from upgrader.adapters.files.durable import make_private
from upgrader.adapters.files.system import SYSTEM
from upgrader.domain.canary.enclosure import Show, Site


def write_job(job: Path, site: Site) -> None:
    """What the hand must know before it can be told anything: what to show inside. No secret is in it."""
    shows = (
        *_python_shows(),
        *site.shows,
        *_own_shows(site),
        Show(job, job, writable=True),
        Show(site.notes, site.notes, writable=True),
        Show(site.commands, site.commands),
        Show(site.temporary, site.shown_temporary, writable=True),
        Show(site.home, site.shown_home, writable=True),
        Show(site.state, site.shown_state, writable=True),
    )
    mounts = [{"source": str(s.source), "target": str(s.target), "writable": s.writable} for s in shows]
    told = {
        "staging": str(site.root / "staging"),
        "directory": str(job),
        "mounts": mounts,
        "traps": [str(path) for path in site.traps],
        "guarded": [str(path) for path in site.guarded],
        "links": [[str(site.alias), str(site.shown_state)]] if site.alias else [],
    }
    data = json.dumps(told).encode()
    descriptor = os.open(job / "job.json", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _own_shows(site: Site) -> tuple[Show, ...]:
    """What is there of a person's own, but what is seen anyway: the system's, and what the clone holds itself.

    A probe's words may name anything: of them only plain files are shown, never a socket. No directory that holds the home,
    the state or the canary itself is shown: the live ones would be seen.
    """
    seen = (*(Path("/", name) for name in SYSTEM), site.shown_state)
    held = (site.shown_home, site.shown_state, site.root)
    code = [path for path in site.own_code if path.is_dir() and not any(each.is_relative_to(path) for each in held)]
    found = [*code, *(path for path in (*site.own_files, *site.own_code) if path.is_file())]
    return tuple(Show(path, path) for path in found if not any(path.is_relative_to(place) for place in seen))


def write_command(site: Site) -> None:
    """`openclaw` of this slot as a program on the PATH of whoever works here by hand."""
    folder = make_private(site.commands)
    if site.openclaw:
        words = " ".join(shlex.quote(word) for word in site.openclaw)
        file = folder / "openclaw"
        file.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        file.chmod(0o700)


def _python_shows() -> tuple[Show, ...]:
    """The hand's own Python: modules are loaded as they are needed, after the walls are up."""
    package = Path(upgrader.__file__).parent
    places = {p for p in (Path(sys.prefix), Path(sys.base_prefix), package) if not p.is_relative_to("/usr")}
    # A venv's interpreter and the package are named by the paths they are started with, links not resolved.
    return tuple(Show(p, p) for p in sorted(places) if not any(p.is_relative_to(q) for q in places - {p}))
