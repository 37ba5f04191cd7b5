"""The release's doctor on the live state, while nobody owns it and without a way to the service manager."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from upgrader.adapters.moves.children import marked
from upgrader.domain.installation.facts import Installation
from upgrader.domain.kept.slot import Slot
from upgrader.domain.moves.doctor import DoctorCall
from upgrader.domain.ports import Command, Runner
from upgrader.domain.said import last_line
from upgrader.domain.version import Version
from upgrader.errors import UpgraderError


class DoctorFailed(UpgraderError):
    """The release could not bring the state into its form."""

    default_code = "doctor_failed"


CallFor = Callable[[Version, Version], DoctorCall | None]
EnvironmentFor = Callable[[Installation], Mapping[str, str]]


@dataclass(frozen=True)
class LiveDoctor:
    """Port Doctor. `call_for(present, target)` is the service's table; None where no doctor is needed.

    `environment_for(installation)` is what a command of this installation gets (HOME, state directory, PATH of Node).
    """

    runner: Runner
    call_for: CallFor
    environment_for: EnvironmentFor
    limit: Callable[[Installation], timedelta]

    def migrate(self, installation: Installation, present: Slot, target: Slot) -> None:
        """Run it once. Raises DoctorFailed with its last line."""
        call = self.call_for(present.version, target.version)
        if call is None:
            return
        with tempfile.TemporaryDirectory(prefix="upgrader-no-bus-") as empty:
            # Leaving the variables out is not enough: 2026.9.6 finds /run/user/UID by itself and then stops or starts the
            # live gateway (measured under systemd); an empty runtime directory and a dead bus address keep it away.
            environment = {
                **marked(self.environment_for(installation), installation.state.path),
                **call.environment,
                "XDG_RUNTIME_DIR": empty,
                "DBUS_SESSION_BUS_ADDRESS": f"unix:path={empty}/bus",
            }
            argv = (str(target.node.path), str(target.package_root / "openclaw.mjs"), *call.arguments)
            ran = self.runner.run(Command(argv, self.limit(installation), environment, directory=Path(installation.home)))
        if not call.went_well(ran.exit_code, ran.stderr):
            raise DoctorFailed(
                f"the doctor of {target.version} did not accept the state (exit code {ran.exit_code})",
                why=last_line(ran.stderr) or last_line(ran.stdout) or "it said nothing",
                hint=f"`upgrader canary {target.version}` shows it on a clone",
            )
