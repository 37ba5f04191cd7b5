"""What a candidate said, fit to be shown: without the secrets that are known here and without what looks like one."""

import re
from dataclasses import dataclass, field

from upgrader.domain.secret import Secret

_SAID = 400  # characters kept of what a command said
_LINES = 4
# What Node prints around an error: frames of its stack, its own modules, its version, lone brackets.
_FRAME = re.compile(r"at .*:\d+:\d+\)?$|at [\w.]+ \(<anonymous>\)$|node:internal|Node\.js v\d|[\[\]{}(),^~\s]*$")
# Control sequences of a terminal, but not the ends of lines.
_CONTROL = re.compile(r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x09\x0b-\x1f]")
_LOOKS_SECRET = re.compile(r"[A-Za-z0-9_\-+/=]{32,}")


@dataclass(frozen=True)
class Redactor:
    """Takes secrets out of text. `places` are long paths and what stands for them: a path is no secret and tells much."""

    secrets: tuple[Secret, ...] = field(repr=False)
    places: tuple[tuple[str, str], ...] = ()

    def shown(self, text: str) -> str:
        """The end of the text without secrets."""
        for secret in self.secrets:
            text = text.replace(secret.reveal(), "…")
        for path, name in self.places:
            text = text.replace(path, name)
        return _LOOKS_SECRET.sub("…", text)[-_SAID:]


def last_words(data: bytes) -> str:
    """The last lines that say anything: the frames of a stack trace hide the error they belong to."""
    lines = [line.strip() for line in plain(data.decode("utf-8", "replace")).splitlines()]
    telling = [line for line in lines if not _FRAME.match(line)]
    return " / ".join(telling[-_LINES:])


def plain(text: str) -> str:
    """The text without colours and movements of a cursor."""
    return _CONTROL.sub(" ", text)
