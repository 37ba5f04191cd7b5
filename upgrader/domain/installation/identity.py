"""Who runs this: whether it may look at this state at all, and whether it may change it. Pure."""

from dataclasses import dataclass
from pathlib import Path

from upgrader.domain.installation.facts import GatewayProcess, Obstacle
from upgrader.errors import Blocked, UpgraderError


@dataclass(frozen=True)
class Account:
    """Facts of the caller and of the state it is about.

    `uid` is effective, `real_uid` who called sudo (None where it was not used), `owner_uid` who owns the state directory
    (None where there is none), `names` maps uids to account names where known. `other_state` is a state directory in the home
    of `real_uid` that may have been meant. `unwritable` are the directories that would have to be written and cannot,
    `unwritable_package` the same for the folder the package is started from. `ancestors` are the pids above this process,
    `unit` the service it runs in.
    """

    uid: int
    home: Path
    real_uid: int | None = None
    owner_uid: int | None = None
    names: tuple[tuple[int, str], ...] = ()
    other_state: Path | None = None
    unwritable: tuple[Path, ...] = ()
    unwritable_package: tuple[Path, ...] = ()
    ancestors: tuple[int, ...] = ()
    unit: str = ""

    def name_of(self, uid: int) -> str:
        """The account's name, its number where it has none."""
        return dict(self.names).get(uid, f"uid {uid}")


class WrongUser(UpgraderError):
    """This user is not the one the installation belongs to; nothing was looked at."""

    default_code = "wrong_user"


def refuse_wrong_user(account: Account, state: Path) -> None:
    """Only the owner of a state works on it: root would leave files behind that OpenClaw cannot open. Raises WrongUser."""
    called_by_sudo = account.real_uid not in (None, account.uid)
    if called_by_sudo and account.other_state is not None and account.other_state != state:
        raise WrongUser(
            f"sudo changed the home to {account.home}, and this would work on {state}",
            why=f"{account.name_of(account.real_uid or 0)} has an OpenClaw of their own in {account.other_state}",
            hint=f"run `upgrader` without sudo, or name the state: `--state-dir {state}`",
            code="sudo_home",
        )
    if account.owner_uid is None or account.owner_uid == account.uid:
        return
    owner = account.name_of(account.owner_uid)
    raise WrongUser(
        f"{state} belongs to {owner}, and this runs as {account.name_of(account.uid)}",
        why="files written for another user would lock OpenClaw out of its own state",
        hint="run `upgrader` without sudo" if account.real_uid == account.owner_uid else _as_owner(account, owner),
    )


def _as_owner(account: Account, owner: str) -> str:
    """How to run it as somebody else; who has no name cannot be named to sudo either."""
    named = account.owner_uid in dict(account.names)
    return f"run `upgrader` as {owner}" + (f": `sudo -iu {owner} upgrader …`" if named else "")


def obstacles_of(account: Account, gateways: tuple[GatewayProcess, ...]) -> tuple[Obstacle, ...]:
    """What in the caller's own position forbids to stop and switch this installation."""
    found = [
        Obstacle(
            "not_writable",
            f"{place} cannot be written",
            "the move needs to write there",
            "make it writable for this user, or run `upgrader` as the user that owns it",
        )
        for place in account.unwritable
    ]
    for gateway in gateways:
        inside = gateway.identity.pid in account.ancestors
        same_unit = bool(gateway.unit) and gateway.unit.endswith(".service") and gateway.unit == account.unit
        if inside or same_unit:
            found.append(
                Obstacle(
                    "inside_gateway",
                    "this runs inside the gateway it would have to stop",
                    f"process {gateway.identity.pid} is the gateway"
                    + (f", in {gateway.unit}" if same_unit else ", and our parent"),
                    "run `upgrader` from a terminal of its own",
                )
            )
    return tuple(found)


def refuse_obstacles(obstacles: tuple[Obstacle, ...]) -> None:
    """Nothing is moved while one stands. Raises Blocked with the code of the first; the others are named."""
    if not obstacles:
        return
    first, rest = obstacles[0], obstacles[1:]
    why = "; ".join((first.why, *(each.message for each in rest)))
    raise Blocked(first.message, why=why, hint=first.hint, code=first.code)
