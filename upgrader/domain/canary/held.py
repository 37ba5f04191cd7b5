"""A canary that was left running for a person to try."""

from dataclasses import dataclass
from pathlib import Path

from upgrader.domain.installation.facts import ProcessIdentity
from upgrader.errors import UpgraderError


class CanaryNotHeld(UpgraderError):
    """There is no canary to enter or to end, or one could not be left running."""

    default_code = "canary_not_held"


@dataclass(frozen=True)
class HeldCanary:
    """One that runs. `url` is reached from this machine; `token_of` tells whose gateway token opens it, as a phrase.

    `keeper` is the process that ends everything when it ends; `root` its private directory; `until` an ISO time.
    """

    version: str
    url: str
    token_of: str
    keeper: ProcessIdentity
    root: Path
    until: str


@dataclass(frozen=True)
class HeldData:
    """What `canary --end` and a canary left running tell."""

    held: tuple[HeldCanary, ...]
    ended: bool = False
