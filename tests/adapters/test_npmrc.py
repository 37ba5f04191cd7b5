"""npm's settings are read as npm reads them."""

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upgrader.adapters.node.npmrc import (
    NpmPlaces,
    NpmSettings,
    RegistryUnconfigured,
    parse_npmrc,
    read_settings,
)

HERE = "https://registry.test/npm/"


def settings(
    tmp_path: Path,
    user: str,
    machine: str = "",
    environment: dict[str, str] | None = None,
    said: dict[str, object] | None = None,
) -> NpmSettings:
    files = (tmp_path / "user.npmrc", tmp_path / "machine.npmrc")
    for file, text in zip(files, (user, machine), strict=True):
        file.write_text(text)
    return read_settings(environment or {}, NpmPlaces(files), said)


def test_variables_win_over_the_users_file_and_that_over_the_machines(tmp_path: Path) -> None:
    user, machine = "registry=https://user.test", "registry=https://machine.test\nstrict-ssl=false"
    assert settings(tmp_path, user, machine).registry == "https://user.test/"
    assert settings(tmp_path, "", machine).registry == "https://machine.test/"
    assert settings(tmp_path, user, machine, {"NPM_CONFIG_REGISTRY": "https://env.test/x"}).registry == "https://env.test/x/"


def test_what_npm_says_of_itself_wins_over_all_files(tmp_path: Path) -> None:
    found = settings(tmp_path, "registry=https://user.test", said={"registry": "https://npm.test/", "cafile": None})
    assert found.registry == "https://npm.test/"


def test_where_npm_says_its_files_lie_the_credentials_are_read(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("//npm.test/:_authToken=t1")
    said: dict[str, object] = {
        "registry": "https://npm.test/",
        "userconfig": str(tmp_path / "elsewhere"),
        "globalconfig": str(tmp_path / "none"),
    }
    header = settings(tmp_path, "//npm.test/:_authToken=t2", said=said).authorization("https://npm.test/openclaw")
    assert header is not None and header.reveal() == "Bearer t1"


@pytest.mark.parametrize("text", ["", "registry=", "registry=ftp://x/", "registry=not an address"])
def test_no_usable_address_is_a_clear_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(RegistryUnconfigured) as caught:
        settings(tmp_path, text)
    assert "npm config set registry" in caught.value.hint


def test_a_credential_goes_to_its_place_and_nowhere_else(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        f"registry={HERE}\n//registry.test/npm/:_authToken=long\n//registry.test/:_authToken=short\n//other.test/:_auth=b3RoZXI=",
    )

    def header(url: str) -> str:
        secret = found.authorization(url)
        return secret.reveal() if secret else ""

    assert header(f"{HERE}openclaw/2026.9.6") == "Bearer long"
    assert header("https://registry.test/elsewhere") == "Bearer short"
    assert header("https://other.test/x") == "Basic b3RoZXI="
    assert header("https://registry.test.evil/npm/openclaw") == ""
    assert header("https://registry.test:8443/npm/openclaw") == ""
    assert header("https://user@registry.test/npmx") == "Bearer short"


def test_user_and_password_make_a_basic_credential(tmp_path: Path) -> None:
    password = base64.b64encode(b"open sesame").decode()
    found = settings(tmp_path, f"registry={HERE}\n//registry.test/npm/:username=ann\n//registry.test/npm/:_password={password}")
    secret = found.authorization(HERE)
    assert secret is not None and secret.reveal() == "Basic " + base64.b64encode(b"ann:open sesame").decode()


def test_a_credential_whose_variable_is_not_set_is_left_out_and_said(tmp_path: Path) -> None:
    text = f"registry={HERE}\n//registry.test/npm/:_authToken=${{TOKEN}}"
    assert settings(tmp_path, text).authorization(HERE) is None
    assert "not set" in settings(tmp_path, text).problems[0]
    secret = settings(tmp_path, text, environment={"TOKEN": "t"}).authorization(HERE)
    assert secret is not None and secret.reveal() == "Bearer t"


def test_no_secret_shows_in_a_repr(tmp_path: Path) -> None:
    text = f"registry={HERE}\n//registry.test/npm/:_authToken=hunter2\nproxy=http://me:hunter2@proxy.test:3128"
    assert "hunter2" not in repr(settings(tmp_path, text))


def test_proxies_come_from_npm_first_and_then_from_the_environment(tmp_path: Path) -> None:
    environment = {"HTTPS_PROXY": "http://env.test:1", "NO_PROXY": "a.test, .b.test"}
    found = settings(tmp_path, f"registry={HERE}", environment=environment)
    assert (found.https_proxy.reveal(), found.noproxy) == ("http://env.test:1", ("a.test", ".b.test"))
    own = settings(tmp_path, f"registry={HERE}\nhttps-proxy=http://own.test:2\nnoproxy=c.test", environment=environment)
    assert (own.https_proxy.reveal(), own.noproxy) == ("http://own.test:2", ("c.test",))


def test_switched_off_verification_is_obeyed_and_said(tmp_path: Path) -> None:
    found = settings(tmp_path, f"registry={HERE}\nstrict-ssl=false")
    assert not found.strict_ssl
    assert "strict-ssl=false" in found.problems[0]


def test_lines_quotes_lists_and_comments_are_npms() -> None:
    text = '; no\n# no\n[section]\na = "x \\u0041"\nb=\'y\'\nca[]="one"\nca[]="two"\nflag\nd=${A}-${B}-${B?}-\\${A}\n'
    assert parse_npmrc(text, {"A": "1"}) == {"a": "x A", "b": "y", "ca": "one\0two", "flag": "true", "d": "1-${B}--${A}"}


def test_a_file_that_cannot_be_read_is_left_out_and_said(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    found = read_settings({"npm_config_registry": HERE}, NpmPlaces((tmp_path / "folder",)))
    assert "could not be read" in found.problems[0]


@given(st.text(max_size=200), st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=5), max_size=3))
def test_any_text_is_read(text: str, environment: dict[str, str]) -> None:
    for key, value in parse_npmrc(text, environment).items():
        assert isinstance(key, str) and isinstance(value, str)
