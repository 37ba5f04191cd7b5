"""One writer per installation: locks that die with their process and name their holder."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from upgrader.adapters.files.durable import make_private, replace_durably
from upgrader.errors import Busy


@contextmanager
def locked(paths: tuple[Path, ...], owner: str) -> Iterator[None]:
    """Hold every lock of `paths`, taken in that order, while the block runs. Raises Busy naming the holder.

    The kernel drops the locks when this process dies, however it dies; no child inherits them. They lie outside the
    state directory, the prefix and the slots, so no swap moves them.
    """
    with ExitStack() as held:
        for path in paths:
            held.enter_context(_one(path, owner))
        yield


@contextmanager
def alone_on(directory: Path) -> Iterator[None]:
    """Hold a directory itself, the state or the one the package lies in, while the block runs. Raises Busy.

    A run whose data lies elsewhere knows none of our locks. Nothing is written. Where the file system knows no such lock, or
    the directory cannot be opened, the others must do.
    """
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        yield
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Busy(
                "another upgrader run works on this installation",
                why=f"{directory} is locked by a run that keeps its data elsewhere (another XDG_DATA_HOME or HOME)",
                hint="wait for it to end; `upgrader status` there shows where it is",
            ) from error
        except OSError:
            pass
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _one(path: Path, owner: str) -> Iterator[None]:
    make_private(path.parent)
    lock = FileLock(path, mode=0o600)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise Busy(
            "another upgrader run works on this installation",
            why=_holder(path),
            hint="wait for it to end; `upgrader status` shows where it is",
        ) from error
    try:
        with suppress(OSError):  # on a full disk the holder has no name, and the lock holds all the same
            replace_durably(_note(path), json.dumps({"pid": os.getpid(), "owner": owner}).encode())
        yield
    finally:
        with suppress(OSError):
            _note(path).unlink(missing_ok=True)
        lock.release()


def _note(path: Path) -> Path:
    return path.with_suffix(".holder")


def _holder(path: Path) -> str:
    try:
        note = json.loads(_note(path).read_bytes())
        return f"`upgrader {note['owner']}` (pid {note['pid']}) holds the lock"
    except (OSError, ValueError, KeyError, TypeError):
        return "its lock is held"
