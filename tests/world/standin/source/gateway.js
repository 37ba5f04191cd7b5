// The gateway process: ownership, databases, HTTP probes, WebSocket, stop with a drain.
import { fork, spawn } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import { HERE, profile, fault, buildName } from "./profile.js";
import { place, portOf } from "./place.js";
import { agentsOf, guardConfig, newerWriter, problemsOf, readConfig, stampConfig } from "./config.js";
import { log, openLog } from "./logging.js";
import { accept } from "./websocket.js";
import { FileStore, SqliteStore } from "./store.js";
import { Refused, migrateAll, newerAdvice, newerText, openAgent, openState, survey } from "./databases.js";
import { Owned, holdFamily, lockOwner, shareFamily, takeLease, takeLocks, touchFamily, waitForFamily } from "./locks.js";
import { serveConnection } from "./session.js";
import { plant, plantAtStart } from "./faults.js";

/** Ends the start with a text on stderr and an exit code. */
class StartFailed extends Error {
  constructor(code, text) {
    super(text);
    this.code = code;
  }
}

export async function runGateway(flags) {
  process.title = "openclaw-gateway";
  try {
    await start(flags);
  } catch (error) {
    if (!(error instanceof StartFailed) && !(error instanceof Refused) && !(error instanceof Owned) && error.code !== "config") throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(typeof error.code === "number" ? error.code : profile.exitConfig);
  }
}

async function start(flags) {
  const where = place();
  const restored = guardConfig(where.config);
  if (restored) process.stderr.write(`${restored}\n`);
  const config = readConfig(where.config);
  openLog(config);
  check(config, where, flags);
  const runtime = { where, config, flags, port: portOf(config, flags.port), active: new Set(), phase: "starting", bootId: randomUUID(), began: Date.now() };
  plantAtStart(where);
  log("gateway", "info", "loading configuration…");
  log("gateway", "info", "starting...");
  if (profile.era === "sqlite") await ownSqlite(runtime);
  else await ownFiles(runtime);
  if (profile.era === "sqlite") log("gateway", "info", `shutdown budget at startup: drain=${profile.drainMs}ms`);
  await listen(runtime);
  stopOnSignal(runtime);
  setTimeout(() => ready(runtime), fault("neverReady") ? 2 ** 30 : profile.readyAfterMs);
}

function check(config, where, flags) {
  const issues = problemsOf(config);
  if (issues.length) {
    const lines = issues.map((issue) => `- ${issue.path}: ${issue.message}`).join("\n");
    throw new StartFailed(profile.exitConfig, `${profile.era === "files" ? "Config invalid" : "Invalid config"}\nFile: ${where.config}\nProblem:\n${lines}`);
  }
  if (config.gateway?.mode !== "local" && !flags.allowUnconfigured) {
    throw new StartFailed(profile.exitConfig, "Gateway start blocked: set gateway.mode=local (current: unset) or pass --allow-unconfigured.");
  }
  const newer = newerWriter(config);
  if (newer && profile.olderBinaryGuard && process.env.OPENCLAW_ALLOW_OLDER_BINARY_DESTRUCTIVE_ACTIONS !== "1") {
    throw new StartFailed(1, `Refusing to run automatic gateway startup migrations because this OpenClaw binary (${profile.version}) is older than the config last written by OpenClaw ${newer}.`);
  }
}

