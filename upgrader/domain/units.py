"""Sizes, spans and moments as people read them, the same in every answer. Pure."""

from datetime import UTC, datetime

_LARGER = ("kB", "MB", "GB", "TB")


def size(count: int) -> str:
    """Bytes: `0 B`, `12.3 kB`, `972 MB`, `1.8 GB`."""
    value, unit = float(count), "B"
    for larger in _LARGER:
        if value < 999.5:
            break
        value, unit = value / 1000, larger
    return f"{value:.0f} {unit}" if unit == "B" or value >= 99.95 else f"{value:.1f} {unit}"


def span(seconds: float) -> str:
    """Seconds: `0.4 s`, `30 s`, `87 s`, `5 min 56 s`, `3 h 5 min`."""
    if seconds < 59.95:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min {whole % 60} s".removesuffix(" 0 s")
    return f"{whole // 3600} h {whole % 3600 // 60} min".removesuffix(" 0 min")


def counted(number: int, thing: str) -> str:
    """`1 file`, `2 files`; of an irregular `thing` both words: `entry/entries`."""
    one, _, several = thing.partition("/")
    return f"{number} {one if number == 1 else several or one + 's'}"


def moment(text: str) -> str:
    """A time (ISO 8601): `2026-11-21 19:27 UTC`, as the names of snapshots tell it too."""
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
