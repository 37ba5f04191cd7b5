"""Where OpenClaw keeps things, by its own rules. Expected values were read from the code of 2026.2.17 and 2026.9.6."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upgrader.domain.installation.selection import Location, Selection
from upgrader.domain.version import Version
from upgrader.errors import UsageError
from upgrader.services.openclaw.places.locations import default_port, home_of, locate, parse_port, port_of

HOME = Path("/home/ann")
OLD, NEW = Version("2026.3.13"), Version("2026.9.6")


def at(environment: dict[str, str], *present: str, version: Version | None = NEW, **options: str) -> Location:
    """The location, where only the `present` paths exist."""
    selection = Selection(
        **options,  # type: ignore[arg-type]
        environment={"HOME": str(HOME), **environment},
        account_home=HOME,
        directory=Path("/work dir"),
    )
    return locate(selection, lambda path: str(path) in present, version)


def test_without_any_setting_it_is_the_dot_directory_of_the_home() -> None:
    found = at({})
    assert (found.home, found.state, found.config) == (HOME, HOME / ".openclaw", HOME / ".openclaw/openclaw.json")
    assert (found.profile, found.port) == ("", None)


@pytest.mark.parametrize(
    ("environment", "home"),
    [
        ({"OPENCLAW_HOME": "/srv/claw"}, "/srv/claw"),
        ({"OPENCLAW_HOME": "~/claw"}, "/home/ann/claw"),
        ({"OPENCLAW_HOME": "undefined"}, "/home/ann"),
        ({"OPENCLAW_HOME": "  "}, "/home/ann"),
        ({"HOME": "null", "USERPROFILE": "/u"}, "/u"),
        ({"HOME": ""}, "/home/ann"),
        ({"OPENCLAW_HOME": "rel"}, "/work dir/rel"),
    ],
)
def test_the_home_is_the_first_that_is_really_set(environment: dict[str, str], home: str) -> None:
    found = home_of({"HOME": str(HOME), **environment}, HOME, Path("/work dir"))
    assert found == Path(home)


def test_a_state_directory_may_be_named_with_a_tilde_of_openclaws_own_home() -> None:
    found = at({"OPENCLAW_HOME": "/srv", "OPENCLAW_STATE_DIR": " ~/s "})
    assert (found.state, found.config) == (Path("/srv/s"), Path("/srv/s/openclaw.json"))


def test_a_state_directory_that_is_named_is_not_left_for_an_old_one() -> None:
    found = at({"OPENCLAW_STATE_DIR": "/s"}, "/home/ann/.clawdbot/clawdbot.json")
    assert found.config == Path("/s/openclaw.json")


@pytest.mark.parametrize(
    ("present", "version", "state"),
    [
        ((".openclaw", ".clawdbot"), NEW, ".openclaw"),
        ((".clawdbot",), NEW, ".clawdbot"),
        ((".moltbot",), NEW, ".openclaw"),
        ((".moltbot",), OLD, ".moltbot"),
        ((".moldbot", ".moltbot"), OLD, ".moldbot"),
        ((".moltbot",), None, ".moltbot"),
    ],
)
def test_old_directories_count_as_the_release_counts_them(
    present: tuple[str, ...], version: Version | None, state: str
) -> None:
    assert at({}, *(f"{HOME}/{each}" for each in present), version=version).state == HOME / state


@pytest.mark.parametrize(("version", "state"), [(OLD, "/old"), (NEW, "/home/ann/.openclaw")])
def test_old_names_of_variables_ended_with_the_renaming(version: Version, state: str) -> None:
    assert at({"CLAWDBOT_STATE_DIR": "/old"}, version=version).state == Path(state)


def test_a_new_name_wins_over_the_old_one() -> None:
    assert at({"CLAWDBOT_STATE_DIR": "/old", "OPENCLAW_STATE_DIR": "/new"}, version=OLD).state == Path("/new")


def test_a_configuration_elsewhere_moves_no_state() -> None:
    found = at({"OPENCLAW_CONFIG_PATH": "/etc/claw.json"})
    assert (found.state, found.config) == (HOME / ".openclaw", Path("/etc/claw.json"))


def test_options_win_over_the_environment() -> None:
    found = at({"OPENCLAW_STATE_DIR": "/env", "OPENCLAW_CONFIG_PATH": "/env/c.json"}, state_dir="/opt", config="/opt/c.json")
    assert (found.state, found.config) == (Path("/opt"), Path("/opt/c.json"))


def test_a_state_option_takes_no_configuration_from_the_environment() -> None:
    found = at({"OPENCLAW_CONFIG_PATH": "/other/openclaw.json"}, state_dir="/opt")
    assert found.config == Path("/opt/openclaw.json")


def test_a_profile_has_its_own_directory_and_the_dev_profile_its_own_port() -> None:
    work, dev = at({}, profile="work"), at({}, profile="dev")
    assert (work.state, work.config, work.port) == (HOME / ".openclaw-work", HOME / ".openclaw-work/openclaw.json", None)
    assert (dev.state, dev.port) == (HOME / ".openclaw-dev", 19001)


def test_a_state_that_was_exported_survives_a_profile_unless_it_is_the_inherited_profiles_own() -> None:
    assert at({"OPENCLAW_STATE_DIR": "/s"}, profile="work").state == Path("/s")
    own = {
        "OPENCLAW_PROFILE": "a",
        "OPENCLAW_STATE_DIR": "~/.openclaw-a",
        "OPENCLAW_CONFIG_PATH": "~/.openclaw-a/openclaw.json",
    }
    found = at(own, profile="b")
    assert (found.state, found.config) == (HOME / ".openclaw-b", HOME / ".openclaw-b/openclaw.json")


def test_a_profile_in_the_environment_alone_names_and_moves_nothing() -> None:
    found = at({"OPENCLAW_PROFILE": "work"})
    assert (found.profile, found.state) == ("work", HOME / ".openclaw")


@pytest.mark.parametrize("name", ["default", "Default", "DEFAULT"])
def test_the_default_profile_is_none(name: str) -> None:
    found = at({}, profile=name)
    assert (found.profile, found.state) == ("", HOME / ".openclaw")


@pytest.mark.parametrize("name", ["a b", "-a", "a/b", "..", "a" * 65, "ä"])
def test_a_name_that_cannot_be_a_profile_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        at({}, profile=name)


@pytest.mark.parametrize(
    ("text", "port"),
    [
        *[("18789", 18789), (" 1 ", 1), ("127.0.0.1:8080", 8080), ("[::1]:8080", 8080)],
        *((text, None) for text in ("0", "65536", "x", "::1:80", "-1", "1e3", "٣", "")),
    ],
)
def test_a_port_in_the_environment_is_read_as_openclaw_reads_it(text: str, port: int | None) -> None:
    assert parse_port(text) == port


def test_the_word_on_the_command_line_wins_over_the_environment() -> None:
    environment = {"OPENCLAW_GATEWAY_PORT": "1"}
    assert port_of(("node", "x", "gateway", "--port", "2"), environment) == 2
    assert port_of(("node", "x", "gateway", "--port=3"), environment) == 3
    assert port_of(("node", "x", "gateway", "--port"), environment) == 1
    assert port_of((), {}) is None


@pytest.mark.parametrize(
    ("profile", "version", "port"),
    [("", "2026.9.6", 18789), ("work", "2026.9.6", 41984), ("work", "2026.9.5", 41984), ("work", "2026.2.17", 18789)],
)
def test_the_port_where_nothing_sets_one(profile: str, version: str, port: int) -> None:
    assert default_port(profile, Version(version)) == port


@given(
    st.dictionaries(
        st.sampled_from(["HOME", "OPENCLAW_HOME", "OPENCLAW_STATE_DIR", "OPENCLAW_CONFIG_PATH"]), st.text(max_size=12)
    )
)
def test_whatever_the_environment_holds_the_places_are_absolute_and_plain(environment: dict[str, str]) -> None:
    found = at(environment)
    for path in (found.home, found.state, found.config):
        assert path.is_absolute()
        assert ".." not in path.parts


@given(st.text(max_size=20))
def test_a_port_is_a_port_or_nothing(text: str) -> None:
    port = parse_port(text)
    assert port is None or 0 < port <= 65535
