"""Joins `upgrader verify`."""

from upgrader.context.observing import KNOWLEDGE
from upgrader.domain.diagnosis.clientlines import client_lines
from upgrader.domain.ports import Discovery, Progress, Verifier
from upgrader.operations.diagnosis.verify import Verify
from upgrader.services.openclaw import hand_checks


def verify(found: Discovery, checks: Verifier, progress: Progress) -> Verify:
    """The live checks over this machine."""
    return Verify(
        discovery=found,
        checks=checks,
        lines=lambda seen, version: client_lines(seen, KNOWLEDGE.rules(version)),
        hand_checks=hand_checks.of,
        progress=progress,
    )
