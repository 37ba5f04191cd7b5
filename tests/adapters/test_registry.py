"""The registry is asked as npm would, within limits, and nothing it says is believed blindly."""

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
import responses
from hypothesis import given
from hypothesis import strategies as st

from tests.adapters.registry_server import Answering, Reply, as_json, manifest, of, serving
from upgrader.adapters.node.npmrc import Credential, NpmSettings
from upgrader.adapters.registry.cache import RegistryCache
from upgrader.adapters.registry.http import Limits
from upgrader.adapters.registry.npm_registry import NpmRegistry, Sourcing, read_release, reduced, reduced_list
from upgrader.domain.plan.facts import RegistryState
from upgrader.domain.plan.release import RegistryUnreachable, ReleaseUnknown
from upgrader.domain.secret import Secret
from upgrader.domain.version import Version

TARGET = Version("2026.9.6")
QUICK = Limits(connect_s=2, read_s=2, total_s=10, back_off_s=0.25)


class HandClock:
    """A clock that only moves when somebody waits."""

    def __init__(self) -> None:
        self.waited: list[float] = []
        self.moment = datetime(2026, 11, 21, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return sum(self.waited)

    def wait(self, span: timedelta) -> None:
        self.waited.append(span.total_seconds())


def registry(
    url: str,
    cache: Path,
    clock: HandClock | None = None,
    sourcing: Sourcing = Sourcing.NETWORK,
    limits: Limits = QUICK,
    **more: object,
) -> NpmRegistry:
    settings = replace(NpmSettings(url), **more)  # type: ignore[arg-type]
    return NpmRegistry("openclaw", settings, RegistryCache(cache, url), clock or HandClock(), sourcing, "test", limits)


def failing_first(times: int, reply: Reply, then: Answering) -> Answering:
    return lambda asked, count: reply if count <= times else then(asked, count)


def test_one_release_needs_one_small_document(tmp_path: Path) -> None:
    schemas = {"openclaw": {"schemaVersions": {"state": 18, "agent": 23}}}
    with serving(lambda _asked, _count: as_json(manifest("2026.9.6", **schemas))) as server:
        found = registry(server.url, tmp_path).release(TARGET)
    assert server.paths == ["/openclaw/2026.9.6"]
    assert (found.engines, found.integrity, found.state_schema, found.agent_schema) == (">=22", "sha512-abc", 18, 23)
    assert (found.deprecated, found.unpacked_bytes, found.published) == ("", None, None)


def test_all_releases_come_in_openclaws_order_and_odd_ones_are_left_out(tmp_path: Path) -> None:
    document = {
        "dist-tags": {"latest": "2026.2.19-2", "beta": 7},
        "time": {"2026.2.19": "2026-02-19T10:00:00.000Z", "2026.2.20": "yesterday"},
        "versions": {name: manifest(name) for name in ("2026.2.20", "2026.2.19-2", "2026.2.19", "no-version")} | {"x": 7},
    }
    with serving(lambda _asked, _count: as_json(document)) as server:
        found = registry(server.url, tmp_path).releases()
    assert [str(one.version) for one in found] == ["2026.2.19", "2026.2.19-2", "2026.2.20"]
    assert [one.tags for one in found] == [(), ("latest",), ()]
    assert [one.published is not None for one in found] == [True, False, False]


def test_an_unknown_release_names_those_near_to_it(tmp_path: Path) -> None:
    with serving(of("2026.2.17", "2026.9.5", "2026.9.6")) as server, pytest.raises(ReleaseUnknown) as caught:
        registry(server.url, tmp_path).release(Version("2026.9.7"))
    assert "2026.9.5, 2026.9.6" in caught.value.why
    assert caught.value.exit_code == 1


def test_a_release_it_lacks_is_none_without_asking_for_the_list(tmp_path: Path) -> None:
    with serving(of("2026.9.6")) as server:
        assert registry(server.url, tmp_path).find(Version("2026.2.19-2")) is None
    assert server.paths == ["/openclaw/2026.2.19-2"]


def test_an_answer_about_another_release_is_not_taken_for_this_one(tmp_path: Path) -> None:
    with serving(lambda _asked, _count: as_json(manifest("2026.9.5"))) as server:
        assert registry(server.url, tmp_path).find(TARGET) is None


def test_within_five_minutes_nothing_is_asked_again(tmp_path: Path) -> None:
    clock = HandClock()
    with serving(of("2026.9.6")) as server:
        for _ in range(3):
            registry(server.url, tmp_path, clock).release(TARGET)
        clock.moment += timedelta(minutes=6)
        registry(server.url, tmp_path, clock).release(TARGET)
    assert len(server.asked) == 2


def test_a_kept_answer_is_asked_for_with_its_validators(tmp_path: Path) -> None:
    clock = HandClock()
    kept = as_json(manifest("2026.9.6"), ETag='"e1"', Last_Modified="Thu, 24 Sep 2026 22:17:03 GMT")
    with serving(lambda asked, _count: Reply(304) if "if-none-match" in asked.headers else kept) as server:
        first = registry(server.url, tmp_path, clock).release(TARGET)
        clock.moment += timedelta(hours=1)
        assert registry(server.url, tmp_path, clock).release(TARGET) == first
        assert registry(server.url, tmp_path, clock).release(TARGET) == first
    assert [one.headers.get("if-none-match") for one in server.asked] == [None, '"e1"']
    assert server.asked[1].headers["if-modified-since"].startswith("Thu")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_fault_is_tried_again_after_a_growing_pause(tmp_path: Path, status: int) -> None:
    clock = HandClock()
    with serving(failing_first(2, Reply(status), of("2026.9.6"))) as server:
        assert registry(server.url, tmp_path, clock).release(TARGET).version == TARGET
    assert clock.waited == [0.25, 0.5]


def test_the_pause_the_registry_asks_for_is_kept_up_to_a_limit(tmp_path: Path) -> None:
    clock = HandClock()
    asking = failing_first(1, Reply(429, headers=(("Retry-After", "3"),)), of("2026.9.6"))
    with serving(asking) as server:
        registry(server.url, tmp_path, clock).release(TARGET)
    assert clock.waited == [3.0]


def test_a_registry_that_stays_broken_is_unreachable_with_a_hint(tmp_path: Path) -> None:
    with serving(lambda _asked, _count: Reply(503)) as server, pytest.raises(RegistryUnreachable) as caught:
        registry(server.url, tmp_path).release(TARGET)
    assert len(server.asked) == 3
    assert "503" in caught.value.why
    assert "--offline" in caught.value.hint


def test_a_registry_that_is_down_is_unreachable(tmp_path: Path) -> None:
    with serving(of()) as gone:
        pass
    with pytest.raises(RegistryUnreachable) as caught:
        registry(gone.url, tmp_path).release(TARGET)
    assert "no connection" in caught.value.why


def test_an_answer_that_breaks_off_is_tried_again(tmp_path: Path) -> None:
    whole = as_json(manifest("2026.9.6"))
    with serving(failing_first(1, replace(whole, cut=20), of("2026.9.6"))) as server:
        assert registry(server.url, tmp_path).release(TARGET).version == TARGET


@pytest.mark.parametrize(
    ("status", "code"), [(401, "registry_denied"), (403, "registry_denied"), (418, "registry_unreachable")]
)
def test_a_refusal_is_told_and_not_tried_again(tmp_path: Path, status: int, code: str) -> None:
    with serving(lambda _asked, _count: Reply(status)) as server, pytest.raises(RegistryUnreachable) as caught:
        registry(server.url, tmp_path).release(TARGET)
    assert (caught.value.code, len(server.asked)) == (code, 1)


@pytest.mark.parametrize("body", [b"<html>log in here</html>", b"", b"\xff\xfe", b"[" * 100_000])
def test_what_is_not_json_is_said_to_be_odd(tmp_path: Path, body: bytes) -> None:
    with serving(lambda _asked, _count: Reply(200, body)) as server, pytest.raises(RegistryUnreachable) as caught:
        registry(server.url, tmp_path).release(TARGET)
    assert caught.value.code == "registry_odd"


def test_too_large_an_answer_is_refused_even_when_it_comes_packed(tmp_path: Path) -> None:
    packed = gzip.compress(b" " * (3 * 1024**2))
    limits = replace(QUICK, document_bytes=1024**2)
    reply = Reply(200, packed, (("Content-Encoding", "gzip"),))
    with serving(lambda _asked, _count: reply) as server, pytest.raises(RegistryUnreachable) as caught:
        registry(server.url, tmp_path, limits=limits).release(TARGET)
    assert caught.value.code == "registry_too_large"


def test_the_credential_is_sent_to_its_host_and_not_along_a_redirect(tmp_path: Path) -> None:
    with serving(of("2026.9.6")) as other:
        elsewhere = Reply(302, headers=(("Location", f"{other.url}openclaw/2026.9.6"),))
        with serving(lambda _asked, _count: elsewhere) as server:
            place = server.url.removeprefix("http:")
            credentials = (Credential(place, Secret("Bearer hunter2")),)
            found = registry(server.url, tmp_path, credentials=credentials).release(TARGET)
    assert found.version == TARGET
    assert server.asked[0].headers["authorization"] == "Bearer hunter2"
    assert "authorization" not in other.asked[0].headers


def test_a_circle_of_redirects_ends(tmp_path: Path) -> None:
    circle: Answering = lambda asked, _count: Reply(301, headers=(("Location", asked.path),))  # noqa: E731
    with serving(circle) as server, pytest.raises(RegistryUnreachable) as caught:
        registry(server.url, tmp_path).release(TARGET)
    assert caught.value.code == "registry_redirect"
    assert len(server.asked) == 6


def test_the_proxy_of_npm_is_used_and_noproxy_spares_it(tmp_path: Path) -> None:
    with serving(lambda _asked, _count: as_json(manifest("2026.9.6"))) as proxy:
        through = registry("http://registry.test/", tmp_path / "a", proxy=Secret(proxy.url))
        assert through.release(TARGET).version == TARGET
        assert proxy.paths == ["http://registry.test/openclaw/2026.9.6"]
        with serving(of("2026.9.6")) as server:
            spared = registry(server.url, tmp_path / "b", proxy=Secret(proxy.url), noproxy=("127.0.0.1",))
            assert spared.release(TARGET).version == TARGET
        assert len(proxy.asked) == 1


@responses.activate
def test_a_certificate_that_is_not_trusted_hints_at_the_authority(tmp_path: Path) -> None:
    responses.get("https://registry.test/openclaw/2026.9.6", body=requests.exceptions.SSLError("self signed"))
    with pytest.raises(RegistryUnreachable) as caught:
        registry("https://registry.test/", tmp_path).release(TARGET)
    assert caught.value.code == "registry_certificate"
    assert "NODE_EXTRA_CA_CERTS" in caught.value.hint


@responses.activate
def test_a_redirect_away_from_https_is_refused(tmp_path: Path) -> None:
    responses.get("https://registry.test/openclaw/2026.9.6", status=302, headers={"Location": "http://registry.test/x"})
    with pytest.raises(RegistryUnreachable) as caught:
        registry("https://registry.test/", tmp_path).release(TARGET)
    assert caught.value.code == "registry_redirect"


def test_certificates_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(RegistryUnreachable) as caught:
        registry("https://127.0.0.1:1/", tmp_path, cafile=tmp_path / "ca.pem").release(TARGET)
    assert "ca.pem" in caught.value.why


def test_offline_the_cache_answers_at_any_age_and_nothing_is_asked(tmp_path: Path) -> None:
    clock = HandClock()
    with serving(of("2026.9.6")) as server:
        registry(server.url, tmp_path, clock).release(TARGET)
    clock.moment += timedelta(days=400)
    offline = registry(server.url, tmp_path, clock, Sourcing.CACHE_ONLY)
    assert offline.release(TARGET).version == TARGET
    assert offline.state is RegistryState.CACHED
    with pytest.raises(RegistryUnreachable) as caught:
        offline.release(Version("2026.9.5"))
    assert caught.value.code == "offline_uncached"


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"format": 1}', b"\xff"])
def test_a_damaged_cache_is_as_good_as_none(tmp_path: Path, damage: bytes) -> None:
    with serving(of("2026.9.6")) as server:
        registry(server.url, tmp_path).release(TARGET)
        for file in tmp_path.rglob("*.json"):
            file.write_bytes(damage)
        assert registry(server.url, tmp_path).release(TARGET).version == TARGET
    assert len(server.asked) == 2


