"""What a person decided once for all plans of this machine."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Override:
    """A rule that a person overrides, and why. The rule by its code."""

    rule: str
    reason: str


@dataclass(frozen=True)
class Settings:
    """`minimum_age_days` is None where nothing was said: then it is asked of releases without evidence alone.

    `table_url` is where table updates come from and `table_key` the public key (ed25519, base64) that signs them.
    """

    minimum_age_days: int | None = None
    channel: str = "stable"
    table_url: str = ""
    table_key: str = ""
    accept: tuple[Override, ...] = ()
