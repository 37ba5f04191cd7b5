"""What can go wrong when two names of a file system are exchanged in one step."""

from upgrader.errors import UpgraderError


class ExchangeFailed(UpgraderError):
    """The two names were not exchanged; both are as they were. `code` names the cause."""

    default_code = "exchange_failed"


class ExchangeUnsupported(ExchangeFailed):
    """This kernel or file system cannot exchange two names in one step."""

    default_code = "exchange_unsupported"
