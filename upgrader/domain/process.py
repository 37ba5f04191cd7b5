"""What can go wrong with a child process, for all who run one."""

from upgrader.errors import UpgraderError


class CommandMissing(UpgraderError):
    """The program is not there or may not be run."""

    default_code = "command_missing"
    default_hint = "`upgrader status` shows which Node and package are used"


class CommandTimedOut(UpgraderError):
    """The child did not end in time and was ended with its whole group."""

    default_code = "command_timed_out"
    default_hint = "run the command again when the machine has less to do"


class StopFailed(UpgraderError):
    """A process that had to end is still there."""

    default_code = "stop_failed"


class StartFailed(UpgraderError):
    """A gateway that had to start did not, or not as the one intended."""

    default_code = "start_failed"


class InstallFailed(UpgraderError):
    """The release could not write its service definition."""

    default_code = "service_install_failed"
