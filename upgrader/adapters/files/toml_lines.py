"""Where each key of a TOML text stands: tomllib gives values without places, and an error without a line helps nobody."""

import re

Path = tuple[str | int, ...]

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]#]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"^\s*([A-Za-z0-9_\-]+(?:\s*\.\s*[A-Za-z0-9_\-]+)*|\"[^\"]*\")\s*=\s*(.*)$")
_STRINGS = re.compile(r"\"\"\"|'''|\"(?:\\.|[^\"\\])*\"|'[^']*'|#.*")


class Lines:
    """Line numbers (from 1) by key path, for TOML that is known to be well-formed."""

    def __init__(self, text: str) -> None:
        self._places: dict[Path, tuple[int, int]] = {(): (1, 0)}
        self._counts: dict[Path, int] = {}
        self._scan(text.splitlines())

    def line(self, path: Path) -> int:
        """The line of `path`, or of the nearest key that contains it."""
        return self._place(path)[0]

    def column(self, path: Path) -> int:
        """The column of its value, of its header where it is a table; 0 for the whole of the file."""
        return self._place(path)[1]

    def _place(self, path: Path) -> tuple[int, int]:
        nearest = (self._places.get(path[:length]) for length in range(len(path), -1, -1))
        return next(found for found in nearest if found is not None)

    def _scan(self, lines: list[str]) -> None:
        table: Path = ()
        index = 0
        while index < len(lines):
            number, line = index + 1, lines[index]
            index += 1
            header = _HEADER.match(line)
            key = None if header else _KEY.match(line)
            if header:
                table = self._enter(header[1], header[2], (number, header.start(1) + 1))
            elif key:
                path = (*table, *_parts(key[1]))
                self._places.setdefault(path, (number, key.start(2) + 1))
                index = self._value(path, key[2], lines, index, key.start(2))

    def _enter(self, brackets: str, name: str, place: tuple[int, int]) -> Path:
        path = self._resolve(_parts(name))
        if brackets == "[[":
            count = self._counts.get(path, 0)
            self._counts[path] = count + 1
            path = (*path, count)
        self._places.setdefault(path, place)
        return path

    def _resolve(self, parts: Path) -> Path:
        """The path of a header: below an array of tables its last element is meant."""
        path: Path = ()
        for position, part in enumerate(parts):
            path = (*path, part)
            if position < len(parts) - 1 and path in self._counts:
                path = (*path, self._counts[path] - 1)
        return path

    def _value(self, path: Path, first: str, lines: list[str], index: int, offset: int) -> int:
        """Skip the rest of a value over several lines, noting the place of each element of a plain array.

        Several elements on one line share its column: that of the value, or of the first of them.
        """
        depth, open_quote, element = 0, "", 0
        text = first
        place = (index, offset + 1)
        while True:
            stripped, open_quote = _without_strings(text, open_quote)
            for character in stripped:
                if depth == 1 and character not in " \t,[]{}":
                    self._places.setdefault((*path, element), place)
                elif depth == 1 and character == ",":
                    element += 1
                depth += (character in "[{") - (character in "]}")
            if (depth <= 0 and not open_quote) or index >= len(lines):
                return index
            text = lines[index]
            index += 1
            place = (index, len(text) - len(text.lstrip()) + 1)


def _without_strings(text: str, open_quote: str) -> tuple[str, str]:
    """The line with each string replaced by `s`, and the triple quote still open at its end."""
    kept: list[str] = []
    while text:
        if open_quote:
            end = text.find(open_quote)
            if end < 0:
                return "".join(kept), open_quote
            text, open_quote = text[end + 3 :], ""
            continue
        match = _STRINGS.search(text)
        if match is None:
            kept.append(text)
            break
        kept.append(text[: match.start()])
        if match[0].startswith("#"):
            break
        kept.append("s")
        if match[0] in ('"""', "'''"):
            open_quote = match[0]
        text = text[match.end() :]
    return "".join(kept), open_quote


def _parts(name: str) -> Path:
    return tuple(part.strip().strip('"') for part in name.split("."))
