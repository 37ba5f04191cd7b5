"""What the live checks saw and said at one moment."""

from dataclasses import dataclass

from upgrader.domain.check import Judgement
from upgrader.domain.pairing.observation import Observation


@dataclass(frozen=True)
class LiveReport:
    """One pass over the list of live checks: the observation behind it and every judgement."""

    observation: Observation
    judgements: tuple[Judgement, ...]
