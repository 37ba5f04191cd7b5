"""One published release, as the registry tells it."""

from dataclasses import dataclass
from datetime import datetime

from upgrader.domain.version import Version
from upgrader.errors import UpgraderError


@dataclass(frozen=True)
class Release:
    """Registry facts. What could not be learned is None or empty: unknown, never fine.

    `engines` is the npm range for Node; `integrity` the tarball's SRI string; `state_schema`/`agent_schema` what the
    package declares it can open (8.1+). `signatures` are the registry's: (id of the key, base64).
    `left_out` are plugins of its source that are kept out of the package, by its own manifest (None: it does not say).
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
    signatures: tuple[tuple[str, str], ...] = ()
    left_out: tuple[str, ...] | None = None


class RegistryUnreachable(UpgraderError):
    """The registry could not be asked, or its answer could not be used. `code` names the cause."""

    default_code = "registry_unreachable"


class ReleaseUnknown(UpgraderError):
    """The registry answered that it has no such release."""

    default_code = "release_unknown"
