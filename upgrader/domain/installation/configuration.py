"""OpenClaw's configuration as far as it decides something here."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from upgrader.domain.installation.facts import AuthFacts
from upgrader.domain.installation.policy_facts import Policy
from upgrader.domain.secret import Secret
from upgrader.domain.version import Version
from upgrader.errors import UpgraderError


@dataclass(frozen=True)
class AgentPlaces:
    """Where one configured agent lives: absolute paths, set by the configuration or by OpenClaw's defaults.

    `maybe` are further places its workspace has by the rule of another release.
    """

    id: str
    workspace: Path
    directory: Path
    maybe: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Configuration:
    """What `openclaw.json` says, includes and variables resolved.

    `files` are the files read, the main one first; empty when there is none. `digest` is the SHA-256 over all that was read,
    `.env` of the state included. `port` is None where it is not set. `unresolved` names the variables that were asked for and
    have no value: whatever depends on them is unknown, not empty. `tool_policy` is what of the `tools` section decides, as
    canonical JSON without secrets, with a digest of the whole. `external` are paths named outside the state directory
    (workspaces, agent directories, session store, plugin paths), as written, absolute. `mentioned` is whatever else looks like
    a path there, absolute, the system's own left out. `channels` are the chat channels that
    have a section and are not switched off in it. `secrets` are all texts under a name as of a secret, only ever looked for
    in what is about to be written.
    """

    files: tuple[Path, ...] = ()
    port: int | None = None
    bind: str = ""
    auth: AuthFacts = field(default_factory=lambda: AuthFacts("none"))
    agents: tuple[AgentPlaces, ...] = ()
    tool_policy: str = "{}"
    updates_itself: bool = False
    log_file: Path | None = None
    last_touched: Version | None = None
    external: tuple[Path, ...] = ()
    mentioned: tuple[Path, ...] = ()
    unresolved: tuple[str, ...] = ()
    digest: str = ""
    channels: tuple[str, ...] = ()
    policy: Policy = field(default_factory=Policy)
    secrets: tuple[Secret, ...] = ()


@dataclass(frozen=True)
class IncludeAccess:
    """How files named by `$include` are reached: `read` raises ConfigInvalid, `resolve` follows links."""

    read: Callable[[Path], bytes]
    resolve: Callable[[Path], Path]


class ConfigInvalid(UpgraderError):
    """The configuration cannot be read as OpenClaw reads it. `code` names the cause."""

    default_code = "config_invalid"
    default_hint = "`openclaw config validate` shows what OpenClaw says of it"