async function ownSqlite(runtime) {
  const { where } = runtime;
  const claimed = profile.claimsFirst ? claim(where) : undefined;
  const owner = lockOwner(where);
  if (owner) {
    throw new StartFailed(78, `Another gateway (pid ${owner.pid}) already owns this state directory; refusing to run automatic startup migrations or report the gateway ready. Stop it with "openclaw gateway stop" (or select a different OPENCLAW_STATE_DIR), then retry startup.`);
  }
  const found = survey(where);
  if (found.newer.length) throw new StartFailed(78, `[gateway] refused startup ${newerText(found.newer)}${newerAdvice(found)}`);
  if (existsSync(join(where.state, "identity", "device.json")) && found.state === undefined) {
    throw new StartFailed(78, `Legacy device identity exists at ${join(where.state, "identity", "device.json")}. Run "openclaw doctor --fix" before starting the gateway or connecting this client.`);
  }
  const behind = found.state !== undefined && found.state < profile.schema.state;
  if (!behind && found.oldAgents.length) throw new StartFailed(78, unmigrated(found.oldAgents[0]));
  runtime.held = [claimed ?? (await lifecycle(where, behind)), shareFamily(where, "state-handles"), touchFamily(where, "state-lifecycle")];
  if (behind) {
    for (const line of migrateAll(where, { keepBackups: true })) process.stdout.write(`- ${line}\n`);
    stampConfig(where.config);
  }
  runtime.db = openState(where);
  runtime.store = new SqliteStore(runtime.db);
  runtime.releaseLease = takeLease(runtime.db, runtime.port);
  runtime.releaseLocks = takeLocks(where, runtime.port);
  runtime.store.identity();
  runtime.broker = fork(join(HERE, "process", "spawn-broker", "worker.js"), { stdio: ["ignore", "ignore", "ignore", "ipc"], execArgv: [] });
  runtime.broker.unref();
  runtime.broker.channel.unref();
  log("gateway", "info", `spawn broker ready pid=${runtime.broker.pid}`);
  noteBoot(runtime);
  runtime.noteAgent = (agent) => noteAgent(runtime, agent);
}

function unmigrated(file) {
  return `OpenClaw agent database ${file.path} uses schema version ${file.schema}; stop active agents and run openclaw doctor --fix to migrate session identities before using it.\n[gateway] requires state migration. Stop the service with openclaw gateway stop (or its service owner), then run openclaw doctor --fix, then start it again with openclaw gateway start.`;
}

/** 2026.9.6 looks for migrations with the state claimed, before anything else, and does not wait for it. */
function claim(where) {
  try {
    return holdFamily(where, "gateway-lifecycle");
  } catch (error) {
    throw new StartFailed(78, `[gateway] requires state migration: ${error.message} Stop it, then run openclaw doctor --fix.`);
  }
}

async function lifecycle(where, behind) {
  if (behind) {
    try {
      return holdFamily(where, "gateway-lifecycle");
    } catch (error) {
      throw new StartFailed(78, error.message);
    }
  }
  const held = await waitForFamily(where, "gateway-lifecycle", profile.lifecycleWaitMs, () =>
    log("gateway", "warn", "waiting for gateway-lifecycle ownership held by another OpenClaw process, up to 300 s"),
  );
  if (!held) throw new StartFailed(1, `failed to acquire gateway state ownership; waited ${profile.lifecycleWaitMs}ms for gateway-lifecycle ownership`);
  return held;
}

async function ownFiles(runtime) {
  // 2026.2.22 takes the lock of a live owner when the port it wants itself is free (gateway-lock, resolveGatewayOwnerStatus).
  let owner = await ownerBefore(runtime);
  for (const until = Date.now() + profile.lockWaitMs; owner && Date.now() < until; owner = await ownerBefore(runtime)) {
    await new Promise((done) => setTimeout(done, 50));
  }
  if (owner) {
    const port = (await isFree(runtime.port)) ? "" : `\nPort ${runtime.port} is already in use.`;
    throw new StartFailed(1, `Gateway failed to start: gateway already running (pid ${owner.pid}); lock timeout after 5000ms${port}`);
  }
  runtime.store = new FileStore(runtime.where);
  runtime.releaseLocks = takeLocks(runtime.where, runtime.port);
  for (const folder of ["cron", "canvas", "workspace"]) mkdirSync(join(runtime.where.state, folder), { recursive: true, mode: 0o700 });
  const jobs = join(runtime.where.state, "cron", "jobs.json");
  if (!existsSync(jobs)) writeFileSync(jobs, '{"version":1,"jobs":[]}\n', { mode: 0o600 });
}

async function ownerBefore(runtime) {
  if (profile.lockByPort && (await isFree(runtime.port))) return undefined;
  return lockOwner(runtime.where);
}

function isFree(port) {
  return new Promise((done) => {
    const probe = createServer();
    probe.once("error", () => done(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => done(true)));
  });
}

