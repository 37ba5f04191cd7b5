// Who owns a state directory: lock files with a pid, coordinators held by SQLite transactions, the owner's lease row.
import { createHash, randomUUID } from "node:crypto";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { profile } from "./profile.js";

const LEASE_MS = 300_000;

export class Owned extends Error {}

const digest = (kind, text) => createHash(kind).update(text).digest("hex").slice(0, 8);

/** Start of a process in clock ticks since boot (field 22 of stat), undefined when it is not there. */
export function startOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : Number(fields[19]);
  } catch {
    return undefined;
  }
}

function alive({ pid, startTime }) {
  const started = startOf(pid);
  return started !== undefined && (startTime === undefined || startTime === started);
}

/** Take an exclusive transaction on a coordinator; undefined when another process has it. */
function coordinator(path) {
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    db.exec("BEGIN EXCLUSIVE");
    return db;
  } catch {
    db.close();
    return undefined;
  }
}

function familyPath(where, family) {
  const folder = `/tmp/openclaw-state-locks-${where.uid}`;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return join(folder, `${family}.${digest("sha256", where.database)}.lock.sqlite`);
}

/** Hold one family for as long as this process lives, e.g. gateway-lifecycle. Throws Owned when it is taken. */
export function holdFamily(where, family) {
  const held = coordinator(familyPath(where, family));
  if (!held) throw new Owned(`another OpenClaw process owns ${family}`);
  return held;
}

/** Hold a share of a family: nobody can have it alone meanwhile. */
export function shareFamily(where, family) {
  const db = new DatabaseSync(familyPath(where, family), { timeout: 0 });
  db.exec("BEGIN");
  db.prepare("SELECT COUNT(*) FROM sqlite_master").get();
  return db;
}

/** A family that is only there. */
export function touchFamily(where, family) {
  const db = new DatabaseSync(familyPath(where, family), { timeout: 0 });
  db.prepare("SELECT COUNT(*) FROM sqlite_master").get();
  return db;
}

/** Wait for a family up to `limitMs`, asking every 50 ms. */
export async function waitForFamily(where, family, limitMs, onWait) {
  const until = Date.now() + limitMs;
  for (let told = false; ; told = true) {
    const held = coordinator(familyPath(where, family));
    if (held) return held;
    if (Date.now() >= until) return undefined;
    if (!told) onWait();
    await new Promise((done) => setTimeout(done, 50));
  }
}

function lockFiles(where) {
  if (profile.locks === "tmp") {
    const kind = profile.lockHash;
    return [join(tmpdir(), `openclaw-${where.uid}`, `gateway.${digest(kind, where.config)}.lock`)];
  }
  const folder = join(where.state, "tmp", `openclaw-${where.uid}`);
  return [join(folder, "gateway.state.lock"), join(folder, `gateway.${digest("sha256", where.config)}.lock`)];
}

/** The live owner named by a lock file, if any. */
export function lockOwner(where) {
  for (const path of lockFiles(where)) {
    if (!existsSync(path)) continue;
    try {
      const owner = JSON.parse(readFileSync(path, "utf8"));
      if (owner.pid !== process.pid && alive(owner)) return owner;
    } catch {
      continue;
    }
  }
  return undefined;
}

/** Write the lock files; returns what takes them away again. */
export function takeLocks(where, port) {
  const owner = { pid: process.pid, createdAt: new Date().toISOString(), configPath: where.config, startTime: startOf(process.pid) };
  if (profile.locks !== "tmp") Object.assign(owner, { ownerId: randomUUID(), stateDir: where.state, port, cronOwnerProjection: "dynamic-default-v1" });
  const kept = [];
  const descriptors = [];
  for (const path of lockFiles(where)) {
    mkdirSync(join(path, ".."), { recursive: true, mode: 0o700 });
    if (profile.locks !== "tmp") kept.push(coordinator(`${path}.sqlite`));
    const descriptor = openSync(path, "w", 0o600); // stays open: by it the owner is recognised from outside
    writeSync(descriptor, JSON.stringify(owner, null, 2));
    descriptors.push(descriptor);
  }
  return () => {
    for (const descriptor of descriptors) closeSync(descriptor);
    for (const path of lockFiles(where)) rmSync(path, { force: true });
    for (const held of kept) held?.close();
  };
}

/** The owner's row in state_leases: refused when another live process of this host holds it, else written and renewed. */
export function takeLease(db, port) {
  const row = db.prepare("SELECT payload_json, expires_at FROM state_leases WHERE scope = 'gateway-owner'").get();
  const other = row && JSON.parse(row.payload_json ?? "{}").owner;
  if (other && other.host === hostname() && other.pid !== process.pid && alive({ pid: other.pid, startTime: other.startedAt })) {
    throw new Owned("Another Gateway owner lease is still active for this state directory");
  }
  const owner = randomUUID();
  const payload = JSON.stringify({
    owner: { pid: process.pid, host: hostname(), startedAt: startOf(process.pid) }, port, mode: "foreground", supervisor: null,
  });
  const beat = () => {
    const now = Date.now();
    db.prepare(
      `INSERT INTO state_leases VALUES ('gateway-owner', 'global', ?, ?, ?, ?, ?, ?) ON CONFLICT (scope, lease_key) DO UPDATE SET
       owner = excluded.owner, expires_at = excluded.expires_at, heartbeat_at = excluded.heartbeat_at,
       payload_json = excluded.payload_json, updated_at = excluded.updated_at`,
    ).run(owner, now + LEASE_MS, now, payload, now, now);
  };
  beat();
  const timer = setInterval(beat, profile.heartbeatMs ?? 30_000);
  return () => {
    clearInterval(timer);
    db.prepare("DELETE FROM state_leases WHERE scope = 'gateway-owner' AND owner = ?").run(owner);
  };
}
