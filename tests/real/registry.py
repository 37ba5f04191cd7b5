"""The way to the real package registry, for worlds that have one of their own."""

import os
import subprocess
from collections.abc import Mapping

from tests.world.node import NodeHome
from tests.world.world import World

_REACHING = ("npm_config_", "http_proxy", "https_proxy", "no_proxy", "node_extra_ca", "ssl_cert", "requests_ca", "pip_")


def reaching_the_registry(world: World, node: NodeHome) -> Mapping[str, str]:
    """The world's environment with the way to the registry that this test run itself was given."""
    asked = subprocess.run((str(node.npm), "config", "get", "registry"), capture_output=True, text=True, timeout=60, check=True)
    passed = {name: value for name, value in os.environ.items() if name.lower().startswith(_REACHING)}
    passed.pop("npm_config_prefix", None)
    return {**passed, **world.environment, "npm_config_registry": asked.stdout.strip()}
