"""`diagnose --follow`: names what happens while it happens, out of the log and the store, until it is interrupted."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from upgrader.domain.diagnosis.ports import LineTail
from upgrader.domain.installation.facts import Installation
from upgrader.domain.pairing.happening import Happening
from upgrader.domain.pairing.observation import PairingStore
from upgrader.domain.pairing.sighting import LogEvent
from upgrader.domain.ports import Clock
from upgrader.operations.diagnosis.pairing_store import StoreReader

_BETWEEN = timedelta(milliseconds=300)
_BURST = 5  # lines of one kind told one by one; then every tenth
_EVERY = 10


@dataclass(frozen=True)
class Follow:
    """Over the log's tails and the store. `tell` shows a happening at once, `meaning` says what a signature means."""

    reader: StoreReader
    tails: Callable[[Installation], tuple[LineTail, ...]]
    event_of: Callable[[bytes], LogEvent | None]
    meaning: Callable[[str], str]
    clock: Clock
    tell: Callable[[Happening], None]

    def run(self, installation: Installation) -> None:
        """Until an interrupt, which is how it ends; it changes nothing."""
        tails = self.tails(installation)
        store = self.reader.store(installation.state.path)
        began = f"{len(store.paired)} devices are paired, {len(store.pending)} requests wait; Ctrl-C ends this"
        self.tell(Happening(self._now(), "following", "", began))
        counts: dict[tuple[str, str], int] = {}
        while True:
            for tail in tails:
                for line in tail.more():
                    self._line(line, counts)
            now = self.reader.store(installation.state.path)
            for happening in changes(store, now, self._now()):
                self.tell(happening)
            store = now
            self.clock.wait(_BETWEEN)

    def _now(self) -> str:
        return self.clock.now().isoformat(timespec="seconds")

    def _line(self, line: bytes, counts: dict[tuple[str, str], int]) -> None:
        event = self.event_of(line)
        if event is None:
            return
        key = (event.signature, event.device)
        counts[key] = counts.get(key, 0) + 1
        if counts[key] > _BURST and counts[key] % _EVERY:
            return
        times = f" ({counts[key]} times)" if counts[key] > 1 else ""
        asked = f": {', '.join(event.scopes_from)} → {', '.join(event.scopes_to)}" if event.scopes_to else ""
        what = f"{self.meaning(event.signature)}{asked}{times}"
        self.tell(Happening(event.at.isoformat(timespec="seconds"), event.signature, event.device[:12], what))


def changes(before: PairingStore, after: PairingStore, at: str) -> tuple[Happening, ...]:
    """What the stores themselves tell: requests that came and went, tokens that changed, a cache that was overwritten."""
    return (*_requests(before, after, at), *_devices(before, after, at), *_cache(before, after, at))


def _requests(before: PairingStore, after: PairingStore, at: str) -> Iterator[Happening]:
    was = {r.request_id: r for r in before.pending}
    now = {r.request_id: r for r in after.pending}
    for key in now.keys() - was.keys():
        what = f"a request waits, it asks for {', '.join(now[key].scopes) or 'pairing'}"
        yield Happening(at, "request-came", now[key].device_id[:12], what)
    for key in was.keys() - now.keys():
        yield Happening(at, "request-went", was[key].device_id[:12], "a request is gone: approved, rejected or too old")


def _devices(before: PairingStore, after: PairingStore, at: str) -> Iterator[Happening]:
    for device in after.paired:
        old = before.device(device.device_id)
        if old is None:
            yield Happening(at, "paired", device.device_id[:12], f"{device.short} was paired")
        elif [(t.role, t.token) for t in old.tokens] != [(t.role, t.token) for t in device.tokens]:
            yield Happening(at, "token-changed", device.device_id[:12], "the gateway gave it another token")
        elif old.scopes != device.scopes:
            yield Happening(at, "scopes-changed", device.device_id[:12], f"its scopes are {', '.join(device.scopes)}")
    for device in before.paired:
        if after.device(device.device_id) is None:
            yield Happening(at, "removed", device.device_id[:12], f"the record of {device.short} is gone")


def _cache(before: PairingStore, after: PairingStore, at: str) -> tuple[Happening, ...]:
    if before.own is None or after.own is None or before.own.tokens == after.own.tokens:
        return ()
    cached, device = after.own.token("operator"), after.own_device
    recorded = device.token("operator") if device else None
    same = cached is not None and recorded is not None and cached.token == recorded.token
    what = f"a client here overwrote the token cache: it now {'agrees with' if same else 'differs from'} the gateway"
    return (Happening(at, "cache-overwritten", after.own.device_id[:12], what),)
