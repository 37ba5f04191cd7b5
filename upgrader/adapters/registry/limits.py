"""What a question to a registry may cost, and the form of an answer."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """`connect_s` and `read_s` of one request, `total_s` of one question with all its tries; waits double from `back_off_s`."""

    connect_s: float = 5.0
    read_s: float = 20.0
    total_s: float = 60.0
    tries: int = 3
    back_off_s: float = 0.5
    longest_wait_s: float = 10.0
    redirects: int = 5
    document_bytes: int = 8 * 1024**2
    packument_bytes: int = 96 * 1024**2


@dataclass(frozen=True)
class Answer:
    """One answer. `document` is None for 304 and 404."""

    status: int
    document: object = None
    etag: str = ""
    last_modified: str = ""
