"""A person's own programs against a running canary."""

from collections.abc import Mapping

from upgrader.domain.enclosure import Place, Site
from upgrader.domain.own_probes import OwnProbe, OwnProbeRan
from upgrader.domain.ports import Command
from upgrader.domain.process import CommandMissing, CommandTimedOut
from upgrader.operations.canary_tools import CourseTools
from upgrader.operations.canary_words import Redactor, last_words


def run_own_probes(
    tools: CourseTools, place: Place, site: Site, port: int, environment: Mapping[str, str], redactor: Redactor
) -> tuple[OwnProbeRan, ...]:
    """Each in turn, with the canary's environment: `openclaw` on its PATH, the gateway at UPGRADER_CANARY_URL."""
    given = by_hand(site, port, environment)
    found = []
    for probe in tools.own_probes:
        with tools.progress.step(f"your own probe on the clone: {probe.name}"):
            found.append(_run(place, probe, Command(probe.argv, probe.limit, given, site.shown_home), redactor))
    return tuple(found)


def by_hand(site: Site, port: int, environment: Mapping[str, str]) -> dict[str, str]:
    """What a person gets who works in a canary by hand."""
    return {
        **environment,
        "PATH": f"{site.commands}:{environment['PATH']}",
        "OPENCLAW_GATEWAY_PORT": str(port),
        "UPGRADER_CANARY_URL": f"ws://127.0.0.1:{port}",
    }


def _run(place: Place, probe: OwnProbe, command: Command, redactor: Redactor) -> OwnProbeRan:
    try:
        ran = place.run(command)
    except (CommandTimedOut, CommandMissing) as error:
        return OwnProbeRan(probe, None, f"{error.message}: {error.why}")
    return OwnProbeRan(probe, ran.exit_code, redactor.shown(last_words(ran.stdout + b"\n" + ran.stderr)))
