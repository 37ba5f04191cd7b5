"""Switches OpenClaw's own updater off in openclaw.json, the bytes of before kept first, and back."""

import stat
from collections.abc import Callable
from pathlib import Path

from upgrader.adapters.files.durable import make_private, remove_durably, replace_durably
from upgrader.domain.decisions.pinning import ConfigEdit
from upgrader.domain.installation.configuration import ConfigInvalid
from upgrader.domain.installation.facts import Installation

Edit = Callable[[bytes], bytes | None]

_UNDO = "config-before-pin"
_AFTER = "config-after-pin"


class UpdaterSwitch:
    """Port ConfigSwitch. `off` and `on` give the text with the updater off and on, None where it cannot be said there."""

    def __init__(self, home: Path, off: Edit, on: Edit) -> None:
        self._home = home
        self._off = off
        self._on = on

    def off(self, installation: Installation) -> ConfigEdit:
        """Switch it off. Raises ConfigInvalid, OSError."""
        config = installation.state.config
        raw = config.read_bytes()
        changed = self._off(raw)
        if changed is None:
            raise ConfigInvalid(
                "OpenClaw's own updater cannot be switched off here",
                why=f"{config} does not itself say `update.auto.enabled: true`: an included file or a variable does",
                hint="set `update.auto.enabled` to false where it is set; the pin itself stands",
                code="updater_elsewhere",
            )
        undo = make_private(self._home) / _UNDO
        replace_durably(undo, raw)
        replace_durably(self._home / _AFTER, changed)
        replace_durably(config, changed, stat.S_IMODE(config.stat().st_mode))
        return ConfigEdit("update.auto.enabled: true → false", config, undo, switched_off=True)

    def restore(self, installation: Installation) -> ConfigEdit | None:
        """Undo the last `off`: byte for byte where nothing else was changed since, else that one word alone.

        Raises ConfigInvalid where the word is not there any more, OSError.
        """
        undo, after, config = self._home / _UNDO, self._home / _AFTER, installation.state.config
        if not undo.exists():
            return None
        present = config.read_bytes()
        untouched = after.exists() and present == after.read_bytes()
        restored = undo.read_bytes() if untouched else self._on(present)
        if restored is None:
            raise ConfigInvalid(
                f"{config} was changed since the updater was switched off",
                why="it no longer says `update.auto.enabled: false`, so there is no word to put back",
                hint=f"set `update.auto.enabled` by hand; the file of before is {undo}",
                code="config_moved",
            )
        replace_durably(config, restored, stat.S_IMODE(config.stat().st_mode))
        remove_durably(undo)
        remove_durably(after)
        return ConfigEdit("update.auto.enabled: false → true", config, undo, switched_off=False)
