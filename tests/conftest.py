"""What every test may ask for."""

from tests.world.fixtures import node_home, registry, seed_of, stub_model, world, world_of

__all__ = ["node_home", "registry", "seed_of", "stub_model", "world", "world_of"]
