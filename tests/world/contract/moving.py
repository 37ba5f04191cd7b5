"""One world's state under another release."""

from dataclasses import fields, replace
from pathlib import Path

from tests.world.contract.running import agent_turns
from tests.world.world import World
from upgrader.adapters.canary.stub_model import StubModel


def in_the_hands_of(older: World, version: str, prefix: Path) -> World:
    """A view of `older` (same root, state, configuration and port) whose commands are those of the release in `prefix`."""
    view = _Borrowed(**{field.name: getattr(older, field.name) for field in fields(older)})
    view.seed = replace(older.seed, version=version, prefix=prefix)
    return view


def give_it_history(world: World, model: StubModel) -> None:
    """Start the gateway, run turns of two agents, stop it: databases of agents exist afterwards."""
    world.start_gateway()
    agent_turns(world, model)
    world.stop_gateway()


class _Borrowed(World):
    """A world whose prefix lies elsewhere."""

    @property
    def prefix(self) -> Path:
        """The other world's npm prefix."""
        return self.seed.prefix
