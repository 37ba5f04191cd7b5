"""What `diagnose --follow` tells, a line each."""

from upgrader.domain.pairing.happening import Happening


def line(value: object) -> str:
    """Time, device and what happened."""
    if not isinstance(value, Happening):
        raise TypeError(f"{type(value).__name__} is no happening")
    return f"{value.at}  {value.device or '-':12}  {value.what}"
