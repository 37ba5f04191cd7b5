"""Changing one value in the text of openclaw.json and nothing else of it: comments, order and secrets stay as they are."""

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""(?P<blank>\s+|//[^\n]*|/\*.*?\*/)
    |(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
    |(?P<mark>[{}\[\]:,])
    |(?P<word>[^\s{}\[\]:,"']+)""",
    re.DOTALL | re.VERBOSE,
)
# OpenClaw's own updater runs by itself when this is true, and `update.checkOnStart` is (docs/gateway/config-runtime.md of 9.6).
AUTO_UPDATE = ("update", "auto", "enabled")


def without_auto_update(raw: bytes) -> bytes | None:
    """The configuration with `update.auto.enabled` false; None where that file does not itself say true (an include may)."""
    return _changed(raw, "true", "false")


def with_auto_update(raw: bytes) -> bytes | None:
    """The configuration with `update.auto.enabled` true; None where that file does not itself say false."""
    return _changed(raw, "false", "true")


def _changed(raw: bytes, was: str, wanted: str) -> bytes | None:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return None
    places = [(start, end) for path, start, end in _words(text) if path == AUTO_UPDATE and text[start:end] == was]
    if len(places) != 1:
        return None
    start, end = places[0]
    return (text[:start] + wanted + text[end:]).encode()


def _words(text: str) -> Iterator[tuple[tuple[str, ...], int, int]]:
    """Every bare word that is a value (true, null, a number) below named keys only, with the keys that lead to it."""
    path: list[str] = []
    key, named = "", False
    for token in _TOKEN.finditer(text):
        kind, said = token.lastgroup, token[0]
        if kind == "blank":
            continue
        if said in "{[":
            path.append(key if said == "{" or key else "[")
            key, named = "[" if said == "[" else "", False
        elif said in "}]":
            path = path[:-1]
            key, named = "", False
        elif said == ":":
            named = True
        elif said == ",":
            key, named = "", False
        elif not named:
            key = said[1:-1] if kind == "text" else said
        elif kind == "word":
            yield (*path[1:], key), token.start(), token.end()
