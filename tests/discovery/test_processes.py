"""Who counts as a gateway, and how one is ended: real processes that look like those of OpenClaw."""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from tests.discovery.machine import Machine, identity_of, lock_of, wait_for
from upgrader.adapters.processes.tcp_ports import free_port, is_free, listeners_on
from upgrader.domain.installation.census import Role
from upgrader.domain.installation.facts import ProcessIdentity
from upgrader.domain.installation.identity import refuse_obstacles
from upgrader.errors import Blocked

SHORT = timedelta(seconds=5)


def can_unshare() -> bool:
    """Whether this user may make a mount namespace."""
    argv = ("unshare", "--user", "--map-root-user", "--mount", "true")
    return bool(shutil.which("unshare")) and subprocess.run(argv, capture_output=True, check=False).returncode == 0


def _lock(state: Path) -> tuple[str, ...]:
    return ("--lock", str(lock_of(state)), "--state", str(state))


def test_a_gateway_is_known_by_the_lock_it_holds_before_it_listens(machine: Machine) -> None:
    package, state = machine.install(), machine.make_state()
    with machine.gateway(package, *_lock(state)) as identity:
        (found,) = machine.table().gateways_on(state)
    assert (found.identity, found.package_root, found.ports) == (identity, package, ())
    assert found.uid == os.geteuid()


def test_a_gateway_is_known_by_its_port_where_it_holds_no_lock(machine: Machine) -> None:
    package, state = machine.install(), machine.make_state()
    port = free_port()
    with machine.gateway(package, "--port", str(port)):
        (found,) = machine.table().gateways_on(state)
    assert found.ports == (port,)


def test_a_command_of_openclaw_is_no_gateway_but_is_told(machine: Machine) -> None:
    package, state = machine.install(), machine.make_state()
    with machine.openclaw(package, "gateway", "status") as identity:
        census = machine.table().census(state)
    assert census.gateways == ()
    assert [(each.identity, each.role) for each in census.holders] == [(identity, Role.OPENCLAW)]


@pytest.mark.parametrize("words", [("gateway",), ("gateway", "run"), ("--profile", "work", "gateway")])
def test_a_gateway_that_only_begins_is_one_already(machine: Machine, words: tuple[str, ...]) -> None:
    package, state = machine.install(), machine.make_state()
    with machine.openclaw(package, *words) as identity:
        (found,) = machine.table().gateways_on(state)
    assert (found.identity, found.ports) == (identity, ())


def test_one_that_waits_for_the_gateway_it_started_is_no_second_one(machine: Machine) -> None:
    """2026.2.17 starts itself again with other flags for Node and waits."""
    package, state = machine.install("2026.2.17"), machine.make_state()
    code = "import subprocess, sys; subprocess.run([sys.executable, '-S', *sys.argv[2:]])"
    waiting = [sys.executable, "-S", "-c", code, str(package / "openclaw.mjs"), str(package / "openclaw.mjs"), "gateway", "run"]
    with machine.process([*waiting, *_lock(state)]) as identity:
        census = machine.table().census(state)
        assert [psutil.Process(each.identity.pid).ppid() for each in census.gateways] == [identity.pid]
    assert [each.identity for each in census.holders] == [identity]


def test_a_title_alone_makes_no_gateway(machine: Machine) -> None:
    state = machine.make_state()
    code = "import signal, sys; open(sys.argv[2], 'w').close(); signal.pause()"
    with machine.process(["openclaw-gateway", "-S", "-c", code], executable=sys.executable):
        census = machine.table().census(state)
    assert census.gateways == ()
    assert [each.role for each in census.holders] == [Role.OPENCLAW]


def test_a_title_hides_no_gateway(machine: Machine) -> None:
    """The command line of a real one is `openclaw-gateway` and blanks; its lock and environment tell."""
    state = machine.make_state()
    code = "import signal, sys; f = open(sys.argv[1], 'a'); open(sys.argv[3], 'w').close(); signal.pause()"
    argv = ["openclaw-gateway      ", "-S", "-c", code, str(lock_of(state))]
    with machine.process(argv, executable=sys.executable) as identity:
        (found,) = machine.table().gateways_on(state)
    assert (found.identity, found.package_root) == (identity, None)


