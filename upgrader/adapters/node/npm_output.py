"""What npm wrote when it failed: its cause by npm's own code."""

import re
from dataclasses import dataclass

from upgrader.domain.kept.slot import IntegrityMismatch, StageFailed
from upgrader.domain.ports import Ran
from upgrader.domain.said import last_lines
from upgrader.errors import UpgraderError

_CODE = re.compile(rb"^npm (?:error|ERR!) code (\S+)", re.MULTILINE)


@dataclass(frozen=True)
class _Cause:
    """One meaning of npm's error codes; `codes` are separated by blanks."""

    code: str
    what: str
    hint: str
    codes: str


_CAUSES = (
    _Cause("stage_no_space", "the disk is full", "free some space, then the same command again", "ENOSPC EDQUOT"),
    _Cause(
        "stage_no_permission",
        "npm may not write there",
        "check who owns the data directory and npm's cache",
        "EACCES EPERM EROFS",
    ),
    _Cause(
        "stage_registry_down",
        "the registry does not answer",
        "`npm ping` shows how npm reaches it",
        "ENOTFOUND ECONNREFUSED ECONNRESET ETIMEDOUT EAI_AGAIN ENETUNREACH EHOSTUNREACH ERR_SOCKET_TIMEOUT E500 E502 E503 E504",
    ),
    _Cause(
        "stage_registry_certificate",
        "the registry's certificate is not trusted",
        "set NODE_EXTRA_CA_CERTS, or `cafile` in .npmrc",
        "SELF_SIGNED_CERT_IN_CHAIN DEPTH_ZERO_SELF_SIGNED_CERT UNABLE_TO_GET_ISSUER_CERT_LOCALLY "
        "UNABLE_TO_VERIFY_LEAF_SIGNATURE CERT_UNTRUSTED CERT_HAS_EXPIRED",
    ),
    _Cause(
        "stage_registry_denied", "the registry refuses access", "`npm whoami` shows as whom npm asks", "E401 E403 ENEEDAUTH"
    ),
    _Cause(
        "stage_not_published", "the registry does not have it", "`upgrader plan` lists what it has", "E404 ETARGET ENOVERSIONS"
    ),
)


def failure(verb: str, ran: Ran) -> UpgraderError:
    """What npm's exit means: IntegrityMismatch or StageFailed, with npm's own last lines as the reason."""
    output = ran.stderr + b"\n" + ran.stdout
    found = _CODE.findall(output)
    name = found[-1].decode(errors="replace") if found else ""
    said = last_lines(output) or f"it ended with exit code {ran.exit_code} and said nothing"
    if name == "EINTEGRITY":
        return IntegrityMismatch("a downloaded package is not what the registry announced", why=said)
    for cause in _CAUSES:
        if name in cause.codes.split():
            return StageFailed(f"npm {verb} failed: {cause.what}", why=said, hint=cause.hint, code=cause.code)
    return StageFailed(f"npm {verb} failed", why=said, hint="`npm config ls` shows the settings npm uses")
