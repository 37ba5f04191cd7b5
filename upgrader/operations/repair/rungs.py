"""The rungs of a repair, one method each; every one of them may fail, and then the next is tried."""

from collections.abc import Callable
from dataclasses import dataclass

from upgrader.domain.diagnosis.cause import Rung
from upgrader.domain.diagnosis.repairing import PairingEditor, ProductCommands, StepFailed
from upgrader.domain.diagnosis.scene import Scene
from upgrader.domain.pairing.observation import ClientKind
from upgrader.domain.pairing.ports import Gateway, NoAnswer, PairWish
from upgrader.domain.version import Version
from upgrader.operations.diagnosis.pairing_store import StoreReader
from upgrader.operations.repair.outage import Outage
from upgrader.operations.repair.pair_client import PairClient, PairingFailed


@dataclass(frozen=True)
class Rungs:
    """Over OpenClaw's own commands, our handshake, and edits in an outage. `full_scopes` are those of a release."""

    product: ProductCommands
    editor: PairingEditor
    outage: Outage
    pairing: PairClient
    reader: StoreReader
    full_scopes: Callable[[Version], tuple[str, ...]]

    def words(self, rung: Rung, scene: Scene) -> str:
        """What a rung does, in the commands a person would type."""
        own, version = scene.observation.store.own, scene.installation.package.version
        device = own.device_id if own else "DEVICE"
        scopes = " ".join(f"--scope {scope}" for scope in self.full_scopes(version))
        waiting = [r.request_id for r in scene.observation.store.pending if r.device_id == device]
        return {
            Rung.REISSUE: "`openclaw devices list`: the gateway hands this machine's clients their token again",
            Rung.SYNC: f"stop the gateway, copy token and scopes into {scene.places.cache}, start it again",
            Rung.APPROVE: ", ".join(f"`openclaw devices approve {each}`" for each in waiting) or "approve what then waits",
            Rung.ROTATE: f"`openclaw devices rotate --device {device} --role operator {scopes}`",
            Rung.PAIR_AGAIN: f"`openclaw devices remove {device}`, then pair this machine again as `openclaw acp` does",
            Rung.WIDEN: f"stop the gateway, write {', '.join(self.full_scopes(version))} into {scene.places.paired}, start it",
        }[rung]

    def climb(self, rung: Rung, scene: Scene) -> str:
        """Do it; returns what was done where that needs saying. Raises StepFailed and what an outage raises."""
        return {
            Rung.REISSUE: self._reissue,
            Rung.SYNC: self._sync,
            Rung.APPROVE: self._approve,
            Rung.ROTATE: self._rotate,
            Rung.PAIR_AGAIN: self._pair_again,
            Rung.WIDEN: self._widen,
        }[rung](scene)

    def _reissue(self, scene: Scene) -> str:
        if not scene.installation.is_running:
            raise StepFailed("no gateway runs that could issue a token")
        if not _shows_identity(scene):
            raise StepFailed(f"one-shot commands of {scene.installation.package.version} show no identity")
        self.product.reissue(scene.installation)
        return ""

    def _sync(self, scene: Scene) -> str:
        self.outage.during(scene.installation, lambda: self.editor.sync(scene.installation, _own(scene)))
        return ""

    def _approve(self, scene: Scene) -> str:
        waiting = [r for r in scene.observation.store.pending if r.device_id == _own(scene)]
        if not waiting:
            raise StepFailed("no request of this machine waits")
        for request in waiting:
            self.product.approve(scene.installation, request.request_id)
        return f"approved {len(waiting)}"

    def _rotate(self, scene: Scene) -> str:
        self.product.rotate(scene.installation, _own(scene), self.full_scopes(scene.installation.package.version))
        return ""

    def _pair_again(self, scene: Scene) -> str:
        """The record is removed by the product where it can; where it is another key's or has no command, by an edit."""
        installation = scene.installation
        device, name = _own(scene), ""
        credentials = self.reader.credentials(installation.state.path)
        if credentials is None or not installation.is_running:
            raise StepFailed("this machine has no identity to pair, or no gateway runs")
        record = scene.observation.store.own_device
        if record is not None:
            name = record.display_name
            try:
                self.product.remove(installation, device)
            except StepFailed:
                self.outage.during(installation, lambda: self.editor.forget(installation, device))
        wish = PairWish(ClientKind.CLI, name)
        gateway = Gateway(installation.package.version, installation.port, installation.auth)
        try:
            self.pairing.pair_as(gateway, credentials.identity, wish)
        except (PairingFailed, NoAnswer) as error:
            raise StepFailed(error.message, why=error.why) from error
        return ""

    def _widen(self, scene: Scene) -> str:
        scopes = self.full_scopes(scene.installation.package.version)
        self.outage.during(scene.installation, lambda: self.editor.widen(scene.installation, _own(scene), scopes))
        return ""


def _own(scene: Scene) -> str:
    """This machine's device id. Raises StepFailed where it has none."""
    own = scene.observation.store.own
    if own is None:
        raise StepFailed("this machine has no identity")
    return own.device_id


def _shows_identity(scene: Scene) -> bool:
    """Whether one-shot commands present the identity: only in releases that keep files."""
    return scene.rules.era is scene.observation.store.era and scene.rules.era.value == "files"
