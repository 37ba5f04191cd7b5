// The command line: the commands an upgrade guard uses, with the exit codes and JSON of the real one.
import { existsSync, mkdirSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { profile, fault, buildName } from "./profile.js";
import { place, portOf, selectProfile } from "./place.js";
import { newerWriter, problemsOf, readConfig } from "./config.js";
import { GatewayRefused, withGateway } from "./client.js";
import { FileStore, SqliteStore } from "./store.js";

const say = (text) => process.stdout.write(`${text}\n`);
const json = (value) => say(JSON.stringify(value, null, 2));
const WITH_VALUE = new Set(["port", "bind", "token", "auth", "message", "agent", "timeout", "severity-min", "profile", "session-id", "runtime-path", "to", "params", "session", "device", "role", "scope"]);

function parseArguments(argv) {
  const words = [];
  const flags = {};
  for (let at = 0; at < argv.length; at += 1) {
    if (!argv[at].startsWith("-")) words.push(argv[at]);
    else {
      const [name, value] = argv[at].replace(/^--?/, "").split(/=(.*)/s);
      const given = value ?? (WITH_VALUE.has(name) ? argv[(at += 1)] : true);
      flags[name] = name === "scope" ? [...(flags.scope ?? []), given] : given;
    }
  }
  if (flags.repair) flags.fix = true;
  flags.allowUnconfigured = flags["allow-unconfigured"];
  return { words, flags };
}

function store(where) {
  return profile.era === "files" ? new FileStore(where) : undefined;
}

/** Ask the running gateway, as the one-shot command line of this release does. */
async function ask(scopes, use) {
  const where = place();
  const config = readConfig(where.config);
  const as = { id: "cli", mode: "cli", scopes: profile.cli.scopes ?? scopes, identity: profile.cli.sendsDevice };
  return withGateway(config, as, store(where), use);
}

function unreachable(error, flags) {
  const port = portOf(readConfig(place().config));
  if (flags.json) {
    json({ ok: false, error: { type: "gateway_transport_error", kind: error.kind, message: error.message, reason: error.reason }, gateway: { url: `ws://127.0.0.1:${port}` } });
  } else process.stderr.write(`${error.message}\n`);
  return 1;
}

async function health(flags) {
  try {
    const body = await ask(["operator.read"], (call) => call("health", {}));
    if (flags.json) json(body);
    else say("Gateway: ok");
    return 0;
  } catch (error) {
    if (!(error instanceof GatewayRefused)) throw error;
    return unreachable(error, flags);
  }
}

/** approve, rotate and remove of devices, as the command line asks the gateway for them. */
async function changeDevices(words, flags) {
  const requests = {
    approve: ["device.pair.approve", { requestId: words[2] }],
    rotate: ["device.token.rotate", { deviceId: flags.device, role: flags.role, scopes: flags.scope }],
    remove: ["device.pair.remove", { deviceId: words[2] }],
  };
  if (!requests[words[1]] || (words[1] === "remove" && !profile.devicesRemove)) return unknown(words[1]);
  json(await ask(["operator.pairing", "operator.admin"], (call) => call(...requests[words[1]])));
  return 0;
}

async function devices(flags) {
  const body = await ask(["operator.pairing"], (call) => call("device.pair.list", {}));
  if (flags.json) json(body);
  else say(`Paired (${body.paired.length})`);
  return 0;
}

async function agent(flags) {
  const final = await ask(["operator.write"], (call) =>
    call("agent", { message: flags.message, agentId: flags.agent, idempotencyKey: String(Date.now()) }, { final: true }),
  );
  if (flags.json) json(final);
  else say(final.result.payloads[0].text);
  return 0;
}

/** `gateway call METHOD`: the raw payload, with the least scopes the method needs. */
async function call(method, flags) {
  const scopes = { health: ["operator.read"], "device.pair.list": ["operator.pairing"], agent: ["operator.write"],
    "gateway.suspend.prepare": ["operator.admin"], "gateway.suspend.resume": ["operator.admin"], "gateway.suspend.handoff": ["operator.admin"] }[method] ?? ["operator.read"];
  try {
    json(await ask(scopes, (send) => send(method, JSON.parse(flags.params ?? "{}"))));
    return 0;
  } catch (error) {
    if (!(error instanceof GatewayRefused)) throw error;
    if (profile.suspends && flags.json && error.request) {
      json({ ok: false, error: { type: "gateway_request_error", ...error.request } });
      return 1;
    }
    process.stderr.write(`Gateway call failed: ${error.message}\n`);
    return 1;
  }
}

/** The terminal client, as little of it as one can see: who it is connected to, until it is ended. */
async function terminal(flags) {
  const where = place();
  const config = readConfig(where.config);
  const scopes = profile.era === "files" ? ["operator.admin"] : ["operator.admin", "operator.read", "operator.write", "operator.approvals"];
  const as = { id: profile.era === "files" ? "gateway-client" : "openclaw-tui", mode: "ui", scopes, identity: profile.cli.sendsDevice };
  say("openclaw tui");
  if (fault("terminalEnds")) throw new Error(fault("terminalEnds").message ?? "cannot draw");
  try {
    await withGateway(config, as, store(where), async (call) => {
      say("gateway connected | idle");
      if (flags.message) {
        const asked = { message: flags.message, agentId: flags.session.split(":")[1], sessionKey: flags.session, idempotencyKey: String(Date.now()) };
        say((await call("agent", asked, { final: true })).result.payloads[0].text);
      }
      return new Promise((done) => process.on("SIGINT", done).on("SIGTERM", done).on("SIGHUP", done));
    });
    return 0;
  } catch (error) {
    if (!(error instanceof GatewayRefused)) throw error;
    say(error.message);
    return 1;
  }
}

function validate(flags) {
  const where = place();
  if (!profile.configValidate) {
    process.stderr.write("error: unknown option '--json'\n");
    return 1;
  }
  let body;
  try {
    const issues = problemsOf(readConfig(where.config));
    body = issues.length ? { valid: false, path: where.config, issues } : { valid: true, path: where.config };
  } catch (error) {
    body = { valid: false, path: where.config, error: error.message };
  }
  if (!existsSync(where.config)) body = { valid: false, path: where.config, error: "config file not found" };
  if (flags.json) say(JSON.stringify(body));
  else say(body.valid ? "Config valid" : "Config invalid");
  return body.valid ? 0 : 1;
}

async function gatewayStatus(flags) {
  const where = place();
  const config = readConfig(where.config);
  const port = portOf(config);
  let rpc;
  try {
    await ask(profile.cli.scopes ? undefined : [], async () => undefined);
    rpc = { ok: true, url: `ws://127.0.0.1:${port}` };
  } catch (error) {
    rpc = { ok: false, url: `ws://127.0.0.1:${port}`, error: error.message };
  }
  const cli = { path: where.config, exists: existsSync(where.config), valid: problemsOf(config).length === 0 };
  const body = { service: { loaded: false, runtime: { status: "unknown" } }, config: { cli }, gateway: { bindMode: "loopback", bindHost: "127.0.0.1", port, version: profile.version }, rpc };
  if (profile.era === "files" && rpc.ok) body.port = { port, status: "busy", hints: ["Gateway already running locally. Stop it or use a different port."] };
  if (flags.json) json(body);
  else say(`RPC probe: ${rpc.ok ? "ok" : "failed"}`);
  return flags["require-rpc"] && !rpc.ok ? 1 : 0;
}

/** Service commands: only for the account's own home, as the real one; even the refusal migrates the shared database. */
async function service(action, flags) {
  const where = place();
  if (profile.era === "sqlite" && action === "install") {
    const { openState, Refused } = await import("./databases.js");
    try {
      openState(where).close();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
  }
  const planted = action === "install" ? fault("installFails") : undefined;
  const newer = newerWriter(readConfig(where.config));
  let error;
  if (planted) error = planted.message ?? "Gateway install failed";
  else if (newer && profile.olderBinaryGuard) error = `Refusing to ${action} the gateway service because this OpenClaw binary (${profile.version}) is older than the config last written by OpenClaw ${newer}.`;
  else if (profile.accountHomeOnly && (process.env.HOME !== userInfo().homedir || where.state !== join(userInfo().homedir, ".openclaw"))) {
    error = "Gateway install blocked: Error: service management skipped: non-default state dir or config path. Rerun with HOME set to the OS account home, without OPENCLAW_HOME, and with OPENCLAW_STATE_DIR and OPENCLAW_CONFIG_PATH either unset or pointing at the canonical paths for that account home and profile to install or rewrite the gateway service.";
  } else error = "Gateway service unavailable: no supported service manager detected";
  if (flags.json) json({ action, ok: false, error });
  else process.stderr.write(`${error}\n`);
  return 1;
}

function unknown(word) {
  process.stderr.write(`error: unknown command '${word}'\n`);
  return 1;
}

async function gateway(words, flags) {
  const action = words[1] ?? "run";
  if (action === "run") {
    const { runGateway } = await import("./gateway.js");
    await runGateway(flags);
    return undefined;
  }
  if (action === "status") return gatewayStatus(flags);
  if (action === "health") return health(flags);
  if (action === "call") return call(words[2], flags);
  if (["install", "uninstall", "start", "stop", "restart"].includes(action)) return service(action, flags);
  return unknown(action);
}

async function main() {
  const { words, flags } = parseArguments(process.argv.slice(2));
  if (flags.profile) selectProfile(flags.profile);
  if (flags.version || flags.V) {
    if (profile.versionWrites) touchState();
    say(profile.plainVersion ? profile.version : buildName());
    return 0;
  }
  const [command] = words;
  if (command === "gateway") return gateway(words, flags);
  if (command === "doctor") return (await import("./doctor.js")).doctor(flags);
  if (command === "health") return health(flags);
  if (command === "tui") return terminal(flags);
  if (command === "devices") return ["list", undefined].includes(words[1]) ? devices(flags) : changeDevices(words, flags);
  if (command === "agent") return agent(flags);
  if (command === "config" && words[1] === "validate") return validate(flags);
  if (command === "plugins") return void say('{"plugins":[]}') ?? 0;
  return unknown(command ?? "");
}

/** What the oldest releases do on any call: leave files behind in the state directory. */
function touchState() {
  const where = place();
  mkdirSync(join(where.state, "agents", "main", "agent"), { recursive: true, mode: 0o700 });
}

try {
  const code = await main();
  if (code !== undefined) process.exitCode = code;
} catch (error) {
  process.stderr.write(`${error instanceof GatewayRefused ? `GatewayClientRequestError: ${error.message}` : (error.stack ?? error)}\n`);
  process.exitCode = 1;
}
void SqliteStore;
