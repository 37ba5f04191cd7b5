"""Ports Tokens and TokenFiles: draws a gateway token, and changes it where it stands literally in a file."""

import secrets
import stat
from contextlib import suppress
from pathlib import Path

from upgrader.adapters.files.durable import replace_durably
from upgrader.domain.secret import Secret

_BYTES = 24  # as OpenClaw's own generator: 48 hex digits
_FILE_BYTES = 64 * 1024 * 1024
_SHORTEST = 8  # a shorter token may stand in a file by chance and is not replaced blindly


class FreshTokens:
    """Port Tokens."""

    def fresh(self) -> Secret:
        """48 hex digits from the system's source of randomness."""
        return Secret(secrets.token_hex(_BYTES))


class LiteralTokens:
    """Port TokenFiles."""

    def holding(self, paths: tuple[Path, ...], token: Secret) -> tuple[Path, ...]:
        """The regular files that hold the token; one that cannot be read is passed over."""
        if len(token.reveal()) < _SHORTEST:
            return ()
        wanted, found = token.reveal().encode(), []
        for path in paths:
            with suppress(OSError):
                status = path.stat()
                if stat.S_ISREG(status.st_mode) and status.st_size <= _FILE_BYTES and wanted in path.read_bytes():
                    found.append(path.resolve())
        return tuple(dict.fromkeys(found))

    def replace(self, path: Path, old: Secret, new: Secret) -> bytes:
        """Every occurrence, as one durable step; mode kept. Returns what was there."""
        before = path.read_bytes()
        self.restore(path, before.replace(old.reveal().encode(), new.reveal().encode()))
        return before

    def restore(self, path: Path, data: bytes) -> None:
        """These bytes, durably; mode kept."""
        replace_durably(path, data, stat.S_IMODE(path.stat().st_mode))
