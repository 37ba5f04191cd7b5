"""What every test may ask for."""

from hypothesis import HealthCheck, settings

from tests.world.fixtures import node_home, registry, seed_of, stub_model, world, world_of

__all__ = ["node_home", "registry", "seed_of", "stub_model", "world", "world_of"]

# How long an example takes says how busy the machine is, nothing about the code.
settings.register_profile("untimed", deadline=None, suppress_health_check=(HealthCheck.too_slow,))
settings.load_profile("untimed")
