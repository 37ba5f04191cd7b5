"""Pairs a new client with a gateway, as a person's second device would: a fresh identity and the shared secret."""

from dataclasses import dataclass

from upgrader.domain.pairing.ports import ClientIdentity, Gateway, Identities, Knowledge, PairWish, Sockets
from upgrader.domain.ports import Clock
from upgrader.domain.secret import Secret
from upgrader.errors import UpgraderError


@dataclass(frozen=True)
class PairedClient:
    """A device the gateway knows: its identity and the device token it was handed."""

    identity: ClientIdentity
    token: Secret
    scopes: tuple[str, ...]


class PairingFailed(UpgraderError):
    """The gateway did not pair the new client."""

    default_code = "pairing_failed"


@dataclass(frozen=True)
class PairClient:
    """Makes and pairs clients. Not for a gateway that must not be changed."""

    sockets: Sockets
    identities: Identities
    clock: Clock
    knowledge: Knowledge

    def pair(self, gateway: Gateway, wish: PairWish) -> PairedClient:
        """Pair a client of this kind; give each its own name, or 9.x removes its silently paired namesake after a minute.

        Raises NoAnswer, and PairingFailed also where the release lets such a client in without pairing it (2.22).
        """
        return self.pair_as(gateway, self.identities.fresh(), wish)

    def pair_as(self, gateway: Gateway, identity: ClientIdentity, wish: PairWish) -> PairedClient:
        """The same with an identity that there is already. Raises NoAnswer, PairingFailed."""
        now_ms = int(self.clock.now().timestamp() * 1000)
        attempt = self.knowledge.pairing(gateway, identity, wish, now_ms)
        answer = self.sockets.converse(gateway.port, attempt.reply, attempt.read)
        if not answer.token:
            why = f"{answer.code}: {answer.reason}" if answer.code else "it let the client in and gave it no device token"
            left = "the gateway may hold a request of it"
            raise PairingFailed(f"{wish.display_name or 'this machine'} was not paired", why=why, unchanged=left)
        return PairedClient(identity, answer.token, answer.scopes)
