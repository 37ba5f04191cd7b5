"""Reports of canaries on disk, one file a candidate, and the question whether one is still about what is there."""

import hashlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from upgrader import __version__
from upgrader.adapters.files.durable import make_private, replace_durably
from upgrader.adapters.files.tree import digest_file
from upgrader.adapters.files.trees import entry_at, walk
from upgrader.adapters.kept.compare import Comparer, NotComparable
from upgrader.domain.canary.own_probes import CanarySettings
from upgrader.domain.canary.report import CanaryReport, CanaryRequest, Seal
from upgrader.domain.installation.facts import Installation
from upgrader.domain.kept.sameness import Exclusions
from upgrader.domain.kept.slot import Slot
from upgrader.domain.kept.tree import TreeEntry, TreeUnreadable
from upgrader.domain.ports import Clock


@dataclass(frozen=True)
class _About:
    """What a report is about. `state` is the digest of the snapshot's manifest, `tree` where the snapshot lies; `asked` the
    digest of what a person asks of a canary (their probes and budgets), with the files of the probes; `around` that of what
    counts of an installation outside its state: configuration, secrets of its environment, code of a person's own."""

    tool: str
    asked: str
    around: str
    candidate: str
    present: str
    extras: tuple[str, ...]
    state: str
    tree: str


@dataclass(frozen=True)
class _Kept:
    about: _About
    proven: str
    report: CanaryReport


_FORM = TypeAdapter(_Kept)


class FileProofs:
    """Port Proofs. `exclusions`: what a gateway at work writes into its state without changing what was proven; `own_code`:
    where code of a person's own lies outside it."""

    def __init__(
        self,
        root: Path,
        exclusions: Exclusions,
        clock: Clock,
        settings: CanarySettings,
        own_code: Callable[[CanaryRequest], tuple[Path, ...]],
    ) -> None:
        self._own_code = own_code
        self._root = root
        self._settings = settings
        self._exclusions = exclusions
        self._clock = clock

    def find(self, request: CanaryRequest, seal: Seal) -> CanaryReport | None:
        """See Proofs.find. States are compared as snapshots: bytes of files, rows of databases."""
        kept = self._read(request.candidate)
        if kept is None or kept.report.seal is not seal:
            return None
        about, then = self._about(request), kept.about
        if replace(then, state=about.state, tree=about.tree, extras=about.extras) != about:
            return None
        if not set(about.extras) <= set(then.extras) or not self._same_state(then, request):
            return None
        return replace(kept.report, proven=kept.proven)

    def about(self, request: CanaryRequest) -> str:
        """See Proofs.about."""
        return hashlib.sha256(repr(self._about(request)).encode()).hexdigest()

    def forget(self, request: CanaryRequest) -> None:
        """See Proofs.forget."""
        self._file(request.candidate).unlink(missing_ok=True)

    def keep(self, request: CanaryRequest, report: CanaryReport) -> None:
        """See Proofs.keep."""
        kept = _Kept(self._about(request), self._clock.now().isoformat(timespec="seconds"), report)
        make_private(self._root)
        replace_durably(self._file(request.candidate), _FORM.dump_json(kept))

    def _about(self, request: CanaryRequest) -> _About:
        return _About(
            tool=__version__,
            asked=_asked(self._settings),
            around=_around(request.installation, self._own_code(request)),
            candidate=_digest(request.candidate),
            present=_digest(request.present),
            extras=tuple(sorted(each.value for each in request.extras)),
            state=request.snapshot.digest,
            tree=str(request.snapshot.tree),
        )

    def _read(self, candidate: Slot) -> _Kept | None:
        try:
            return _FORM.validate_json(self._file(candidate).read_bytes())
        except (FileNotFoundError, ValidationError):  # one of another form is of another upgrader: no proof
            return None

    def _same_state(self, then: _About, request: CanaryRequest) -> bool:
        tree = Path(then.tree)
        if then.state == request.snapshot.digest and request.snapshot.digest:
            return True
        if not tree.is_dir():
            return False
        try:
            return Comparer(self._exclusions, make_private(self._root)).compare(tree, request.snapshot.tree).holds
        except (NotComparable, TreeUnreadable):
            return False

    def _file(self, candidate: Slot) -> Path:
        return self._root / f"{hashlib.sha256(candidate.id.encode()).hexdigest()[:16]}.json"


def _asked(settings: CanarySettings) -> str:
    files = (file for probe in settings.probes for file in probe.files if file.is_file())
    said = [repr(settings), *(digest_file(file) for file in files)]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def _around(found: Installation, own_code: tuple[Path, ...]) -> str:
    auth = (found.auth.mode, found.auth.token.reveal(), found.auth.password.reveal())
    code = (_looks(path) for path in own_code if path.exists())
    said = [repr((found.config_digest, found.port, found.profile, str(found.home), auth)), *code]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def _looks(root: Path) -> str:
    """A digest of names, sizes and times, never of bytes: a person's folder of skills may be a whole repository.

    What cannot be read is like nothing that was seen before.
    """
    total = hashlib.sha256()
    try:
        for entry in _entries(root):
            said = (entry.path, entry.mode, entry.size, entry.mtime_ns, entry.ctime_ns, entry.target)
            total.update(repr(said).encode(errors="backslashreplace"))
    except (TreeUnreadable, FileNotFoundError):
        return secrets.token_hex(16)
    return total.hexdigest()


def _entries(root: Path) -> Iterator[TreeEntry]:
    yield entry_at(root, "")
    if root.is_dir():
        yield from walk(root)


def _digest(slot: Slot) -> str:
    return f"{slot.version} {slot.digest} {slot.node_digest}"
