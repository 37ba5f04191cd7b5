"""Port RunningProbe: what gateways really go by, out of /proc; their definitions on disk are another probe's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from upgrader.domain.diagnosis.scene import RunningSeen
from upgrader.domain.installation.census import ProcessesHidden
from upgrader.domain.installation.discovery import Table
from upgrader.domain.installation.facts import GatewayProcess, Installation


@dataclass(frozen=True)
class GatewaysProbe:
    """Over the process table. `places` tells the state, configuration and profile that an environment selects, `user` the name
    of an account."""

    table: Table
    places: Callable[[Mapping[str, str]], tuple[str, str, str]]
    user: Callable[[int], str]

    def running(self, installation: Installation) -> tuple[RunningSeen, ...]:
        """The gateways on this state; where there is none, those of another state that listen on its port."""
        if installation.gateways:
            return tuple(self._seen(each) for each in installation.gateways)
        try:
            others = self.table.census(installation.state.path).siblings
        except ProcessesHidden:
            return ()
        return tuple(self._seen(each, foreign=True) for each in others if installation.port in each.ports)

    def _seen(self, gateway: GatewayProcess, *, foreign: bool = False) -> RunningSeen:
        state, config, profile = self.places(self.table.environment_of(gateway.identity))
        return RunningSeen(
            pid=gateway.identity.pid,
            user=self.user(gateway.uid),
            state=str(gateway.state_path or state),
            config=config,
            profile=profile,
            node=gateway.node,
            package_root=gateway.package_root,
            unit=gateway.unit,
            foreign=foreign,
        )
