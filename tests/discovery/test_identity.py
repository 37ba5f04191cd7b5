"""Who runs it: clear words, nothing done to the wrong state."""

import os
import tempfile
from pathlib import Path

import pytest

from tests.discovery.machine import Machine, lock_of
from tests.discovery.test_processes import as_nobody
from upgrader.adapters.processes.account import SystemAccounts
from upgrader.domain.installation.census import Census
from upgrader.domain.installation.facts import GatewayProcess, Obstacle, ProcessIdentity
from upgrader.domain.installation.identity import Account, WrongUser, obstacles_of, refuse_obstacles, refuse_wrong_user
from upgrader.domain.installation.selection import Location, Selection
from upgrader.domain.installation.surroundings import obstacles_around
from upgrader.errors import Blocked

STATE = Path("/home/ann/.openclaw")
NAMES = ((0, "root"), (1000, "ann"), (1001, "bob"))


def account(uid: int, owner: int | None, real: int | None = None, other: Path | None = None) -> Account:
    """A caller."""
    return Account(uid, Path("/root") if uid == 0 else Path("/home/ann"), real, owner, NAMES, other)


@pytest.mark.parametrize("uid", [0, 1000])
def test_the_owner_of_the_state_may(uid: int) -> None:
    refuse_wrong_user(account(uid, uid), STATE)


def test_somebody_else_may_not(machine: Machine) -> None:
    with pytest.raises(WrongUser) as caught:
        refuse_wrong_user(account(1001, 1000), STATE)
    assert "belongs to ann" in caught.value.message
    assert caught.value.hint == "run `upgrader` as ann: `sudo -iu ann upgrader …`"
    assert (caught.value.code, caught.value.exit_code) == ("wrong_user", 1)


def test_root_with_the_home_of_another_is_refused() -> None:
    with pytest.raises(WrongUser) as caught:
        refuse_wrong_user(account(0, 1000, real=1000), STATE)
    assert "without sudo" in caught.value.hint
    with pytest.raises(WrongUser) as caught:
        refuse_wrong_user(account(0, 1000, real=1001), STATE)
    assert "without sudo" not in caught.value.hint and "sudo -iu ann" in caught.value.hint, "bob would not be let in either"


def test_sudo_that_changed_home_is_refused_when_the_caller_has_a_state_of_their_own() -> None:
    for owner in (0, None):
        with pytest.raises(WrongUser) as caught:
            refuse_wrong_user(account(0, owner, real=1000, other=STATE), Path("/root/.openclaw"))
        assert caught.value.code == "sudo_home"
        assert str(STATE) in caught.value.why


def test_sudo_to_an_account_that_owns_the_state_is_that_account() -> None:
    refuse_wrong_user(account(1000, 1000, real=1001), STATE)


def test_a_state_of_another_uid_is_refused_before_anything_is_looked_at(machine: Machine) -> None:
    machine.install()
    machine.make_state("{ not json")
    selection = machine.selection()
    stranger = Selection(environment=selection.environment, uid=selection.uid + 1, account_home=machine.home)
    with pytest.raises(WrongUser):
        machine.discover().find(stranger)


def test_a_run_from_inside_the_gateway_is_an_obstacle(machine: Machine) -> None:
    gateway = GatewayProcess(ProcessIdentity(4242, 1.0), 1000, None, None, STATE, unit="openclaw-gateway.service")
    below = Account(1000, Path("/home/ann"), ancestors=(77, 4242, 1))
    beside = Account(1000, Path("/home/ann"), ancestors=(77, 1), unit="openclaw-gateway.service")
    elsewhere = Account(1000, Path("/home/ann"), ancestors=(77, 1), unit="session-2.scope")
    assert [each.code for each in obstacles_of(below, (gateway,))] == ["inside_gateway"]
    assert [each.code for each in obstacles_of(beside, (gateway,))] == ["inside_gateway"]
    assert obstacles_of(elsewhere, (gateway,)) == ()


def test_a_tool_of_the_gateway_sees_that_it_runs_inside_it(machine: Machine) -> None:
    """The pids above this process are those of the real parents."""
    package, state = machine.install(), machine.make_state()
    location = Location(machine.home, "", state, state / "openclaw.json")
    facts = SystemAccounts(".openclaw").judge_facts(machine.selection(), location)
    assert facts.ancestors[0] == os.getppid()
    with machine.gateway(package, "--lock", str(lock_of(state)), "--state", str(state)):
        assert machine.find().obstacles == ()


def test_obstacles_stop_a_move_with_the_code_of_the_first_and_name_the_rest() -> None:
    refuse_obstacles(())
    with pytest.raises(Blocked) as caught:
        refuse_obstacles((Obstacle("one", "first", "because", "`do`"), Obstacle("two", "second")))
    assert (caught.value.code, caught.value.exit_code, caught.value.hint) == ("one", 3, "`do`")
    assert caught.value.why == "because; second"


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, which only root can")
def test_a_home_that_cannot_be_written_is_an_obstacle() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        home.chmod(0o755)
        (home / ".openclaw").mkdir(mode=0o755)
        location = Location(home, "", home / ".openclaw", home / ".openclaw" / "openclaw.json")
        selection = Selection(environment={"HOME": folder}, uid=65534, account_home=home)
        told = as_nobody(lambda: ",".join(map(str, SystemAccounts(".openclaw").judge_facts(selection, location).unwritable)))
        assert told == f"{home}/.openclaw,{home}"
        assert [each.code for each in obstacles_of(Account(1, home, unwritable=(home,)), ())] == ["not_writable"]


def test_a_prefix_that_cannot_be_written_is_an_obstacle_and_sudo_is_not_the_advice(machine: Machine) -> None:
    place = machine.install()
    package = machine.discover().installs.at(
        place, machine.selection(), Location(machine.home, "", machine.state, machine.state)
    )
    assert package is not None
    stuck = Account(1000, machine.home, unwritable_package=(place.parent,))
    (obstacle,) = obstacles_around(stuck, package, Census())
    assert obstacle.code == "prefix_not_writable"
    assert "sudo" not in obstacle.hint
    assert obstacles_around(Account(1000, machine.home), package, Census()) == ()


@pytest.mark.parametrize(("home", "codes"), [("/root", ["hidden_openclaw"]), ("", [])])
def test_a_hidden_openclaw_matters_only_where_the_package_is_shared(machine: Machine, home: str, codes: list[str]) -> None:
    place = machine.install(prefix="home/.npm-global")
    package = machine.discover().installs.at(
        place, machine.selection(), Location(machine.home, "", machine.state, machine.state)
    )
    assert package is not None
    account = Account(1000, Path(home) if home else machine.home)
    census = Census(suspects=(ProcessIdentity(7, 1.0),), unreadable=3)
    assert [each.code for each in obstacles_around(account, package, census)] == codes


def test_the_state_in_the_home_of_the_one_who_called_sudo_is_seen(machine: Machine) -> None:
    location = Location(machine.home, "", machine.state, machine.state / "openclaw.json")
    selection = Selection(
        environment=machine.environment, uid=os.geteuid(), real_uid=os.geteuid() + 4242, account_home=machine.home
    )
    facts = SystemAccounts(".openclaw").judge_facts(selection, location)
    assert (facts.owner_uid, facts.other_state) == (None, None)
