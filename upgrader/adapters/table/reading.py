"""Reads known_versions.toml: all problems at once, each with its key and line."""

import hashlib
import tomllib
from pathlib import Path

import upgrader
from upgrader.adapters.table.build import build
from upgrader.domain.table.evidence import Table
from upgrader.domain.table.lint import TableInvalid, TableProblem

NAME = "known_versions.toml"
SEAL = "known_versions.sha256"
LIMIT_BYTES = 4 * 1024 * 1024


def shipped() -> Path:
    """The table that came with the tool: inside the package when installed, beside it in a checkout.

    Raises TableInvalid when neither is there.
    """
    package = Path(upgrader.__file__).parent
    for path in (package / NAME, package.parent / NAME):
        if path.is_file():
            return path
    raise TableInvalid(NAME, (TableProblem((), 0, "the file did not come with this installation of upgrader"),))


def load(path: Path | None = None) -> Table:
    """The table at `path`, or the shipped one. Raises TableInvalid with every problem found.

    The shipped one carries a seal, the SHA-256 of the bytes that were checked when it was released: while it holds, the
    strict check is not made again (it loads pydantic, which takes as long as the rest of a plan).
    """
    found = path or shipped()
    raw = read(found)
    name = found.name if path is None else str(found)
    if path is None and is_sealed(raw, found.with_name(SEAL)):
        return build(tomllib.loads(raw.decode()), name)
    return parse(raw, name)


def read(path: Path) -> bytes:
    """The bytes of a table. Raises TableInvalid when there are none, or too many."""
    try:
        if path.stat().st_size > LIMIT_BYTES:
            raise TableInvalid(str(path), (TableProblem((), 0, f"larger than {LIMIT_BYTES // 1024**2} MiB"),))
        return path.read_bytes()
    except OSError as error:
        raise TableInvalid(str(path), (TableProblem((), 0, error.strerror or type(error).__name__),)) from error


def parse(raw: bytes, source: str) -> Table:
    """Read the bytes of a table. Raises TableInvalid with every problem found."""
    from upgrader.adapters.table.check import checked  # pydantic

    return build(checked(raw, source), source)


def is_sealed(raw: bytes, seal: Path) -> bool:
    """Whether these bytes are those that were checked when they were released."""
    try:
        return seal.read_text("ascii").split()[:1] == [hashlib.sha256(raw).hexdigest()]
    except (OSError, ValueError):
        return False
