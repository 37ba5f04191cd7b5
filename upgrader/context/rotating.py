"""Joins `repair --rotate-gateway-token`."""

from dataclasses import replace
from pathlib import Path

from upgrader.adapters.gateway.conversation import GatewaySocket
from upgrader.adapters.repair.token_files import FreshTokens, LiteralTokens
from upgrader.context.ending import outage
from upgrader.context.finding import Finder
from upgrader.context.keeping import Keeping
from upgrader.context.observing import KNOWLEDGE, configuration_of, live_checks
from upgrader.context.wiring import Wiring, told
from upgrader.domain.diagnosis.repairing import RotationData
from upgrader.domain.installation.facts import AuthFacts, Installation
from upgrader.domain.installation.supervision import UnitPart
from upgrader.domain.outcome import Outcome
from upgrader.domain.pairing.observation import HandshakeResult
from upgrader.domain.pairing.ports import Gateway, NoAnswer
from upgrader.domain.secret import Secret
from upgrader.operations.repair.rotate_token import RotateToken
from upgrader.services.openclaw.service import service_seen, units

_ELSEWHERE = (".bashrc", ".zshrc", ".profile", ".bash_profile", ".bash_history", ".zsh_history", ".openclaw/node.json")


def plan_rotation(wiring: Wiring) -> Outcome[RotationData]:
    """`upgrader repair --rotate-gateway-token --dry-run`."""
    finder = wiring.finder()
    return _rotation(wiring, Keeping(wiring.machine, finder.find()), finder).plan()


def rotate_token(wiring: Wiring) -> Outcome[RotationData]:
    """`upgrader repair --rotate-gateway-token`."""
    finder = wiring.finder()
    with wiring.recovered("repair") as (keeping, recovery):
        return told(_rotation(wiring, keeping, finder).run(), recovery)


def _rotation(wiring: Wiring, keeping: Keeping, finder: Finder) -> RotateToken:
    machine = wiring.machine
    return RotateToken(
        discovery=finder,
        configuration=lambda found: configuration_of(machine, found),
        service_files=_service_files,
        elsewhere=lambda found: tuple(found.home / name for name in _ELSEWHERE),
        shell=Secret(machine.environment.get(service_seen.TOKEN, "")),
        tokens=FreshTokens(),
        files=LiteralTokens(),
        snapshots=keeping.snapshots(),
        outage=outage(wiring.moving(keeping)),
        verifier=live_checks(machine),
        accepts=_accepts,
        progress=wiring.progress,
        consent=lambda question: wiring.consent(question, None),
    )


def _service_files(found: Installation) -> tuple[Path, ...]:
    """Unit, its backup, drop-ins and the environment files they name."""
    unit = found.service.unit_path
    if unit is None:
        return ()
    parts = tuple(UnitPart(path, path.read_bytes()) for path in (unit, *found.service.drop_ins) if path.is_file())
    return (*(part.path for part in parts), unit.with_name(unit.name + ".bak"), *units.read_unit(parts).environment_files)


def _accepts(found: Installation, token: Secret) -> bool:
    """Whether the gateway takes this shared token. Raises NoAnswer.

    2.x may answer `device identity required` to a right one without an identity; a wrong one is a mismatch everywhere.
    """
    gateway = Gateway(found.package.version, found.port, replace(AuthFacts("token"), token=token))
    attempt = KNOWLEDGE.secret_probe(gateway)
    answer = GatewaySocket().converse(found.port, attempt.reply, attempt.read)
    if answer.result is HandshakeResult.ERROR:
        raise NoAnswer("the gateway did not answer", why=answer.reason)
    return answer.result is HandshakeResult.ACCEPTED or "mismatch" not in f"{answer.code} {answer.reason}".lower()