def test_children_that_inherit_the_lock_are_no_gateways(machine: Machine) -> None:
    package, state = machine.install(), machine.make_state()
    with machine.gateway(package, *_lock(state), "--broker") as identity:
        wait_for(lambda: len(psutil.Process(identity.pid).children()) == 1)
        broker = psutil.Process(identity.pid).children()[0]
        wait_for(lambda: "worker.js" in " ".join(broker.cmdline()))
        census = machine.table().census(state)
    assert [each.identity for each in census.gateways] == [identity]
    assert [each.identity.pid for each in census.holders] == [broker.pid]


def test_a_child_that_outlived_its_gateway_is_no_gateway(machine: Machine) -> None:
    package, state = machine.install(), machine.make_state()
    with machine.gateway(package, *_lock(state), "--broker") as identity:
        wait_for(lambda: len(psutil.Process(identity.pid).children()) == 1)
        broker = psutil.Process(identity.pid).children()[0]
        wait_for(lambda: "worker.js" in " ".join(broker.cmdline()))
        os.kill(identity.pid, signal.SIGKILL)
        wait_for(lambda: not machine.table().is_alive(identity))
        census = machine.table().census(state)
    assert census.gateways == ()
    assert [each.identity.pid for each in census.holders] == [broker.pid]


def test_a_gateway_on_another_state_is_not_ours(machine: Machine) -> None:
    package, state, other = machine.install(), machine.make_state(), machine.make_state(name="other")
    with machine.gateway(package, *_lock(other), OPENCLAW_STATE_DIR=str(other)):
        assert machine.table().gateways_on(state) == ()
        assert len(machine.table().gateways_on(other)) == 1


def test_the_lock_is_believed_before_the_environment(machine: Machine) -> None:
    """`openclaw --profile work gateway run` leaves no trace in the environment the process was started with."""
    package, state, work = machine.install(), machine.make_state(), machine.make_state(name=".openclaw-work")
    with machine.gateway(package, *_lock(work)):
        assert machine.table().gateways_on(state) == ()
        assert len(machine.table().gateways_on(work)) == 1


def test_the_configuration_in_an_old_lock_tells_the_state(machine: Machine) -> None:
    package, state, work = machine.install("2026.2.17"), machine.make_state(), machine.make_state(name=".openclaw-work")
    folder = machine.root / "tmp" / "openclaw-0"
    folder.mkdir(parents=True)
    words = ("--lock", str(folder / "gateway.38fa6d42.lock"), "--config-path", str(work / "openclaw.json"))
    with machine.gateway(package, *words):
        assert machine.table().gateways_on(state) == ()
        assert len(machine.table().gateways_on(work)) == 1


def test_a_linked_state_is_the_same_state(machine: Machine) -> None:
    package, state = machine.install(), machine.make_state(name="real")
    machine.state.symlink_to(state)
    with machine.gateway(package, "--port", str(free_port())):
        assert len(machine.table().gateways_on(state)) == 1
        assert len(machine.table().gateways_on(machine.state)) == 1


def test_a_stranger_with_a_file_of_the_state_open_is_told_as_a_holder(machine: Machine) -> None:
    state = machine.make_state()
    code = "import signal, sys; f = open(sys.argv[1], 'a'); open(sys.argv[3], 'w').close(); signal.pause()"
    with machine.process([sys.executable, "-S", "-c", code, str(state / "notes.txt")]) as identity:
        census = machine.table().census(state)
    assert census.gateways == ()
    assert [(each.identity, each.role, each.writes) for each in census.holders] == [(identity, Role.STRANGER, True)]


def test_looking_at_the_processes_drops_no_lock_on_a_database(machine: Machine) -> None:
    """POSIX locks go when any descriptor of the file is closed in the process: the census opens none of them."""
    state = machine.make_state()
    (state / "state").mkdir()
    database = state / "state" / "openclaw.sqlite"
    holder = sqlite3.connect(database, isolation_level=None)
    holder.execute("CREATE TABLE t(x)")
    holder.execute("BEGIN EXCLUSIVE")
    machine.table().census(state)
    code = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN EXCLUSIVE')"
    assert subprocess.run([sys.executable, "-S", "-c", code, str(database)], capture_output=True, check=False).returncode == 1
    holder.close()


