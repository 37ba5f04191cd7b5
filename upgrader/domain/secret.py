"""A secret is a type: its repr is masked, and opening it is one visible word."""

import hashlib
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Secret:
    """A token or key. `repr` and `str` show neither value nor part of it; the renderer refuses it."""

    _value: str = field(repr=False)

    def reveal(self) -> str:
        """The secret itself: for a handshake or a private file, never for output."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    @property
    def fingerprint(self) -> "Fingerprint":
        """What may be shown: twelve hex digits of the SHA-256 and the length in characters."""
        return Fingerprint.of(self._value)


@dataclass(frozen=True)
class Fingerprint:
    """How a secret is shown and compared: `digest` is 12 hex digits of SHA-256, `length` in characters."""

    digest: str
    length: int

    @classmethod
    def of(cls, value: str) -> "Fingerprint":
        """The fingerprint of a value; an empty one has length 0."""
        return cls(hashlib.sha256(value.encode()).hexdigest()[:12], len(value))

    def __str__(self) -> str:
        return "empty" if self.length == 0 else f"sha256:{self.digest} ({self.length} characters)"
