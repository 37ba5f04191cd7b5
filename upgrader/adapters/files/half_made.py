"""What a run leaves when it dies in the middle: marked from its first moment, found and removed by the next run."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from upgrader.adapters.files.tree import remove_tree
from upgrader.domain.kept.slot import StageFailed
from upgrader.errors import UpgraderError

_MARKER = ".upgrader-stage"
_END_LIMIT_S = 5.0
_FULL = ("stage_no_space", "free some space, then the same command again")
_DENIED = ("stage_no_permission", "check who owns the data directory")
_CAUSES = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.EROFS: _DENIED,
}


def mark(home: Path) -> None:
    """Say of a directory that it is ours and not whole yet. Raises OSError."""
    (home / _MARKER).touch(mode=0o600)


def unmark(home: Path) -> None:
    """Say that it is whole. Raises OSError."""
    (home / _MARKER).unlink()


def half_made(root: Path, *, unless: str) -> Iterator[Path]:
    """The marked directories of `root` that have no file `unless`, and empty ones (made, not marked yet)."""
    for home in sorted(root.iterdir()):
        ours = home.is_dir() and not home.is_symlink() and ((home / _MARKER).is_file() or not any(home.iterdir()))
        if ours and not (home / unless).is_file():
            yield home


@contextmanager
def leaving_nothing(*homes: Path) -> Iterator[None]:
    """Remove `homes` when the block fails, however it does; file-system errors become StageFailed."""
    try:
        with translated("stage the release", StageFailed):
            yield
    except BaseException:
        for home in homes:
            with suppress(OSError):  # what stays is removed at the next stage; the cause matters more
                remove_tree(home)
        raise


@contextmanager
def translated(doing: str, kind: type[UpgraderError]) -> Iterator[None]:
    """What the system refuses while `doing` is raised as `kind`, with the file's name and what to do about it."""
    try:
        yield
    except OSError as error:
        code, hint = _CAUSES.get(error.errno or 0, ("", ""))
        why = f"{error.strerror}: {error.filename}" if error.filename else str(error.strerror or error)
        raise kind(f"cannot {doing}", why=why, hint=hint, code=code) from error


def end_workers(home: Path) -> None:
    """End what a killed run left at work below `home` (npm lives in a session of its own): by its working directory."""
    left = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(home):
                process.kill()  # psutil compares the start time before it signals
                left.append(process)
        except (psutil.Error, OSError):
            continue
    psutil.wait_procs(left, timeout=_END_LIMIT_S)
