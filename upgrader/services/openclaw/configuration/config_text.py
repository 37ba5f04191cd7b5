"""openclaw.json as text becomes one tree: JSON5, `$include` and `${VAR}`. Pure: included files come through a callable.

Source: src/config/includes.ts, src/config/env-substitution.ts, src/infra/deep-merge.ts, src/utils/parse-json-compat.ts of
2026.9.6; the same rules in 2026.2.17 but for OPENCLAW_INCLUDE_ROOTS.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyjson5

from upgrader.domain.installation.configuration import ConfigInvalid, IncludeAccess

_INCLUDE = "$include"
_MAX_DEPTH = 10
_MAX_PATH = 4096  # characters
_BLOCKED = frozenset({"__proto__", "prototype", "constructor"})
_VARIABLE = re.compile(r"\$(?P<escaped>\$)?\{(?P<name>[A-Z_][A-Z0-9_]*)\}")
_NEAR = re.compile(r"near (\d+)")
# Words of the configuration that may be shown in an excerpt; everything else in it might be a secret.
_SHOWN = frozenset(
    {"agents", "auth", "bind", "channels", "cron", "defaults", "enabled", "entries", "env", "gateway", "hooks", "id", "include"}
    | {"list", "logging", "main", "meta", "mode", "model", "models", "password", "plugins", "port", "providers", "session"}
    | {"skills", "token", "tools", "true", "false", "null", "update", "vars", "workspace"}
)


def parse_text(raw: bytes, path: Path) -> Any:
    """One file as JSON, else JSON5. Raises ConfigInvalid (`config_syntax`) with line, column and a masked excerpt."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise ConfigInvalid(
            f"{path} is not UTF-8", why=f"byte {error.start} cannot be decoded", code="config_syntax", hint=_HINT
        ) from None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    fault: pyjson5.Json5Exception
    try:
        return pyjson5.decode(text)
    except pyjson5.Json5Exception as error:
        # The exception carries what was parsed so far, secrets included: it is not chained.
        fault = error
    raise _syntax_error(text, path, str(fault.args[0]))


def merged(target: Any, source: Any) -> Any:
    """OpenClaw's merge of includes: lists are joined, objects merged, anything else is replaced by the later one."""
    if isinstance(target, list) and isinstance(source, list):
        return [*target, *source]
    if not isinstance(target, dict) or not isinstance(source, dict):
        return source
    result = {key: value for key, value in target.items() if key not in _BLOCKED}
    for key, value in source.items():
        if key not in _BLOCKED:
            result[key] = merged(result[key], value) if key in result else value
    return result


@dataclass
class _Includes:
    """Walks one file; `chain` are the files that led here, the main one first; `roots` the folders includes may lie in."""

    chain: tuple[Path, ...]
    roots: tuple[Path, ...]
    access: IncludeAccess
    files: list[Path] = field(default_factory=list)

    def walk(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.walk(each) for each in value]
        if not isinstance(value, dict):
            return value
        if _INCLUDE not in value:
            return {key: self.walk(each) for key, each in value.items()}
        included = self._included(value[_INCLUDE])
        rest = {key: self.walk(each) for key, each in value.items() if key != _INCLUDE}
        if not rest:
            return included
        if not isinstance(included, dict):
            raise self._error("keys beside $include need an included object")
        return merged(included, rest)

    def _included(self, named: Any) -> Any:
        if isinstance(named, str):
            return self._load(named)
        if isinstance(named, list) and all(isinstance(each, str) for each in named):
            result: Any = {}
            for each in named:
                result = merged(result, self._load(each))
            return result
        raise self._error("$include is neither a path nor a list of paths")

    def _load(self, named: str) -> Any:
        if "\0" in named or len(named) >= _MAX_PATH:
            raise self._error("the path of an $include is not usable")
        path = Path(os.path.normpath(self.chain[-1].parent / named))
        if path in self.chain:
            raise self._error(f"{named} includes itself, by way of {self.chain[-1].name}", "config_include_cycle")
        if len(self.chain) > _MAX_DEPTH:
            raise self._error(f"includes are more than {_MAX_DEPTH} deep at {named}", "config_include_depth")
        real = self.access.resolve(path)
        by_name = any(path.is_relative_to(root) for root in self.roots)
        if not by_name or not any(real.is_relative_to(self.access.resolve(root)) for root in self.roots):
            raise self._error(f"{named} lies outside the configuration's folder", "config_include_outside")
        self.files.append(path)
        parsed = parse_text(self.access.read(path), path)
        return _Includes((*self.chain, path), self.roots, self.access, self.files).walk(parsed)

    def _error(self, what: str, code: str = "config_include") -> ConfigInvalid:
        return ConfigInvalid(f"cannot read {self.chain[0]}", why=f"{self.chain[-1]}: {what}", code=code, hint=_HINT)


