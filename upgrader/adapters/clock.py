"""The real clock."""

import time
from datetime import UTC, datetime, timedelta


class SystemClock:
    """Port Clock over the operating system."""

    def now(self) -> datetime:
        """Now, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since an unknown start; never goes back."""
        return time.monotonic()

    def wait(self, span: timedelta) -> None:
        """Sleep for `span`."""
        time.sleep(max(0.0, span.total_seconds()))
