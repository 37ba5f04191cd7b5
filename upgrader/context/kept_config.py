"""The configuration as a snapshot has it."""

from collections.abc import Mapping
from pathlib import Path

from upgrader.domain.canary.report import CanaryRequest
from upgrader.domain.installation.configuration import IncludeAccess
from upgrader.services.openclaw.configuration import config_text


def read_snapshot_config(request: CanaryRequest) -> Mapping[str, object]:
    """The configuration as the snapshot has it, includes merged in, variables as written. Raises ConfigInvalid, OSError.

    Included files are named by their live paths, absolute ones too: what lies in the state is read from the snapshot, the
    rest where it lies. Whether they may lie there was judged when the installation was found.
    """
    state, config, tree = request.installation.state.path, request.installation.state.config, request.snapshot.tree

    def there(path: Path) -> Path:
        return tree / path.relative_to(state) if path.is_relative_to(state) else path

    if not there(config).is_file():
        return {}
    access = IncludeAccess(lambda path: there(path).read_bytes(), lambda path: path)
    found, _files = config_text.with_includes(there(config).read_bytes(), config, (Path("/"),), access)
    return found if isinstance(found, dict) else {}