def with_includes(raw: bytes, path: Path, roots: tuple[Path, ...], access: IncludeAccess) -> tuple[Any, tuple[Path, ...]]:
    """The main file with its includes merged in, and the files read. Raises ConfigInvalid.

    Includes may lie in the folder of the main file and in `roots` (OPENCLAW_INCLUDE_ROOTS), nowhere else.
    """
    includes = _Includes((Path(os.path.normpath(path)),), (path.parent, *roots), access)
    tree = includes.walk(parse_text(raw, path))
    return tree, (path, *includes.files)


def with_variables(value: Any, environment: Mapping[str, str], unresolved: list[str]) -> Any:
    """`${NAME}` replaced in every string, `$${NAME}` unescaped. A missing or empty one stays as written and is noted."""
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: _substitute(match, environment, unresolved), value) if "$" in value else value
    if isinstance(value, list):
        return [with_variables(each, environment, unresolved) for each in value]
    if isinstance(value, dict):
        return {key: with_variables(each, environment, unresolved) for key, each in value.items()}
    return value


def parse_dotenv(raw: bytes) -> dict[str, str]:
    """The `.env` of a state directory: `NAME=value` lines, `export` and quotes allowed, `#` begins a comment."""
    found: dict[str, str] = {}
    for line in raw.decode(errors="replace").splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and re.fullmatch(r"[\w.-]+", name.strip()):
            found[name.strip()] = _unquoted(value.strip())
    return found


def _substitute(match: "re.Match[str]", environment: Mapping[str, str], unresolved: list[str]) -> str:
    name = match.group("name")
    if match.group("escaped"):
        return f"${{{name}}}"
    value = environment.get(name, "")
    if value:
        return value
    if name not in unresolved:
        unresolved.append(name)
    return match.group(0)


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] in "\"'`" and value.find(value[0], 1) > 0:
        inner = value[1 : value.find(value[0], 1)]
        return inner.replace("\\n", "\n") if value[0] == '"' else inner
    return value.partition("#")[0].strip()


def _syntax_error(text: str, path: Path, said: str) -> ConfigInvalid:
    near = _NEAR.search(said)
    at = max(0, min(int(near.group(1)) - 1 if near else 0, len(text)))
    line_number = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1)
    lines = text.splitlines() or [""]
    line = lines[min(line_number, len(lines)) - 1]
    start = max(0, column - 60)
    excerpt = _masked(line)[start : start + 100]
    return ConfigInvalid(
        f"{path} is not valid JSON5",
        why=f"near line {line_number}, column {column + 1}:\n    {excerpt}\n    {' ' * (column - start)}^",
        hint=_HINT,
        code="config_syntax",
    )


def _masked(line: str) -> str:
    """The line with every word that is not a well-known key made of `x`: an excerpt never shows a value."""
    return re.sub(r"\w+", lambda word: word[0] if word[0] in _SHOWN else "x" * len(word[0]), line.replace("\t", " "))


_HINT = "mend the file; `openclaw config validate` checks it"