def test_two_gateways_on_one_state_are_reported_and_forbid_a_move(machine: Machine) -> None:
    package, state = machine.install(), machine.make_state()
    one, two = free_port(), free_port()
    with (
        machine.gateway(package, *_lock(state), "--port", str(one)) as first,
        machine.gateway(package, "--port", str(two), OPENCLAW_ALLOW_MULTI_GATEWAY="1") as second,
    ):
        found = machine.find()
    assert {each.identity for each in found.gateways} == {first, second}
    with pytest.raises(Blocked) as caught:
        refuse_obstacles(found.obstacles)
    assert caught.value.code == "several_gateways"
    assert str(first.pid) in caught.value.why


def test_a_gateway_ends_on_term(machine: Machine) -> None:
    package, state = machine.install(), machine.make_state()
    with machine.gateway(package, *_lock(state)) as identity:
        machine.table().end(identity, SHORT)
        assert not machine.table().is_alive(identity)
        machine.table().end(identity, SHORT)  # one that is gone is fine


def test_a_deaf_gateway_is_killed_after_its_time(machine: Machine) -> None:
    package, state = machine.install(), machine.make_state()
    with machine.gateway(package, *_lock(state), "--deaf") as identity:
        machine.table().end(identity, timedelta(milliseconds=200))
        assert not machine.table().is_alive(identity)


def test_a_process_that_started_at_another_time_is_never_signalled(machine: Machine) -> None:
    package, state = machine.install(), machine.make_state()
    with machine.gateway(package, *_lock(state)) as identity:
        machine.table().end(ProcessIdentity(identity.pid, identity.started - 60), SHORT)
        assert machine.table().is_alive(identity)


def test_the_environment_of_a_process_is_given_to_nobody_who_names_another_start(machine: Machine) -> None:
    package, state = machine.install(), machine.make_state()
    with machine.gateway(package, *_lock(state), MARK="here") as identity:
        assert machine.table().environment_of(identity)["MARK"] == "here"
        assert machine.table().environment_of(ProcessIdentity(identity.pid, identity.started - 60)) == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, which only root can")
def test_a_gateway_of_another_user_is_counted_as_hidden_and_suspected(machine: Machine) -> None:
    package, state = machine.install(), machine.make_state()
    with machine.gateway(package, *_lock(state)) as identity, tempfile.TemporaryDirectory() as folder:
        answer = as_nobody(lambda: _told(machine, Path(folder)))
    unreadable, suspects = answer.split(";")
    assert int(unreadable) > 0
    assert str(identity.pid) in suspects.split(",")


def test_who_listens_on_a_port_is_told(machine: Machine) -> None:
    package, state = machine.install(), machine.make_state()
    port = free_port(beside=(2,))
    assert is_free(port)
    with machine.gateway(package, *_lock(state), "--port", str(port)) as identity:
        assert [(each.port, each.identity) for each in listeners_on(port)] == [(port, identity)]
        assert not is_free(port)
    assert listeners_on(port) == ()


def test_a_free_port_comes_with_those_derived_from_it_and_keeps_off_anothers() -> None:
    derived = (2, *range(11, 111))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        held = taken.getsockname()[1]
        port = free_port(derived)
        assert held not in {port + distance for distance in (0, *derived)}
    # Every port there is but for the families of a few: the port that is found is of none of these.
    others = tuple(range(1024, 65536, 400))
    theirs = {other + distance for other in others for distance in (0, *derived)}
    found = free_port(derived, apart_from=others)
    assert not theirs & {found + distance for distance in (0, *derived)}


def test_a_process_of_its_own_is_no_holder(machine: Machine) -> None:
    state = machine.make_state()
    with (state / "log").open("a"):
        assert machine.table().census(state).holders == ()
    assert machine.table().is_alive(identity_of(os.getpid()))


