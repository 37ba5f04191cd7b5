"""The faults of pairing, one entry each: how it is made, by OpenClaw itself where it can be, and what a diagnosis must name."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from tests.real.pairing_bench import Bench, listens
from tests.world.devices import OPERATOR_SCOPES, write_file
from tests.world.processes import start_detached
from tests.world.units import service_unit

ALL = ("2026.2.19", "2026.2.22", "2026.9.6")
FILES = ("2026.2.19", "2026.2.22")
OTHER = "another-token-of-a-former-day-0123456789"
THREE = ("operator.admin", "operator.approvals", "operator.pairing")
OWN = "this machine's device"


@dataclass(frozen=True)
class Fault:
    """`codes` are the right causes, `where` the device or the part of a path or name that must stand in it.

    `by` says who makes it: OpenClaw's own command, an older or second OpenClaw, or `planted` where no command does.
    """

    group: str
    name: str
    by: str
    make: Callable[[Bench], str | None]
    codes: tuple[str, ...]
    where: str = OWN
    releases: tuple[str, ...] = ALL


# ---- tokens


def rotate(bench: Bench, *scopes: str) -> None:
    words = [word for scope in scopes for word in ("--scope", scope)]
    bench.openclaw("devices", "rotate", "--device", bench.world.own.id, "--role", "operator", *words, "--json")


def rotate_to_three(bench: Bench) -> None:
    rotate(bench, *THREE)


def remove(bench: Bench) -> None:
    bench.openclaw("devices", "remove", bench.world.own.id, "--json")


def revoke(bench: Bench) -> None:
    bench.openclaw("devices", "revoke", "--device", bench.world.own.id, "--role", "operator", "--json")


def cache_of_another_home(bench: Bench) -> None:
    """A client in another HOME makes its own identity and cache; its cache comes here, as with a home restored in part."""
    world, home = bench.world, bench.other_home()
    if world.era == "sqlite":
        world.edit_cache(deviceId="f" * 64)
        return
    bench.of_release(world.seed.version, "devices", "list", home=home)
    made = home / ".openclaw" / "identity"
    text = (made / "device-auth.json").read_text() if (made / "device-auth.json").exists() else ""
    other = json.loads((made / "device.json").read_text())["deviceId"]
    path = world.state / "identity" / "device-auth.json"
    write_file(path, json.loads(text) if text else {**json.loads(path.read_text()), "deviceId": other})


# ---- scopes


def paired_by_2_17(bench: Bench) -> None:
    """The command line of 2.17, an older client of the same home, pairs itself with its three scopes."""
    world = bench.world
    forget_own(bench)
    bench.world.drop_cache()
    bench.of_release("2026.2.17", "devices", "list")
    assert world.own.id in world.devices()


def forget_own(bench: Bench) -> None:
    bench.world.forget_device(bench.world.own)


def narrow_record(bench: Bench) -> None:
    bench.world.narrow_scopes(bench.world.own)


def drifted(bench: Bench) -> None:
    world = bench.world
    record = {**world.devices()[world.own.id], "approvedScopes": ["operator.read"]}
    write_file(world.state / "devices" / "paired.json", {**world.devices(), world.own.id: record})


def stranger_asks_more(bench: Bench) -> str:
    """Another paired device, which may only read, asks to write: with the shared token (2.19), with its own (9.6).

    The log of 9.6 names no device where a token's scopes are refused, only the kind of client.
    """
    device = bench.stranger("reader", scopes=("operator.read",))
    secret, field = (bench.world.token, "token") if bench.world.era == "files" else (device.token, "deviceToken")
    asks = {"scopes": ("operator.write",), "client_id": "cli", "client_mode": "cli"}
    bench.knock(device=device, auth={field: secret}, signed_token=secret, **asks)
    return device.id[:12] if bench.world.era == "files" else "client cli"


# ---- requests and the loop


def ask_more(bench: Bench) -> None:
    """What makes a request of this machine: scopes beyond the record (2.19), another platform (9.6)."""
    if bench.world.era == "sqlite":
        ask_again(bench, "darwin")
    else:
        bench.knock(scopes=("operator.write",))


def ask_again(bench: Bench, platform: str) -> None:
    """As the command line asks, with all scopes: 9.6 lets `devices approve` approve no less than the device holds already."""
    bench.knock(platform=platform, client_id="cli", client_mode="cli", scopes=OPERATOR_SCOPES)


def own_request(bench: Bench) -> None:
    if bench.world.era == "files":
        rotate_to_three(bench)
    ask_more(bench)
    assert bench.world.pending(), "no request came"


def approved_without_the_cache(bench: Bench) -> None:
    """Approving writes a new token, which the cache does not take over."""
    own_request(bench)
    (request,) = bench.world.pending()
    bench.openclaw("devices", "approve", request, "--json")


def comes_back(bench: Bench) -> None:
    approved_without_the_cache(bench)
    for _ in range(3):
        if bench.world.era == "sqlite":
            ask_again(bench, "win32")
        else:
            bench.knock(scopes=("operator.write", "operator.read"))


def loop(bench: Bench) -> None:
    if bench.world.era == "files":
        rotate_to_three(bench)
    for _ in range(30):
        ask_more(bench)


def listing_refused(bench: Bench) -> None:
    rotate(bench, "operator.read")
    assert bench.world.openclaw("devices", "list", limit_s=300).exit_code != 0


def listing_refused_by_the_shell(bench: Bench) -> None:
    bench.shell = {"OPENCLAW_GATEWAY_TOKEN": OTHER}
    environment = {**bench.world.environment, **bench.shell}
    listed = bench.world.command(
        str(bench.world.prefix / "bin" / "openclaw"), "devices", "list", limit_s=300, environment=environment
    )
    assert listed.exit_code != 0


# ---- the service


def unit_token(bench: Bench) -> str:
    return str(service_unit(bench.world, more=f"Environment=OPENCLAW_GATEWAY_TOKEN={OTHER}"))


def drop_in_token(bench: Bench) -> str:
    path = service_unit(bench.world)
    drop_in = path.with_name(path.name + ".d") / "10-token.conf"
    drop_in.parent.mkdir()
    drop_in.write_text(f"[Service]\nEnvironment=OPENCLAW_GATEWAY_TOKEN={OTHER}\n")
    return str(drop_in)


def environment_file_token(bench: Bench) -> str:
    file = bench.world.home / "gateway.env"
    file.write_text(f"OPENCLAW_GATEWAY_TOKEN={OTHER}\n")
    service_unit(bench.world, more=f"EnvironmentFile=-{file}")
    return str(file)


def older_install(bench: Bench) -> str:
    package = bench.installed("2026.2.17").package
    return str(service_unit(bench.world, package=package))


def node_gone(bench: Bench) -> str:
    path = service_unit(bench.world)
    path.write_text(path.read_text().replace(str(bench.world.node.node), "/opt/gone/node"))
    return str(path)


def other_state(bench: Bench) -> str:
    elsewhere = bench.world.home / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    service_unit(bench.world, more=f"Environment=OPENCLAW_STATE_DIR={elsewhere}")
    return str(elsewhere)


def other_port(bench: Bench) -> str:
    path = service_unit(bench.world)
    path.write_text(path.read_text().replace(f"--port {bench.world.port}", "--port 1999"))
    return str(path)


def shell_token(bench: Bench) -> str:
    bench.shell = {"OPENCLAW_GATEWAY_TOKEN": OTHER}
    return "OPENCLAW_GATEWAY_TOKEN"


# ---- gateways


def second_gateway(bench: Bench) -> str:
    bench.second_gateway()
    return ""


def second_service(bench: Bench) -> str:
    service_unit(bench.world)
    return service_unit(bench.world, "gateway-copy.service").name


def of_another_install(bench: Bench) -> str:
    """The package's place holds another release than the one that runs."""
    other = bench.installed("2026.9.5" if bench.world.era == "sqlite" else "2026.2.17")
    bench.world.prefix.unlink()
    bench.world.prefix.symlink_to(other.prefix)
    return ""


