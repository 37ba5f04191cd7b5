"""Writes that survive a power cut: data, fsync, folder, and the pointer last."""

import os
from pathlib import Path


def make_private(directory: Path) -> Path:
    """Create `directory` and its missing parents, each 0700 from its creation; returns it."""
    if not directory.is_dir():
        make_private(directory.parent) if not directory.parent.is_dir() else None
        try:
            directory.mkdir(mode=0o700)
        except FileExistsError:
            return directory
        sync_directory(directory.parent)
    return directory


def replace_durably(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace the file at `path` by `data` as one step: a reader, also after a crash, sees the old bytes or the new.

    Where `path` is a link the file it leads to is replaced: people keep their units and settings elsewhere and link to them.
    Nothing is left of a write that failed.
    """
    path = path.resolve() if path.is_symlink() else path
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def remove_durably(path: Path) -> None:
    """Remove a file or link; one that is gone already is fine."""
    path.unlink(missing_ok=True)
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make the entries of `directory` durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
