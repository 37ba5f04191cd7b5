"""What a program said at its end, as it may be shown: what says something, freed of what looks like a secret, and short."""

import re

_READ = 64 * 1024  # bytes at the end that are looked at
_LINES, _WORDS = 6, 4  # lines that are kept where each is shown on its own, and where they are one
_LONGEST = 300  # characters of one line

# What says nothing: what Node prints around an error (frames of its stack, its own modules, its version, lone brackets), and
# where npm keeps its log.
_SILENT = re.compile(
    r"at .*:\d+:\d+\)?$|at [\w.]+ \(<anonymous>\)$|node:internal|Node\.js v\d|[\[\]{}(),^~\s]*$|.*A complete log of this run"
)
# Control sequences of a terminal, but not the ends of lines.
_CONTROL = re.compile(r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x09\x0b-\x1f]")
_NAMES = r"(?:_authToken|_auth|_password|authToken|password|token)"
_SECRETS = (
    (re.compile(r"(://)[^/\s@]+@"), r"\1***@"),
    (re.compile(rf"({_NAMES}[\"']?\s*[=:]\s*[\"']?)[^\s\"',}}]+", re.IGNORECASE), r"\1***"),
    (re.compile(r"((?:Bearer|Basic)\s+)\S+", re.IGNORECASE), r"\1***"),
    (re.compile(r"\bnpm_(?!config_)[\w-]{8,}"), "npm_***"),
    (re.compile(r"([?&](?:token|auth|key|signature|X-Amz-[A-Za-z-]+)=)[^&\s]+", re.IGNORECASE), r"\1***"),
)


def last_line(output: bytes) -> str:
    """The last line that says something; empty where none does."""
    return "".join(_telling(output)[-1:]).strip()[:_LONGEST]


def last_lines(output: bytes) -> str:
    """The last lines that say something, one below the other."""
    return "\n".join(_telling(output)[-_LINES:])


def last_words(output: bytes) -> str:
    """The last lines that say something, as one."""
    return " / ".join(line.strip() for line in _telling(output)[-_WORDS:])


def plain(text: str) -> str:
    """The text without colours and movements of a cursor."""
    return _CONTROL.sub(" ", text)


def redacted(text: str) -> str:
    """Text without tokens, passwords and credentials in addresses."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def _telling(output: bytes) -> list[str]:
    lines = plain(redacted(output[-_READ:].decode(errors="replace"))).splitlines()
    return [line for line in lines if not _SILENT.match(line.strip())]