def _told(machine: Machine, folder: Path) -> str:
    census = machine.table().census(folder)
    return f"{census.unreadable};{','.join(str(each.pid) for each in census.suspects)}"


def as_nobody(act: Callable[[], str]) -> str:
    """What `act` returns in a child that is another user."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            os.write(writing, act().encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read().decode()
    os.waitpid(pid, 0)
    return answer


def test_another_gateway_on_the_same_package_forbids_a_move(machine: Machine) -> None:
    package, state, other = machine.install(), machine.make_state(), machine.make_state(name="other")
    with machine.gateway(package, *_lock(other), OPENCLAW_STATE_DIR=str(other)) as identity:
        found = machine.find()
    assert (found.gateways, [each.code for each in found.obstacles]) == ((), ["shared_package"])
    assert str(identity.pid) in found.obstacles[0].why
    assert str(state) not in found.obstacles[0].why


def test_a_tree_that_two_links_share_stays_where_it_is(machine: Machine) -> None:
    tree, other = machine.package_at(machine.root / "shared" / "openclaw", "2026.9.5"), machine.make_state(name="other")
    modules = machine.root / "prefix" / "lib" / "node_modules"
    modules.mkdir(parents=True)
    (modules / "openclaw").symlink_to(tree)
    machine.make_state()
    with machine.gateway(tree, *_lock(other), OPENCLAW_STATE_DIR=str(other)):
        assert machine.find(prefix=str(machine.root / "prefix")).obstacles == ()


def test_another_gateway_on_its_own_package_is_nobodys_business(machine: Machine) -> None:
    machine.install(prefix="one")
    own, other = machine.install("2026.9.6", "two", on_path="no"), machine.make_state(name="other")
    machine.make_state()
    with machine.gateway(own, *_lock(other), OPENCLAW_STATE_DIR=str(other)):
        assert machine.find(prefix=str(machine.root / "one")).obstacles == ()


def test_a_prefix_that_is_not_the_running_one_is_an_obstacle(machine: Machine) -> None:
    running, state = machine.install(prefix="one"), machine.make_state()
    machine.install("2026.9.6", "two")
    with machine.gateway(running, *_lock(state)):
        found = machine.find(prefix=str(machine.root / "two"))
    assert [each.code for each in found.obstacles] == ["other_tree"]


def test_a_retained_install_that_is_started_directly_has_no_place_to_switch(machine: Machine) -> None:
    machine.slots = machine.root / "slots"
    package, state = machine.package_at(machine.slots / "a" / "node_modules" / "openclaw", "2026.9.6"), machine.make_state()
    with machine.gateway(package, *_lock(state)):
        found = machine.find()
    assert [each.code for each in found.obstacles] == ["no_pointer"]


@pytest.mark.skipif(not can_unshare(), reason="this machine gives no mount namespaces")
def test_a_gateway_in_a_container_on_our_state_is_seen_as_one(machine: Machine) -> None:
    package, state = machine.install(), machine.make_state()
    with machine.process(_unshared("exec", package, *_lock(state))):
        found = machine.find()
    assert [(each.contained, each.package_root) for each in found.gateways] == [(True, None)]
    assert [each.code for each in found.obstacles] == ["in_container"]


@pytest.mark.skipif(not can_unshare(), reason="this machine gives no mount namespaces")
def test_a_clone_that_lies_at_our_paths_in_a_namespace_of_its_own_is_not_our_state(machine: Machine) -> None:
    """A sealed canary runs like that: same environment, same paths, other files."""
    package, state, clone = machine.install(), machine.make_state(), machine.make_state(name="clone")
    lock_of(clone)
    script = f"mount --bind {clone} {state} && exec"
    with machine.process(_unshared(script, package, *_lock(state), "--open", str(state / "openclaw.json"))) as identity:
        census = machine.table().census(state)
    assert (census.gateways, census.holders) == ((), ())
    assert identity in [each.identity for each in census.siblings]


def _unshared(script: str, package: Path, *words: str) -> list[str]:
    run = [sys.executable, "-S", str(package / "openclaw.mjs"), "gateway", "run", *words]
    return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", f'{script} "$@"', "sh", *run]