def test_the_cache_is_private_and_holds_no_credential(tmp_path: Path) -> None:
    with serving(of("2026.9.6")) as server:
        place = server.url.removeprefix("http:")
        registry(server.url, tmp_path, credentials=(Credential(place, Secret("Bearer hunter2")),)).release(TARGET)
    files = list(tmp_path.rglob("*.json"))
    assert files and all(file.stat().st_mode & 0o077 == 0 for file in files)
    assert all(b"hunter2" not in file.read_bytes() for file in files)


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with serving(of("2026.9.6")) as server:
        assert registry(server.url, tmp_path / "file").release(TARGET).version == TARGET


def test_a_package_the_registry_does_not_have_is_said(tmp_path: Path) -> None:
    with serving(lambda _asked, _count: Reply(404)) as server, pytest.raises(RegistryUnreachable) as caught:
        registry(server.url, tmp_path).releases()
    assert caught.value.code == "package_unknown"


def test_the_newest_is_unknown_where_the_registry_has_no_such_tag(tmp_path: Path) -> None:
    with serving(of("2026.9.5", "2026.9.6")) as server:
        found = registry(server.url, tmp_path).latest()
        assert found is not None and found.version == TARGET
    with serving(lambda _asked, _count: Reply(404)) as bare:
        assert registry(bare.url, tmp_path).latest() is None


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)
fields = st.sampled_from(
    ("version", "engines", "dist", "deprecated", "openclaw", "_hasShrinkwrap", "versions", "time", "dist-tags")
)


@given(st.dictionaries(fields, json_values))
def test_no_odd_field_makes_reading_fail(document: dict[str, object]) -> None:
    found = read_release(reduced({"version": "2026.9.6", **document}))
    assert found is None or isinstance(found.version, Version)
    json.dumps(reduced_list(document))
