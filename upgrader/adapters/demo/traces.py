"""What OpenClaw leaves in /tmp whatever its home is: remembered before the demo, removed after it."""

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from upgrader.adapters.processes import proc_files


@contextmanager
def without_traces(folders: tuple[Path, ...]) -> Iterator[None]:
    """Remove what appeared in `folders` during the block, and folders that did: lock files nobody has open, of our own."""
    before = {folder: set(folder.iterdir()) if folder.is_dir() else None for folder in folders}
    try:
        yield
    finally:
        held = _open_files()
        for folder, known in before.items():
            for path in sorted(folder.iterdir()) if folder.is_dir() else ():
                if path not in (known or set()) and path.is_file() and path not in held and path.stat().st_uid == os.geteuid():
                    path.unlink(missing_ok=True)
            if known is None:
                with contextlib.suppress(OSError):  # somebody else has begun to use it
                    folder.rmdir()


def _open_files() -> set[Path]:
    found: set[Path] = set()
    for pid in psutil.pids():
        with contextlib.suppress(OSError):  # it ended, or is hidden from us
            found.update(path for _descriptor, path in proc_files.open_files(pid))
    return found
