"""Where secrets stand in a configuration, by their places. Pure.

Every field that may hold a SecretRef instead of a text in the schema of 2026.9.5 and 9.6 (`openclaw config schema`, 132
places) is one of these, and what OpenClaw itself calls sensitive (SENSITIVE_PATTERNS in dist/sensitive-paths-*.mjs of 9.6);
beyond them the headers a person sends, variables for programs, files that hold a secret, and what an address carries.
"""

import re
from collections.abc import Iterator
from typing import cast

Document = dict[str, object]
Path = tuple[str, ...]

_NAMES = re.compile(
    r"(token|secret|password|passphrase|api.?key|encrypt.?key|private.?key|credential|authtag|serviceaccount(ref)?)s?$"
    r"|^(identity|certificate|knownhosts)data$",
    re.IGNORECASE,
)
_FILES = re.compile(r"(token|secret|password|credentials?|serviceaccount)file$", re.IGNORECASE)
_HOLDERS = frozenset({"headers", "edgeauth", "env", "serviceaccount"})  # whatever stands in them
_IN = frozenset({("tls", "key"), ("tls", "cert"), ("tls", "ca"), ("auth", "value")})
_USER_INFO = re.compile(r"(?<=://)[^/@\s]+@")
_ASKED = re.compile(r"(?<=[?&])((?:[\w-]*token|[\w-]*key|secret|password)=)[^&#\s]+", re.IGNORECASE)
_ELSEWHERE = frozenset({"env", "file", "exec"})
_STORE = "store"  # of the state itself (2026.9.5): it comes with a clone


def is_reference(value: object) -> bool:
    """Whether a value names a secret that lies elsewhere."""
    return isinstance(value, dict) and value.get("source") in _ELSEWHERE and isinstance(value.get("id"), str)


def is_secret(path: Path) -> bool:
    """Whether the text at this place is a secret. The names of the place from the outside in; those of lists left out."""
    *above, name = (part.lower() for part in path)
    if _NAMES.search(name) or _HOLDERS & {*above}:
        return True
    return (above[-1] if above else "", name) in _IN or (above[:1] == ["channels"] and name == "code")  # a login of Tlon


def is_secret_file(path: Path) -> bool:
    """Whether the text at this place names a file that holds a secret."""
    return _FILES.search(path[-1]) is not None


def without_credentials(text: str) -> str:
    """An address, or any text, without what it carries of a user, a password or a token."""
    return _ASKED.sub(r"\1inert", _USER_INFO.sub("", text))


def without_secrets(node: object, path: Path = ()) -> object:
    """The same tree with every secret left out: what is policy, not what opens a door."""
    if isinstance(node, dict):
        kept = {k: v for k, v in node.items() if not (isinstance(v, str) and _opens((*path, str(k)))) and not is_reference(v)}
        return {key: without_secrets(value, (*path, str(key))) for key, value in kept.items()}
    if isinstance(node, list):
        return [without_secrets(v, path) for v in node if not (isinstance(v, str) and path and _opens(path))]
    return without_credentials(node) if isinstance(node, str) else node


def texts(node: object, path: Path = ()) -> Iterator[tuple[Document, str, Path, str]]:
    """Every text: what it stands in, its key there (an index counts as one), its place, and it. References are left alone."""
    pairs = list(node.items()) if isinstance(node, dict) else list(enumerate(node)) if isinstance(node, list) else []
    for key, value in pairs:
        place = (*path, key) if isinstance(key, str) else path
        if isinstance(value, str):
            yield cast(Document, node), cast(str, key), place, value
        elif not (is_reference(value) or (isinstance(value, dict) and value.get("source") == _STORE)):
            yield from texts(value, place)


def _opens(path: Path) -> bool:
    return is_secret(path) or is_secret_file(path)