/** Rows every start leaves: this boot, the configuration seen, the heartbeat job with its absolute path. */
function noteBoot({ db, where, bootId, config }) {
  const now = Date.now();
  db.prepare("INSERT INTO gateway_boot_lifecycle (boot_id, pid, started_at_ms) VALUES (?, ?, ?)").run(bootId, process.pid, now);
  db.prepare("INSERT OR REPLACE INTO config_health_entries (config_path, last_known_good_json, updated_at_ms) VALUES (?, ?, ?)")
    .run(where.config, JSON.stringify({ observedAt: new Date(now).toISOString() }), now);
  db.prepare("INSERT OR REPLACE INTO diagnostic_events VALUES ('config-snapshot', 'latest', ?, ?, 1)").run(JSON.stringify({ configPath: where.config }), now);
  const job = JSON.stringify({ id: "heartbeat-main", schedule: { kind: "every", everyMs: 1_800_000 } });
  db.prepare("INSERT OR IGNORE INTO cron_jobs (store_key, job_id, name, enabled, agent_id, payload_kind, job_json, updated_at) VALUES (?, ?, ?, 1, 'main', 'heartbeat', ?, ?)")
    .run(join(where.state, "cron", "jobs.json"), "heartbeat-main", "heartbeat-main", job, now);
  for (const agent of agentsOf(config)) mkdirSync(join(where.state, "agents", agent, "agent"), { recursive: true, mode: 0o700 });
  mkdirSync(join(where.state, "workspace"), { recursive: true, mode: 0o700 });
}

function noteAgent({ db, where }, agent) {
  db.prepare("INSERT OR REPLACE INTO agent_databases VALUES (?, ?, ?, ?, 4096)")
    .run(agent, `agents/${agent}/agent/openclaw-agent.sqlite`, profile.schema.agent, Date.now());
  void where;
}

/** Keep the agents' databases open while the gateway serves, as the real one does. */
export function keepOpen(runtime) {
  runtime.agents = survey(runtime.where).agents.map(({ agent }) => openAgent(runtime.where, agent, false));
}

async function listen(runtime) {
  const host = runtime.flags.bind === "lan" || runtime.config.gateway?.bind === "lan" ? "0.0.0.0" : "127.0.0.1";
  const auth = { mode: "token", ...runtime.config.gateway?.auth };
  if (auth.mode === "token" && !auth.token) auth.token = process.env.OPENCLAW_GATEWAY_TOKEN;
  if (runtime.flags.token) auth.token = runtime.flags.token;
  runtime.auth = auth;
  runtime.server = createServer((request, response) => probe(runtime, request, response));
  runtime.connections = new Set();
  runtime.server.on("upgrade", (request, socket, head) => {
    const connection = accept(request, socket, head);
    if (connection) serveConnection(runtime, connection, request, randomBytes(16).toString("base64url"));
  });
  if (profile.era === "sqlite") log("gateway", "info", "starting HTTP server...");
  const until = Date.now() + profile.bindRetryMs;
  for (;;) {
    const error = await new Promise((done) => {
      runtime.server.once("error", done);
      runtime.server.listen(runtime.port, host, () => done(undefined));
    });
    if (!error) break;
    if (error.code !== "EADDRINUSE" || Date.now() >= until) return busy(runtime, error);
    await new Promise((done) => setTimeout(done, 50));
  }
  const url = `ws://${host}:${runtime.port}`;
  log("gateway", "info", profile.era === "sqlite" ? `http server listening (1 plugins: stand-in; 0.1s)` : `listening on ${url} (PID ${process.pid})`);
  return undefined;
}

function busy(runtime, error) {
  release(runtime, "startup_failed");
  throw new StartFailed(1, `Gateway failed to start: another gateway instance is already listening on ws://127.0.0.1:${runtime.port} | ${error.message}\nPort ${runtime.port} is already in use.\nGateway already running locally.`);
}

function ready(runtime) {
  if (runtime.phase !== "starting") return;
  if (profile.era === "sqlite") keepOpen(runtime);
  runtime.phase = "started";
  if (profile.era === "sqlite") log("gateway", "info", "ready");
  if (profile.watchesPackage) watchPackage(runtime);
  plant(runtime);
}

