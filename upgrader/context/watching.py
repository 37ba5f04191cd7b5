"""Joins `diagnose --follow` and `diagnose --bundle`."""

import re
import socket
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from upgrader.adapters.databases.read_only import ReadOnlyDatabases
from upgrader.adapters.moves.files import DurableFiles
from upgrader.adapters.probes.log_lines import LogTail
from upgrader.adapters.probes.observed_files import StateFiles
from upgrader.context.diagnosing import gatherer, user_name
from upgrader.context.observing import KNOWLEDGE, configuration_of
from upgrader.context.wiring import Wiring
from upgrader.domain.installation.facts import Installation
from upgrader.domain.pairing.happening import Happening
from upgrader.domain.pairing.ports import DatabaseUnreadable, FileUnreadable, Rows
from upgrader.domain.secret import Secret
from upgrader.errors import UpgraderError
from upgrader.operations.diagnosis.bundle import Bundle
from upgrader.operations.diagnosis.follow import Follow
from upgrader.operations.diagnosis.pairing_store import StoreReader
from upgrader.services.openclaw import scene_facts
from upgrader.services.openclaw.logs import log_events, meanings

_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSWORD|KEY|CREDENTIAL", re.IGNORECASE)


def follow(wiring: Wiring, tell: Callable[[Happening], None]) -> None:
    """Name what happens until an interrupt. Raises what the discovery raises."""
    found = wiring.finder().find()
    gathers = gatherer(wiring.machine, wiring.options)
    reader = StoreReader(ReadOnlyDatabases(Path(tempfile.gettempdir())), StateFiles(), KNOWLEDGE)
    Follow(
        reader=reader,
        tails=lambda each: tuple(LogTail(path) for path in gathers.growing_logs(each)),
        event_of=log_events.event_of,
        meaning=meanings.meaning,
        clock=wiring.machine.clock,
        tell=tell,
    ).run(found)


def write_bundle(wiring: Wiring, path: Path, document: str) -> None:
    """Write a report fit for strangers. Raises BundleRefused."""
    try:
        found = wiring.finder().find()
    except UpgraderError:
        found = None
    secrets = (*_of_shell(wiring), *(_of_installation(wiring, found) if found else ()))
    Bundle(DurableFiles(), tuple(dict.fromkeys(secrets)), _private(wiring, found), Path.exists).write(path, document)


def _of_shell(wiring: Wiring) -> tuple[Secret, ...]:
    named = ((name, value) for name, value in wiring.machine.environment.items() if _SECRET_NAME.search(name))
    return tuple(Secret(value) for _, value in named if len(value) >= 8 and "/" not in value)


def _of_installation(wiring: Wiring, found: Installation) -> tuple[Secret, ...]:
    """The gateway's own, all of the configuration, all tokens and keys of the pairing data."""
    state, files = found.state.path, {}
    answers: tuple[Rows, ...] = ()
    with suppress(DatabaseUnreadable):
        answers = ReadOnlyDatabases(Path(tempfile.gettempdir())).read(state / KNOWLEDGE.database, scene_facts.SECRET_QUERIES)
    for name in scene_facts.PAIRING_FILES:
        with suppress(FileUnreadable):
            files[name] = StateFiles().read(state / name)
    configured: tuple[Secret, ...] = ()
    with suppress(UpgraderError):
        configured = configuration_of(wiring.machine, found).secrets
    stored = (Secret(text) for text in scene_facts.secrets_of_store(answers, files))
    return tuple(each for each in (found.auth.token, found.auth.password, *configured, *stored) if each)


def _private(wiring: Wiring, found: Installation | None) -> tuple[tuple[str, str], ...]:
    """Paths and names of this machine and the devices people named."""
    named = [(str(wiring.machine.account_home), "~"), (socket.gethostname(), "HOST"), (user_name(wiring.machine.uid), "USER")]
    if found is not None:
        named.append((str(found.home), "~"))
        reader = StoreReader(ReadOnlyDatabases(Path(tempfile.gettempdir())), StateFiles(), KNOWLEDGE)
        named += [(each.display_name, "DEVICE-NAME") for each in reader.store(found.state.path).paired]
    return tuple((text, word) for text, word in named if len(text) > 2)
