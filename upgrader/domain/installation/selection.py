"""Which OpenClaw a run is about: the options of the command line and the environment it was called in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Selection:
    """What selects one installation.

    `config`, `profile`, `state_dir`, `prefix` are the options as typed, empty where not given. `environment` is that of the
    caller, whole: the configuration may name any variable of it; it is never shown. `uid` is the effective one, `real_uid`
    who called `sudo` where that is known, `account_home` the home of `uid` in the account database, `directory` the working
    directory.
    """

    config: str = ""
    profile: str = ""
    state_dir: str = ""
    prefix: str = ""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    uid: int = 0
    real_uid: int | None = None
    account_home: Path = Path("/")
    directory: Path = Path("/")


@dataclass(frozen=True)
class Location:
    """Where OpenClaw keeps things for a selection, by its own rules; nothing says that it exists.

    `home` is OpenClaw's effective home; `profile` is empty for the default one; `state` and `config` are absolute but may
    hold links; `port` is what the environment demands (None: the configuration or the default decides).
    """

    home: Path
    profile: str
    state: Path
    config: Path
    port: int | None = None
    include_roots: tuple[Path, ...] = ()
