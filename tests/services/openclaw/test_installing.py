"""How each release is installed."""

import json

import pytest

from upgrader.domain.plan.release import Release
from upgrader.domain.version import Version
from upgrader.errors import UpgraderError
from upgrader.services.openclaw.installing import install_bytes, read_package, recipe


def project(version: str) -> dict[str, object]:
    made = json.loads(recipe(Version.parse(version)).manifest)
    assert isinstance(made, dict)
    return made


@pytest.mark.parametrize(
    "version", ["2026.1.29", "2026.2.17", "2026.2.19-2", "2026.2.22", "2026.3.13", "2026.4.15", "2026.5.7"]
)
def test_the_first_releases_need_two_of_their_dependencies_held(version: str) -> None:
    assert project(version)["overrides"] == {"libsignal": "npm:libsignal@6.0.0", "linkedom": "0.18.11"}


@pytest.mark.parametrize("version", ["2026.5.12", "2026.7.1", "2026.9.6", "2026.9.7"])
def test_later_releases_hold_nothing(version: str) -> None:
    assert "overrides" not in project(version)


@pytest.mark.parametrize(
    ("version", "scripts"), [("2026.2.22", ()), ("2026.3.28", ()), ("2026.4.1", ("openclaw",)), ("2026.9.6", ("openclaw",))]
)
def test_scripts_run_for_the_package_alone_and_only_where_it_has_some(version: str, scripts: tuple[str, ...]) -> None:
    assert recipe(Version.parse(version)).scripts == scripts
    assert project(version).get("allowScripts", {}) == dict.fromkeys(scripts, True)


def test_the_version_is_asked_for_exactly() -> None:
    assert project("2026.2.19-2")["dependencies"] == {"openclaw": "2026.2.19-2"}


def test_every_departure_from_a_plain_install_names_its_source() -> None:
    for version in ("2026.2.17", "2026.9.6"):
        assert all(recipe(Version.parse(version)).reasons)


def test_package_json_is_read_into_facts() -> None:
    raw = json.dumps(
        {
            "name": "openclaw",
            "version": "2026.9.6",
            "engines": {"node": ">=24.16.0 <25 || >=26.1.0"},
            "openclaw": {"schemaVersions": {"state": 18, "agent": 23}},
        }
    )
    found = read_package(raw.encode())
    assert (found.version.text, found.engines) == ("2026.9.6", ">=24.16.0 <25 || >=26.1.0")
    assert (found.state_schema, found.agent_schema) == (18, 23)


def test_releases_before_the_schemas_declare_none() -> None:
    found = read_package(b'{"name": "openclaw", "version": "2026.2.17", "openclaw": {}}')
    assert (found.engines, found.state_schema, found.agent_schema) == ("", None, None)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{",
        b"null",
        b"\xff",
        b'{"name": "other", "version": "2026.2.17"}',
        b'{"name": "openclaw"}',
        b'{"name": "openclaw", "version": "x"}',
    ],
)
def test_a_package_json_that_is_none_is_a_clear_error(raw: bytes) -> None:
    with pytest.raises(UpgraderError) as caught:
        read_package(raw)
    assert caught.value.why


@pytest.mark.parametrize(
    ("version", "unpacked", "allocated"),
    [
        ("2026.1.29", 24_807_151, 1_350_893_568),
        ("2026.2.17", 54_149_397, 1_372_729_344),
        ("2026.2.22", 58_361_230, 1_402_310_656),
        ("2026.3.13", 96_454_277, 563_740_672),
        ("2026.4.15", 57_194_468, 935_256_064),
        ("2026.5.12", 82_041_569, 544_509_952),
        ("2026.7.35", 89_163_533, 395_948_032),
        ("2026.8.1", 206_292_523, 944_259_072),
        ("2026.9.2", 179_280_507, 553_279_488),
        ("2026.9.5", 227_090_797, 610_316_288),
        ("2026.9.6", 300_367_310, 683_868_160),
    ],
)
def test_the_room_asked_for_is_above_every_slot_that_was_measured(version: str, unpacked: int, allocated: int) -> None:
    for known in (unpacked, None):
        release = Release(Version.parse(version), unpacked_bytes=known)
        assert install_bytes(release) > allocated + 126_000_000