def killed(bench: Bench) -> str:
    bench.kill_gateway()
    return ""


def stranger_on_the_port(bench: Bench) -> str:
    bench.kill_gateway()
    world = bench.world
    argv = (str(world.node.node), "-e", f"require('net').createServer().listen({world.port}, '127.0.0.1')")
    start_detached(argv, world.environment, world.root / "stranger.out", world.home)
    world.wait(lambda: listens(world.port), "the stranger on the port")
    return str(world.port)


def process_token(bench: Bench) -> str:
    """The running gateway was started with another token than the configured one."""
    world = bench.world
    bench.kill_gateway()
    argv = (str(world.node.node), str(world.package / "openclaw.mjs"), "gateway", "run")
    environment = {**world.environment, "OPENCLAW_GATEWAY_TOKEN": OTHER}
    world.gateway = start_detached(argv, environment, world.root / "gateway.out", world.home)
    world.wait(world.is_ready, "the gateway with another token", 300)
    return "environment of process"


_UPGRADE = ("scope-upgrade", "scope-upgrade-loop", "own-request-waits", "request-comes-back", "metadata-upgrade")
_RUN, _PLANTED = "openclaw", "planted"
FAULTS: tuple[Fault, ...] = (
    Fault("token", "the token was rotated", f"{_RUN} devices rotate", rotate, ("cache-token-differs",)),
    Fault("token", "the cached token is empty", _PLANTED, lambda b: b.world.edit_cache(token=""), ("cache-token-empty",)),
    Fault("token", "the cache is gone", _PLANTED, lambda b: b.world.drop_cache(), ("cache-missing",)),
    Fault(
        "token", "the cache is of another HOME", "client in another HOME", cache_of_another_home, ("cache-of-another-device",)
    ),
    Fault("token", "the record was removed", f"{_RUN} devices remove", remove, ("record-removed",)),
    Fault("token", "the record is gone", _PLANTED, forget_own, ("record-missing",)),
    Fault("token", "the token was revoked", f"{_RUN} devices revoke", revoke, ("token-revoked",)),
    Fault(
        "scopes", "rotated to three scopes", f"{_RUN} devices rotate", rotate_to_three, ("cache-token-differs", "scope-upgrade")
    ),
    Fault(
        "scopes", "paired by the client of 2.17", "2.17's client", paired_by_2_17, ("scope-upgrade",), releases=("2026.2.19",)
    ),
    Fault(
        "scopes",
        "the record holds less than its token",
        _PLANTED,
        narrow_record,
        ("token-beyond-device",),
        releases=("2026.9.6",),
    ),
    Fault(
        "scopes", "the cache lists fewer", _PLANTED, lambda b: b.world.edit_cache(scopes=["operator.read"]), ("cache-narrower",)
    ),
    Fault("scopes", "scopes and approvedScopes differ", _PLANTED, drifted, ("scopes-drifted",), releases=FILES),
    Fault(
        "scopes",
        "another device asks for more",
        "client",
        stranger_asks_more,
        ("request-waits", "device-refused", "client-refused"),
        "",
        ("2026.2.19", "2026.9.6"),
    ),
    Fault("requests", "a request of this machine waits", "client", own_request, _UPGRADE, releases=("2026.2.19", "2026.9.6")),
    Fault(
        "requests",
        "approved, and the cache did not follow",
        f"{_RUN} devices approve",
        approved_without_the_cache,
        ("cache-token-differs",),
        releases=("2026.2.19", "2026.9.6"),
    ),
    Fault(
        "requests",
        "approved, and it asks again",
        f"{_RUN} devices approve",
        comes_back,
        _UPGRADE,
        releases=("2026.2.19", "2026.9.6"),
    ),
    Fault(
        "loop", "thirty requests in a row", f"{_RUN} devices rotate, client", loop, _UPGRADE, releases=("2026.2.19", "2026.9.6")
    ),
    Fault(
        "listing",
        "devices list is refused",
        f"{_RUN} devices rotate",
        listing_refused,
        ("devices-list-refused", "scope-upgrade"),
        releases=("2026.2.19",),
    ),
    Fault(
        "listing",
        "devices list is refused, by the shell's token",
        f"{_RUN} devices list",
        listing_refused_by_the_shell,
        ("shell-token-differs",),
        "OPENCLAW_GATEWAY_TOKEN",
        FILES,
    ),
    Fault("service", "unit with another token", "unit file", unit_token, ("service-token-differs",)),
    Fault("service", "drop-in with another token", "unit file", drop_in_token, ("service-token-differs",)),
    Fault("service", "environment file with another token", "unit file", environment_file_token, ("service-token-differs",)),
    Fault("service", "unit of an older install", "2.17 beside it", older_install, ("service-starts-another",)),
    Fault("service", "unit of a Node that is gone", "unit file", node_gone, ("service-node-gone",)),
    Fault("service", "unit of another state", "unit file", other_state, ("service_elsewhere", "service-other-state")),
    Fault("service", "unit on another port", "unit file", other_port, ("service-other-port",)),
    Fault(
        "gateways",
        "a second gateway beside it",
        "second openclaw gateway run",
        second_gateway,
        ("several-gateways", "start-refused"),
        "",
    ),
    Fault("gateways", "a second service", "unit file", second_service, ("second-service",)),
    Fault(
        "gateways",
        "the install was replaced beneath it",
        "another release",
        of_another_install,
        ("gateway-of-another-install", "gateway-not-restarted"),
        "",
    ),
    Fault("gateways", "killed, its lock left", "kill -9", killed, ("stale-lock",), ""),
    Fault("gateways", "a stranger on the port", "another program", stranger_on_the_port, ("port-taken",), ""),
    Fault(
        "service",
        "a gateway that was started with another token",
        "openclaw gateway run",
        process_token,
        ("service-token-differs",),
    ),
)
