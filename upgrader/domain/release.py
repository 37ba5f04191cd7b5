"""One published release, as the registry tells it."""

from dataclasses import dataclass
from datetime import datetime

from upgrader.domain.version import Version


@dataclass(frozen=True)
class Release:
    """Registry facts. What could not be learned is None or empty: unknown, never fine.

    `engines` is the npm range for Node; `integrity` the tarball's SRI string; `state_schema`/`agent_schema` what the
    package declares it can open (8.1+).
    """

    version: Version
    engines: str = ""
    integrity: str = ""
    tarball: str = ""
    published: datetime | None = None
    deprecated: str = ""
    unpacked_bytes: int | None = None
    state_schema: int | None = None
    agent_schema: int | None = None
    has_shrinkwrap: bool | None = None
    tags: tuple[str, ...] = ()
