"""How a release's doctor is called on the way from one release to another."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class DoctorCall:
    """Arguments after the entry script, extra environment, and which exit codes mean it worked.

    `mandatory`: without it the target does not start, or starts without what it did not import. `source` says where that
    is known from.
    """

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    accepted: tuple[int, ...] = (0,)
    mandatory: bool = False
    source: str = ""
