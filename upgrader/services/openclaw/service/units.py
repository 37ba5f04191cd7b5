"""OpenClaw's systemd user units: what they say, what they start, how the release writes them. Pure.

Source: src/daemon/systemd-unit.ts of 2026.2.17 and 2026.9.6 (how words are quoted), units written by 2026.2.17, 2026.2.22,
2026.9.5 and 2026.9.6 under a real systemd, `gateway install --help` of 2026.9.6.
"""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from upgrader.domain.installation.selection import Selection
from upgrader.domain.installation.supervision import GatewayCommand, InstallAnswer, UnitDefinition, UnitPart
from upgrader.domain.version import Version
from upgrader.services.openclaw.places.locations import locate, unit_name

_ENTRY = re.compile(r"^(?P<root>/.*/openclaw)/(?:openclaw\.mjs|dist/(?:index|entry)\.m?js)$")
_RUNTIME_PATH_SINCE = "2026.9.5"  # `--runtime-path` is in 2026.9.5's help and not in 2026.8.1's
# Compared: units of both written by `gateway install --force` over the same state and port, one after the other.
_WRITES_ALIKE = frozenset({"2026.9.5", "2026.9.6"})
# Set by the release itself when it writes a unit; handing the old ones on would only freeze them.
_WRITTEN_BY_INSTALL = re.compile(
    r"^(?:OPENCLAW_(?:SERVICE_\w+|SYSTEMD_UNIT|WINDOWS_\w+|GATEWAY_PORT|GATEWAY_TOKEN|LAUNCHD_LABEL)|NODE_OPTIONS)$"
)


def unit_path(account_home: Path, profile: str) -> Path:
    """Where every release from 2026.2.17 to 2026.9.6 writes its unit; XDG_CONFIG_HOME is not asked."""
    return account_home / ".config" / "systemd" / "user" / unit_name(profile)


def read_unit(parts: tuple[UnitPart, ...]) -> UnitDefinition:
    """Apply a fragment and its drop-ins as systemd does: a later line replaces, an empty list assignment resets.

    A line that cannot be read is passed over, as systemd does. Several ExecStart lines: the last one (a gateway has one).
    """
    command: tuple[str, ...] = ()
    command_from: Path | None = None
    environment: dict[str, str] = {}
    files: list[Path] = []
    directory: Path | None = None
    for part in parts:
        for key, value in _service_lines(part.text.decode(errors="replace")):
            if key == "ExecStart":
                command, command_from = _words(value), part.path
            elif key == "Environment":
                environment = {**environment, **dict(_assignments(value))} if value else {}
            elif key == "EnvironmentFile":
                files = [*files, Path(_unescaped(value.removeprefix("-")))] if value else []
            elif key == "WorkingDirectory":
                directory = Path(_unescaped(value.removeprefix("-").strip('"'))) if value not in ("", "~") else None
    return UnitDefinition(command, command_from, environment, tuple(files), directory)


def command_of(argv: tuple[str, ...]) -> GatewayCommand | None:
    """Take a gateway's command line apart; None for anything else, such as a wrapper script."""
    entry = next((place for place, word in enumerate(argv) if place and _ENTRY.match(word)), None)
    if entry is None or not argv[0].startswith("/"):
        return None
    match = _ENTRY.match(argv[entry])
    root = Path(match.group("root")) if match else Path("/")
    return GatewayCommand(Path(argv[0]), argv[1:entry], Path(argv[entry]), root, _port(argv[entry + 1 :]))


def with_node(text: bytes, node: Path) -> bytes:
    """The same unit with another Node before the same script: the first word of its last ExecStart is replaced."""
    return _with_words(text, lambda words: (str(node), *words[1:]))


def with_command(text: bytes, command: GatewayCommand) -> bytes:
    """The same unit starting `command`'s script by its Node; options, port and everything else stay as they are."""
    return _with_words(
        text,
        lambda words: (str(command.node), *(str(command.entry) if _ENTRY.match(word) else word for word in words[1:])),
    )


def writes_alike(one: Version, other: Version) -> bool:
    """Whether both releases are known to write the same unit, but for the command and the order of PATH."""
    return {one.text, other.text} <= _WRITES_ALIKE


def install_argv(command: GatewayCommand, version: Version, profile: str) -> tuple[str, ...]:
    """Let a release write its unit: `command` names its Node, its entry script, and the port the old unit had, if any.

    By itself 2026.9.6 keeps the Node the old unit names, not the one it runs by (tried with a second copy of the
    binary); `--runtime-path` tells it.
    """
    argv = [str(command.node), str(command.entry)]
    argv += ["--profile", profile] if profile else []
    argv += ["gateway", "install", "--force", "--json"]
    argv += ["--port", str(command.port)] if command.port else []
    argv += ["--runtime-path", str(command.node)] if version.at_least(_RUNTIME_PATH_SINCE) else []
    return tuple(argv)


