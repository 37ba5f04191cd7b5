"""Names of files as text that any output can hold."""

import os
from pathlib import Path


def shown(path: Path | str) -> str:
    """A path as text; bytes that are no UTF-8 as `\\xff`: Python keeps them as characters that nothing can write."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
