"""What a program said at its end, as it may be shown: freed of what looks like a secret, and short."""

import re

_KEPT_LINES = 6
_LONGEST = 300  # characters of one line
_READ = 64 * 1024  # bytes at the end that are looked at

_WORDS = r"(?:_authToken|_auth|_password|authToken|password|token)"
_SECRETS = (
    (re.compile(r"(://)[^/\s@]+@"), r"\1***@"),
    (re.compile(rf"({_WORDS}[\"']?\s*[=:]\s*[\"']?)[^\s\"',}}]+", re.IGNORECASE), r"\1***"),
    (re.compile(r"((?:Bearer|Basic)\s+)\S+", re.IGNORECASE), r"\1***"),
    (re.compile(r"\bnpm_(?!config_)[\w-]{8,}"), "npm_***"),
    (re.compile(r"([?&](?:token|auth|key|signature|X-Amz-[A-Za-z-]+)=)[^&\s]+", re.IGNORECASE), r"\1***"),
)


def last_line(output: bytes) -> str:
    """The last line that says something; empty where none does."""
    return last_lines(output).rpartition("\n")[2].strip()[:_LONGEST]


def last_lines(output: bytes) -> str:
    """The last lines that say something, redacted."""
    lines = redacted(output[-_READ:].decode(errors="replace")).splitlines()
    return "\n".join([line for line in lines if line.strip() and "A complete log of this run" not in line][-_KEPT_LINES:])


def redacted(text: str) -> str:
    """Text without tokens, passwords and credentials in addresses."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text