def install_environment(previous: Mapping[str, str]) -> dict[str, str]:
    """What the old unit's environment hands on to `gateway install`: paths, proxies, certificates; nothing it writes anew.

    The gateway token that 2.x kept in its unit stands in the configuration as well and is not handed on.
    """
    return {name: value for name, value in previous.items() if value and not _WRITTEN_BY_INSTALL.match(name)}


def read_install_answer(stdout: bytes) -> InstallAnswer:
    """The JSON of `gateway install --json`; 2.x and 3.x may print notes before it. `error` is text or {message}."""
    text = stdout.decode(errors="replace")
    try:
        answer = json.JSONDecoder().raw_decode(text, max(text.find("{"), 0))[0]
    except ValueError:
        return InstallAnswer(worked=False, reason="it printed no JSON")
    if not isinstance(answer, dict):
        return InstallAnswer(worked=False, reason="it printed no JSON object")
    error = answer.get("error")
    reason = error.get("message") if isinstance(error, dict) else error
    return InstallAnswer(answer.get("ok") is True, str(answer.get("result", "")), str(reason or answer.get("message") or ""))


def state_of(environment: Mapping[str, str], account_home: Path, exists: Callable[[Path], bool]) -> Path:
    """The state directory a gateway started with `environment` works on."""
    return locate(Selection(environment=environment, account_home=account_home), exists).state


def _with_words(text: bytes, change: Callable[[tuple[str, ...]], tuple[str, ...]]) -> bytes:
    """Rewrite the words of the last ExecStart that has any."""
    lines = text.decode().split("\n")
    for place in range(len(lines) - 1, -1, -1):
        key, _, value = lines[place].partition("=")
        words = _words(value)
        if key.strip() == "ExecStart" and words:
            lines[place] = f"{key}=" + " ".join(_quoted(word) for word in change(words))
            break
    return "\n".join(lines).encode()


def _service_lines(text: str) -> list[tuple[str, str]]:
    """Key and value of the [Service] section; a backslash at the end joins lines, comments may stand between."""
    section, joined, found = "", "", []
    for line in text.splitlines():
        if line.lstrip()[:1] in ("#", ";"):
            continue
        joined += line
        if joined.endswith("\\"):
            joined = joined[:-1] + " "
            continue
        whole, joined = joined.strip(), ""
        if whole.startswith("[") and whole.endswith("]"):
            section = whole[1:-1]
        elif section == "Service" and "=" in whole:
            key, _, value = whole.partition("=")
            found.append((key.strip(), value.strip()))
    return found


_ESCAPES = {"n": "\n", "t": "\t", "s": " ", "r": "\r"}


def _words(value: str) -> tuple[str, ...]:
    """Split as systemd does: quotes anywhere in a word, backslash escapes, `%%` for a percent sign."""
    found: list[str] = []
    word: str | None = None
    quote = ""
    letters = iter(value)
    for letter in letters:
        if letter == "\\":
            escaped = next(letters, "")
            word = (word or "") + _ESCAPES.get(escaped, escaped)
        elif letter == quote:
            quote = ""
        elif not quote and letter in "\"'":
            quote, word = letter, word or ""
        elif not quote and letter.isspace():
            found += [word] if word is not None else []
            word = None
        else:
            word = (word or "") + letter
    found += [word] if word is not None else []
    return tuple(_unescaped(each) for each in found)


def _assignments(value: str) -> tuple[tuple[str, str], ...]:
    parted = (word.partition("=") for word in _words(value))
    return tuple((name, text) for name, separator, text in parted if separator and name)


def _unescaped(text: str) -> str:
    return text.replace("%%", "%")


def _quoted(word: str) -> str:
    """As OpenClaw writes a word: percent signs doubled, quotes only where needed."""
    doubled = word.replace("%", "%%")
    if not re.search(r"[\s\"'\\]", doubled):
        return doubled
    return '"' + doubled.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _port(words: tuple[str, ...]) -> int | None:
    for place, word in enumerate(words):
        text = words[place + 1] if word == "--port" and place + 1 < len(words) else word.partition("--port=")[2]
        if text.isascii() and text.isdigit() and 0 < int(text) <= 65535:
            return int(text)
    return None
