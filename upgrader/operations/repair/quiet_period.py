"""The end of a repair: nothing asks anew, nothing is refused, cache and record stay equal. Judged by looks, not by a time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from upgrader.domain.diagnosis.ports import LineTail
from upgrader.domain.installation.facts import Installation
from upgrader.domain.pairing.observation import PairingStore
from upgrader.domain.pairing.sighting import LogEvent
from upgrader.domain.ports import Clock
from upgrader.operations.diagnosis.pairing_store import StoreReader

_LOOKS_ALIKE = 4
_LOOKS = 40
_BETWEEN = timedelta(milliseconds=500)  # the loop this is about asks once a second: two seconds in all
_LOUD = frozenset({"access-upgrade-requested", "metadata-upgrade-requested", "device-token-mismatch", "agent-pairing-required"})


@dataclass(frozen=True)
class QuietPeriod:
    """Looks at store and log; `tails` opens the logs of an installation at their present ends, `event_of` reads a line."""

    reader: StoreReader
    tails: Callable[[Installation], tuple[LineTail, ...]]
    event_of: Callable[[bytes], LogEvent | None]
    clock: Clock

    def wait(self, installation: Installation) -> tuple[bool, str]:
        """(quiet, what was seen): four looks alike and silent in a row, of forty at most; flapping is told, not judged."""
        tails, alike, changes, noise = self.tails(installation), 1, 0, 0
        last = self._digest(installation)
        for look in range(_LOOKS):
            self.clock.wait(_BETWEEN)
            now, heard = self._digest(installation), self._heard(tails)
            same = now == last and not heard
            alike, last = (alike + 1, now) if same else (1, now)
            changes, noise = changes + (not same), noise + heard
            if alike > _LOOKS_ALIKE:
                return True, f"quiet: {look + 1} looks half a second apart, {changes} of them unlike the one before"
        return False, f"not quiet: {changes} of {_LOOKS} looks differed, {noise} refusals or requests in the log"

    def _digest(self, installation: Installation) -> tuple[object, ...]:
        return digest(self.reader.store(installation.state.path))

    def _heard(self, tails: tuple[LineTail, ...]) -> int:
        events = (self.event_of(line) for tail in tails for line in tail.more())
        return sum(1 for each in events if each is not None and each.signature in _LOUD)


def digest(store: PairingStore) -> tuple[object, ...]:
    """What must stay as it is: the requests, and this machine's tokens on both sides."""
    own, device = store.own, store.own_device
    return (
        tuple(sorted(each.request_id for each in store.pending)),
        own.tokens if own else (),
        tuple((t.role, t.token) for t in device.tokens) if device else (),
    )