/** 9.6 looks after its own package: when another stands in its place it ends and starts that one, with the same words. */
function watchPackage(runtime) {
  const mine = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  const path = join(dirname(dirname(realpathSync(process.argv[1]))), "openclaw", "package.json");
  const timer = setInterval(() => {
    let now;
    try {
      now = readFileSync(path, "utf8");
    } catch {
      return;
    }
    if (now === mine || runtime.phase !== "started") return;
    clearInterval(timer);
    log("gateway", "warn", "package files changed under the running gateway; restarting");
    runtime.phase = "draining";
    runtime.server.close();
    release(runtime, "restart", "package changed");
    spawn(process.execPath, process.argv.slice(1), { stdio: "inherit", detached: true }).unref();
    process.exit(0);
  }, profile.watchEveryMs ?? 500);
  timer.unref();
}

function probe(runtime, request, response) {
  const path = request.url.split("?")[0].replace(/\/$/, "");
  const name = { "/health": "health", "/healthz": "health", "/ready": "ready", "/readyz": "ready", "/startup": "startup", "/startupz": "startup" }[path];
  if (!name || !profile.http.includes(name)) return page(profile.http.length ? 404 : 200, request, response);
  if (!["GET", "HEAD"].includes(request.method)) {
    response.writeHead(405, { allow: "GET, HEAD", "content-type": "text/plain; charset=utf-8" });
    return response.end("Method Not Allowed");
  }
  const [status, body] = answers(runtime)[name];
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", "cache-control": "no-store" });
  return response.end(request.method === "HEAD" ? undefined : JSON.stringify(body));
}

function page(status, request, response) {
  if (!["GET", "HEAD"].includes(request.method)) {
    response.writeHead(405, { "content-type": "text/plain; charset=utf-8" });
    return response.end("Method Not Allowed");
  }
  response.writeHead(status, { "content-type": "text/html; charset=utf-8" });
  return response.end("<!doctype html><title>OpenClaw Control</title>");
}

function answers(runtime) {
  const uptimeMs = Date.now() - runtime.began;
  const up = runtime.phase === "started";
  const waitsFor = runtime.phase === "draining" ? "gateway-draining" : "startup-sidecars";
  return {
    health: [200, { ok: true, status: "live" }],
    ready: [up ? 200 : 503, { ready: up, failing: up ? [] : [waitsFor], uptimeMs }],
    startup: [up ? 200 : 503, { ok: up, status: runtime.phase, version: profile.version, uptimeMs, ...(up ? {} : { pendingReason: waitsFor }) }],
  };
}

function stopOnSignal(runtime) {
  const stop = async (signal) => {
    if (runtime.phase === "draining") return;
    if (fault("ignoresTerm")) return;
    runtime.phase = "draining";
    log("gateway", "info", `received ${signal}; shutting down`);
    const until = Date.now() + profile.drainMs;
    while (runtime.active.size && !runtime.cutsOff && Date.now() < until) await new Promise((done) => setTimeout(done, 20));
    if (profile.era === "sqlite") log("gateway", "info", "active-work drain settled; beginning server close");
    for (const connection of runtime.connections) connection.close(1012, "service restart");
    runtime.server.close();
    release(runtime, "clean_stop", `stop (${signal})`);
    if (profile.era === "sqlite") log("gateway/shutdown", "info", "shutdown completed cleanly in 1ms");
    process.exit(0);
  };
  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => void stop(signal));
}

function release(runtime, outcome, reason = null) {
  runtime.broker?.kill();
  for (const db of runtime.agents ?? []) db.close();
  runtime.releaseLease?.();
  if (runtime.db) {
    runtime.db.prepare("UPDATE gateway_boot_lifecycle SET completed_at_ms = ?, outcome = ?, reason = ? WHERE boot_id = ?")
      .run(Date.now(), outcome, reason, runtime.bootId);
    runtime.db.close();
  }
  runtime.releaseLocks?.();
  for (const held of runtime.held ?? []) held.close();
}

export { buildName };
