"""What every test may ask for."""

import pytest
from hypothesis import HealthCheck, settings

from tests.world.fixtures import node_home, registry, seed_of, stub_model, world, world_of

__all__ = ["node_home", "registry", "seed_of", "stub_model", "world", "world_of"]

# How long an example takes says how busy the machine is, nothing about the code.
settings.register_profile("untimed", deadline=None, suppress_health_check=(HealthCheck.too_slow,))
settings.load_profile("untimed")

# The short real tier: what every run of scripts/test does on the real OpenClaw. The rest of tests/real is the long tier.
_SHORT = ("tests/real/test_main_job.py",)

# What tries the stand-in in depth: whole moves and canaries by the dozen. scripts/test runs it after the fast tier.
_THOROUGH = (
    "tests/crash",
    "tests/canary/test_damaged.py",
    "tests/canary/test_own_probes.py",
    "tests/canary/test_silence.py",
    "tests/canary/test_verdicts.py",
    "tests/canary/test_way_back.py",
    "tests/cli/test_bad_ground.py",
    "tests/cli/test_canary_command.py",
    "tests/cli/test_drift.py",
    "tests/cli/test_held_canary.py",
    "tests/cli/test_known.py",
    "tests/cli/test_pin.py",
    "tests/cli/test_prune.py",
    "tests/cli/test_quiesce.py",
    "tests/diagnosis/test_repair.py",
    "tests/diagnosis/test_rotation.py",
    "tests/diagnosis/test_service_causes.py",
    "tests/diagnosis/test_watching.py",
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Real tests that are not of the short tier take longer than a change should wait for: they are `long`."""
    for item in items:
        if item.nodeid.startswith(_THOROUGH):
            item.add_marker(pytest.mark.thorough)
        if item.get_closest_marker("real") and not item.nodeid.startswith(_SHORT):
            item.add_marker(pytest.mark.long)
