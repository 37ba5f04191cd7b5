// Harm a release can be packed with. Each is named in profile.faults; nothing outside the package switches one on.
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { lookup } from "node:dns";
import { appendFileSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fault } from "./profile.js";
import { schemaOf } from "./databases.js";
import { log } from "./logging.js";
import { DatabaseSync } from "node:sqlite";

/** Faults of the very start: exit78 {text}, crash {}. */
export function plantAtStart() {
  if (fault("throwsAtStart")) throw new TypeError(fault("throwsAtStart").message ?? "cannot read properties of undefined");
  const exits = fault("exits");
  if (!exits) return;
  process.stderr.write(`${exits.text ?? "Gateway failed to start: planted fault"}\n`);
  process.exit(exits.code ?? 78);
}

/** Faults once the gateway is ready: flaps {afterMs, code}, writesLive {}, callsOut {host, port}, noisyLog {lines}. */
export function plant(runtime) {
  const flaps = fault("flaps");
  if (flaps) setTimeout(() => process.exit(flaps.code ?? 1), flaps.afterMs ?? 200);
  if (fault("writesLive")) for (const path of namedPaths(runtime)) touch(path);
  const out = fault("callsOut");
  if (out) connect({ host: out.host, port: out.port }).on("error", () => {});
  const asked = fault("resolves");
  if (asked) lookup(asked.name, () => {});
  const sent = fault("sendsUdp");
  if (sent) sendDatagram(sent);
  if (fault("reachesManager")) reachManager();
  const held = fault("writesAt");
  if (held) holdOpen(held.path);
  for (const line of fault("noisyLog")?.lines ?? []) log("gateway/ws", "warn", line);
}

function sendDatagram({ host, port }) {
  const socket = createSocket("udp4");
  socket.on("error", () => {});
  socket.connect(port, host, () => socket.send("out"));
}

/** Connects where a user's bus and service manager listen: where the environment says, and at the usual place. */
function reachManager() {
  const usual = `/run/user/${process.getuid()}`;
  const named = (process.env.DBUS_SESSION_BUS_ADDRESS ?? "").replace("unix:path=", "");
  for (const path of [named, `${process.env.XDG_RUNTIME_DIR ?? usual}/systemd/private`]) connect({ path }).on("error", () => {});
}

/** Opens a file for writing and keeps it open. */
function holdOpen(path) {
  try {
    openSync(path, "a");
  } catch {
    log("gateway", "error", `cannot write ${path}`);
  }
}

/** Every absolute path that the state itself names: where a clone made carelessly points back into the original. */
function namedPaths({ where, config }) {
  const named = [config.agents?.defaults?.workspace, ...Object.values(config.agents?.entries ?? {}).map((agent) => agent?.workspace)];
  if (schemaOf(where.database) !== undefined) {
    const db = new DatabaseSync(where.database, { readOnly: true });
    named.push(...db.prepare("SELECT store_key AS path FROM cron_jobs UNION SELECT config_path FROM config_health_entries").all().map((row) => dirname(row.path)));
    db.close();
  }
  return named.filter((path) => path?.startsWith("/") && !path.startsWith(where.state));
}

/** Whether another process of this release came by here before: its temporary directory is a canary's own. */
export function startedAgain() {
  const mark = join(tmpdir(), "stand-in-started");
  if (!existsSync(mark)) writeFileSync(mark, String(process.pid));
  return readFileSync(mark, "utf8") !== String(process.pid);
}

function touch(folder) {
  try {
    mkdirSync(folder, { recursive: true });
    appendFileSync(join(folder, "written-by-a-broken-release"), `${process.pid}\n`);
  } catch {
    log("gateway", "error", `cannot write ${folder}`);
  }
}

/** doctorHangs {}: a doctor that never ends. */
export function hangInDoctor() {
  if (fault("doctorHangs")) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

/** migrationForgets {config, table, account}: what a doctor leaves behind when it loses settings, rows or accounts. */
export function forget(where) {
  const lost = fault("migrationForgets");
  if (!lost) return;
  if (lost.config) {
    const config = JSON.parse(readFileSync(where.config, "utf8"));
    delete config[lost.config];
    writeFileSync(where.config, JSON.stringify(config, null, 2));
  }
  if (lost.account) rmSync(join(where.state, "agents", lost.account, "agent", "auth-profiles.json"), { force: true });
  if (lost.table || lost.plugin) {
    const db = new DatabaseSync(where.database);
    if (lost.table) db.exec(`DELETE FROM ${lost.table}`);
    if (lost.plugin) db.exec(`UPDATE config_machine_state SET value_json = replace(value_json, '"enabled":true', '"enabled":false')`);
    db.close();
  }
}

/** doctorDaemon {seconds}: leaves a process behind that keeps doctor's stdout open. */
export function leaveDaemon() {
  const kept = fault("doctorDaemon");
  if (!kept) return;
  const script = `setTimeout(() => {}, ${1000 * (kept.seconds ?? 60)})`;
  spawn(process.execPath, ["-e", script], { stdio: ["ignore", "inherit", "inherit"], detached: true }).unref();
}
