"""openclaw.json as OpenClaw reads it. The merge, the order of variables and the escapes were compared with
`openclaw config get … --json` of 2026.9.6 on the same files."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.discovery.machine import Machine
from upgrader.domain.installation.configuration import ConfigInvalid, Configuration, IncludeAccess
from upgrader.domain.installation.selection import Location
from upgrader.services.openclaw.configuration.config import read_configuration
from upgrader.services.openclaw.configuration.config_text import merged, parse_dotenv, with_includes, with_variables

TREE = Path("/etc/openclaw/openclaw.json")


def read(
    text: str, files: dict[str, str] | None = None, dotenv: str = "", roots: tuple[str, ...] = (), **environment: str
) -> Configuration:
    """The configuration of a home /h, with included files given as text by absolute path."""
    location = Location(Path("/h"), "", Path("/h/.openclaw"), TREE, include_roots=tuple(map(Path, roots)))
    return read_configuration(text.encode(), location, access(files or {}), environment, dotenv.encode())


def access(files: dict[str, str], links: dict[str, str] | None = None) -> IncludeAccess:
    """Included files by absolute path."""

    def content(path: Path) -> bytes:
        if str(path) not in files:
            raise ConfigInvalid("missing", why=str(path), code="config_include_missing")
        return files[str(path)].encode()

    return IncludeAccess(content, lambda path: Path((links or {}).get(str(path), str(path))))


def included(text: str, files: dict[str, str]) -> object:
    """The tree after includes."""
    return with_includes(text.encode(), TREE, (), access(files))[0]


def test_comments_trailing_commas_and_bare_keys_are_json5() -> None:
    found = read("{ // mine\n gateway: { port: 20001, bind: 'lan', }, }")
    assert (found.port, found.bind) == (20001, "lan")


def test_a_file_is_included_and_keys_beside_it_win() -> None:
    files = {"/etc/openclaw/base.json5": "{gateway: {port: 1, bind: 'lan'}, tools: {deny: ['a']}}"}
    assert included('{"$include": "./base.json5", gateway: {port: 2}, tools: {deny: ["b"]}}', files) == {
        "gateway": {"port": 2, "bind": "lan"},
        "tools": {"deny": ["a", "b"]},
    }


def test_of_several_included_files_the_later_wins_and_lists_are_joined() -> None:
    files = {"/etc/openclaw/a.json": '{"x": 1, "l": [1]}', "/etc/openclaw/p/b.json": '{"x": 2, "l": [2]}'}
    assert included('{"$include": ["a.json", "p/b.json"]}', files) == {"x": 2, "l": [1, 2]}


def test_an_include_within_an_included_file_is_relative_to_that_file() -> None:
    files = {"/etc/openclaw/p/a.json": '{"in": {"$include": "b.json"}}', "/etc/openclaw/p/b.json": "[1]"}
    assert included('{"$include": "p/a.json"}', files) == {"in": [1]}


@pytest.mark.parametrize(
    ("text", "files", "code"),
    [
        ('{"$include": "../secrets.json"}', {}, "config_include_outside"),
        ('{"$include": "/etc/passwd"}', {}, "config_include_outside"),
        ('{"$include": "gone.json"}', {}, "config_include_missing"),
        ('{"$include": 7}', {}, "config_include"),
        ('{"$include": ["a.json", 7]}', {"/etc/openclaw/a.json": "{}"}, "config_include"),
        ('{"$include": "a.json"}', {"/etc/openclaw/a.json": '{"$include": "a.json"}'}, "config_include_cycle"),
        (
            '{"$include": "a.json"}',
            {"/etc/openclaw/a.json": '{"$include": "openclaw.json"}', "/etc/openclaw/openclaw.json": "{}"},
            "config_include_cycle",
        ),
        ('{"$include": "a.json", x: 1}', {"/etc/openclaw/a.json": "[1]"}, "config_include"),
        ('{"$include": "a.json"}', {"/etc/openclaw/a.json": "{"}, "config_syntax"),
    ],
)
def test_an_include_that_openclaw_refuses_is_refused(text: str, files: dict[str, str], code: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        included(text, files)
    assert caught.value.code == code


def test_includes_are_at_most_ten_deep() -> None:
    files = {f"/etc/openclaw/{n}.json": f'{{"$include": "{n + 1}.json"}}' for n in range(12)}
    with pytest.raises(ConfigInvalid) as caught:
        included('{"$include": "0.json"}', files)
    assert caught.value.code == "config_include_depth"


def test_an_include_that_is_a_link_to_the_outside_is_refused() -> None:
    reach = access({"/etc/openclaw/a.json": "{}"}, {"/etc/openclaw/a.json": "/srv/a.json"})
    with pytest.raises(ConfigInvalid) as caught:
        with_includes(b'{"$include": "a.json"}', TREE, (), reach)
    assert caught.value.code == "config_include_outside"


def test_a_root_that_is_allowed_may_hold_includes() -> None:
    found = read('{"$include": "/srv/shared/a.json"}', {"/srv/shared/a.json": "{gateway: {port: 7}}"}, roots=("/srv/shared",))
    assert (found.port, found.files) == (7, (TREE, Path("/srv/shared/a.json")))


def test_a_name_that_javascript_could_not_merge_is_dropped_when_merging() -> None:
    assert merged({"a": 1, "__proto__": 2}, {"constructor": 3, "b": 4}) == {"a": 1, "b": 4}


def test_variables_come_from_the_environment_then_dotenv_then_the_configuration() -> None:
    text = """{env: {vars: {A: "conf", B: "conf", C: "conf"}, D: "conf"},
              agents: {list: [{id: "x", workspace: "/${A}/${B}/${C}/${D}"}]}}"""
    found = read(text, dotenv="B=dotenv\nC=dotenv\n", C="shell")
    assert found.agents[0].workspace == Path("/conf/dotenv/shell/conf")


def test_only_upper_case_names_are_variables_and_two_dollars_escape() -> None:
    unresolved: list[str] = []
    values = with_variables(["${lower}", "$A", "$${A}", "${A}", "${A-x}"], {"A": "1"}, unresolved)
    assert values == ["${lower}", "$A", "${A}", "1", "${A-x}"]
    assert unresolved == []


def test_a_missing_variable_stays_as_written_and_is_named() -> None:
    found = read('{gateway: {auth: {mode: "token", token: "${GONE}"}}, logging: {file: "${GONE}/x"}}', EMPTY="")
    assert found.unresolved == ("GONE",)
    assert (found.auth.mode, bool(found.auth.token), found.log_file) == ("token", False, None)


def test_a_secret_may_be_a_reference_to_a_variable() -> None:
    found = read('{gateway: {auth: {token: {source: "env", provider: "default", id: "TOK"}}}}', TOK="t0p")
    assert (found.auth.mode, found.auth.token.reveal()) == ("token", "t0p")


def test_a_reference_to_a_file_is_unknown_and_not_empty_of_meaning() -> None:
    found = read('{gateway: {auth: {token: {source: "file", provider: "f", id: "/x"}}}}', OPENCLAW_GATEWAY_TOKEN="other")
    assert (found.auth.mode, bool(found.auth.token)) == ("token", False)


@pytest.mark.parametrize(
    ("text", "environment", "mode", "token"),
    [
        ("{}", {}, "none", ""),
        ("{}", {"OPENCLAW_GATEWAY_TOKEN": "e"}, "token", "e"),
        ("{}", {"OPENCLAW_GATEWAY_PASSWORD": "p"}, "password", ""),
        ('{gateway: {auth: {token: "c"}}}', {"OPENCLAW_GATEWAY_TOKEN": "e"}, "token", "c"),
        ('{gateway: {auth: {mode: "trusted-proxy", token: "c"}}}', {}, "trusted-proxy", "c"),
    ],
)
def test_the_server_takes_the_configuration_first_and_the_environment_second(
    text: str, environment: dict[str, str], mode: str, token: str
) -> None:
    location = Location(Path("/h"), "", Path("/h/.openclaw"), TREE)
    found = read_configuration(text.encode(), location, access({}), environment, b"")
    assert (found.auth.mode, found.auth.token.reveal()) == (mode, token)


def test_both_forms_of_the_roster_are_read() -> None:
    new = read('{agents: {entries: {main: {}, Beta: {workspace: "~/b", agentDir: "/a/b"}}}}').agents
    old = read('{agents: {list: [{id: "main"}, {id: "Beta", workspace: "~/b", agentDir: "/a/b"}]}}').agents
    assert new == old
    assert [each.id for each in new] == ["main", "beta"]
    assert (new[1].workspace, new[1].directory) == (Path("/h/b"), Path("/a/b"))


def test_the_default_agent_works_in_the_common_workspace_and_others_in_their_own() -> None:
    found = read('{agents: {defaults: {workspace: "~/ws"}, entries: {a: {}, b: {default: true}}}}').agents
    assert [each.workspace for each in found] == [Path("/h/ws/a"), Path("/h/ws")]
    found = read("{agents: {entries: {a: {}, b: {}}}}").agents
    assert [each.workspace for each in found] == [Path("/h/.openclaw/workspace"), Path("/h/.openclaw/workspace-b")]


def test_paths_outside_the_state_are_listed() -> None:
    found = read(
        """{agents: {entries: {a: {workspace: "/w"}, b: {workspace: "~/.openclaw/in", agentDir: "/d"}}},
            session: {store: "~/sessions/{agentId}.json"},
            plugins: {load: {paths: ["/p", "~/.openclaw/q"]}}, logging: {file: "/l/x"}}"""
    )
    assert found.external == (Path("/w"), Path("/d"), Path("/h/sessions"), Path("/p"))
    assert found.log_file == Path("/l/x")


def test_an_updater_that_is_on_is_told() -> None:
    assert read("{update: {auto: {enabled: true}}}").updates_itself
    assert not read("{update: {checkOnStart: true}}").updates_itself


@pytest.mark.parametrize("meta", ['"later"', "7", "null", '{lastTouchedVersion: "soon"}'])
def test_a_version_stamp_that_is_none_is_unknown(meta: str) -> None:
    assert read(f"{{meta: {meta}}}").last_touched is None


@pytest.mark.parametrize("port", ["0", "65536", '"18789"', "true", "1.5", "null"])
def test_a_port_that_is_none_counts_as_not_set(port: str) -> None:
    assert read(f"{{gateway: {{port: {port}}}}}").port is None


def test_a_syntax_error_shows_line_column_and_a_caret_and_no_value() -> None:
    with pytest.raises(ConfigInvalid) as caught:
        read('{\n  gateway: { auth: { token: "t0p-s3cret" "oops" } }\n}')
    shown = f"{caught.value.message} {caught.value.why}"
    assert "line 2" in shown
    assert "gateway: { auth: { token: " in shown
    assert "t0p" not in shown
    assert "s3cret" not in shown
    line, caret = caught.value.why.splitlines()[1:]
    assert line[caret.index("^")] in '" x'
    assert (caught.value.code, caught.value.exit_code) == ("config_syntax", 1)


def test_a_syntax_error_carries_no_value_in_its_chain() -> None:
    with pytest.raises(ConfigInvalid) as caught:
        read('{token: "t0p-s3cret",,}')
    assert caught.value.__cause__ is None
    assert "s3cret" not in repr(caught.value.__context__)


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe{}", b"[" * 100_000, b"{" * 5_000, b"\x00\x00"])
def test_bytes_that_are_no_configuration_are_an_error_and_no_crash(raw: bytes) -> None:
    location = Location(Path("/h"), "", Path("/h/.openclaw"), TREE)
    with pytest.raises(ConfigInvalid) as caught:
        read_configuration(raw, location, access({}), {}, b"")
    assert caught.value.code in {"config_syntax", "config_shape"}


@pytest.mark.parametrize("text", ["[]", "7", '"x"', "null"])
def test_a_configuration_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        read(text)
    assert caught.value.code == "config_shape"


def test_dotenv_lines_have_quotes_comments_and_exports() -> None:
    text = "# c\nA=1\nexport B = 'x # y' # c\nC=\"l\\nm\"\nD=v # c\nbad line\n=x\n"
    assert parse_dotenv(text.encode()) == {"A": "1", "B": "x # y", "C": "l\nm", "D": "v"}


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab$", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=2), inner, max_size=3),
    max_leaves=12,
)


@given(_json, _json, _json)
def test_merging_three_is_the_same_in_either_grouping_for_objects_of_lists(a: object, b: object, c: object) -> None:
    one, two, three = {"k": [a]}, {"k": [b], "l": {"x": a}}, {"l": {"y": c}, "k": [c]}
    assert merged(merged(one, two), three) == merged(one, merged(two, three))


@given(_json)
def test_merging_with_nothing_changes_nothing(value: object) -> None:
    tree = {"k": value}
    assert merged(tree, {}) == tree == merged({}, tree)


@given(_json)
def test_a_tree_without_variables_stays_as_it_is(value: object) -> None:
    unresolved: list[str] = []
    assert with_variables(value, {}, unresolved) == value
    assert unresolved == []


def test_an_unreadable_configuration_is_told(machine: Machine) -> None:
    machine.install()
    state = machine.make_state()
    (state / "openclaw.json").unlink()
    (state / "openclaw.json").mkdir()
    with pytest.raises(ConfigInvalid) as caught:
        machine.find()
    assert caught.value.code == "config_unreadable"


def test_a_configuration_that_is_a_pipe_does_not_hang(machine: Machine) -> None:
    machine.install()
    state = machine.make_state()
    (state / "openclaw.json").unlink()
    os.mkfifo(state / "openclaw.json")
    with pytest.raises(ConfigInvalid) as caught:
        machine.find()
    assert caught.value.code == "config_unreadable"


def test_a_state_without_a_configuration_has_the_defaults(machine: Machine) -> None:
    machine.install()
    (machine.make_state() / "openclaw.json").unlink()
    found = machine.find()
    assert (found.port, found.auth.mode, found.agents) == (18789, "none", ("main",))


def test_a_change_in_an_included_file_or_in_dotenv_changes_the_digest(machine: Machine) -> None:
    machine.install()
    state = machine.make_state('{"$include": "more.json"}')
    (state / "more.json").write_text("{}")
    first = machine.find().config_digest
    assert machine.find().config_digest == first
    (state / "more.json").write_text("{ }")
    second = machine.find().config_digest
    (state / ".env").write_text("A=1\n")
    assert len({first, second, machine.find().config_digest}) == 3
