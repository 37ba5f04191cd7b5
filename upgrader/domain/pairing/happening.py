"""One thing that happened to a pairing while somebody watched."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Happening:
    """One thing that happened: when (ISO, UTC), its name, the device it is about, and a sentence."""

    at: str
    name: str
    device: str
    what: str
