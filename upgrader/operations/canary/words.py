"""What a candidate said, fit to be shown: without the secrets that are known here and without what looks like one."""

import re
from dataclasses import dataclass, field

from upgrader.domain.secret import Secret

_SAID = 400  # characters kept of what a command said
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
