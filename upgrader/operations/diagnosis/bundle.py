"""`diagnose --bundle FILE`: a report fit for a public issue, of redacted values only, looked through before it is kept."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from upgrader.domain.moves.ports import Files
from upgrader.domain.secret import Secret
from upgrader.errors import UpgraderError

_DEVICE = re.compile(r"\b[0-9a-f]{64}\b")
_ADDRESS = re.compile(r"\b(?!127\.)\d{1,3}(?:\.\d{1,3}){3}\b")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}\b")  # an auth profile may be named by one
_PIECE = 12  # characters of a secret that may not stand in a report either
_SHORTEST = 6  # a shorter "secret" (a password of four letters) may stand in any text by chance


class BundleRefused(UpgraderError):
    """The report would hold a secret; it was not written."""

    default_code = "bundle_would_leak"


@dataclass(frozen=True)
class Bundle:
    """Writes a document once it is seen to hold none of `secrets`. `private` are (text, word) pairs: paths, names of people."""

    files: Files
    secrets: tuple[Secret, ...]
    private: tuple[tuple[str, str], ...]
    exists: Callable[[Path], bool]

    def write(self, path: Path, document: str) -> None:
        """0600, durable; never over a file that is there. Raises BundleRefused, UpgraderError."""
        if self.exists(path):
            raise UpgraderError(f"{path} is there already", hint="name a new file", code="bundle_exists")
        text = self.redacted(document)
        leaks = sum(1 for secret in self.secrets if holds(text, secret))
        if leaks:
            raise BundleRefused(
                f"the report was not written: it would hold {leaks} of the {len(self.secrets)} secrets known here",
                why="a secret stands in a place that the report shows, such as a device name or a path",
                hint="`upgrader diagnose` shows the same here; look for the secret in names and paths",
            )
        self.files.replace(path, text.encode(), 0o600)

    def redacted(self, text: str) -> str:
        """Without paths of the home and names of this machine and user; the longer text first."""
        for private, word in sorted(self.private, key=lambda pair: -len(pair[0])):
            if len(private) > 1:
                text = text.replace(private, word) if "/" in private else re.sub(rf"\b{re.escape(private)}\b", word, text)
        return _ADDRESS.sub("IP", _MAIL.sub("MAIL", _DEVICE.sub(lambda match: f"{match[0][:12]}…", text)))


def holds(text: str, secret: Secret) -> bool:
    """Whether a text has a secret in it, whole or any twelve of its characters in a row."""
    value = secret.reveal()
    if len(value) < _SHORTEST:
        return False
    if len(value) <= _PIECE:
        return value in text
    return any(value[start : start + _PIECE] in text for start in range(len(value) - _PIECE + 1))
