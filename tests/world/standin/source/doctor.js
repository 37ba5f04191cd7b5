// doctor: migrates what is older, imports what an older release kept in files, refuses while somebody owns the state.
import { existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { profile, fault } from "./profile.js";
import { place } from "./place.js";
import { problemsOf, readConfig, stampConfig } from "./config.js";
import { forget, hangInDoctor, leaveDaemon } from "./faults.js";
import { agentFiles, migrateAll, newerAdvice, newerText, openAgent, openState, survey } from "./databases.js";
import { Owned, holdFamily } from "./locks.js";
import { SqliteStore } from "./store.js";

const say = (text) => process.stdout.write(`${text}\n`);
const warn = (text) => process.stderr.write(`${text}\n`);

export function doctor(flags) {
  const where = place();
  if (flags.lint) return lint(where, flags);
  say("OpenClaw doctor");
  const planted = fault("doctorFails");
  if (planted) {
    warn(planted.message ?? "Doctor could not complete maintenance.");
    return planted.code ?? 1;
  }
  hangInDoctor();
  leaveDaemon();
  if (profile.era === "files") return 0;
  return repair(where, flags);
}

function repair(where, flags) {
  const found = survey(where);
  if (found.newer.length) {
    warn(`Doctor could not complete maintenance. Check the reported service state and resolve the failure.\nDoctor refused to continue${newerAdvice(found) || ` ${newerText(found.newer)}`}`);
    return 1;
  }
  let held;
  try {
    held = holdFamily(where, "gateway-lifecycle");
  } catch (error) {
    if (!(error instanceof Owned)) throw error;
    if (!flags.fix) return 0;
    warn(`Doctor could not enter maintenance. StateDatabaseCoordinatorContentionError: ${error.message} Stop the Gateway service and other OpenClaw processes using this state, then run openclaw doctor --fix from an independent shell.`);
    return 1;
  }
  for (const line of migrateAll(where, { keepBackups: false })) say(line);
  importFiles(where);
  forget(where);
  if (flags.fix && stampConfig(where.config)) say(`Updated config: ${where.config}\n  Backup: ${where.config}.bak`);
  held.close();
  say("Run openclaw doctor --fix to see what else could be done.\nDoctor complete.");
  return 0;
}

function readJson(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
}

/** Identity, tokens, pairings and sessions of the file era. Rows that exist win. */
function importFiles(where) {
  const at = (...parts) => join(where.state, ...parts);
  const db = openState(where);
  const store = new SqliteStore(db);
  const identity = readJson(at("identity", "device.json"));
  if (identity && !db.prepare("SELECT 1 FROM device_identities").get()) {
    db.prepare("INSERT INTO device_identities VALUES ('primary', ?, ?, ?, ?, ?)")
      .run(identity.deviceId, identity.publicKeyPem, identity.privateKeyPem, identity.createdAtMs, identity.createdAtMs);
    rmSync(at("identity", "device.json"));
  }
  const own = readJson(at("identity", "device-auth.json"));
  if (own) {
    for (const { role, token, scopes } of Object.values(own.tokens)) if (!store.ownToken(role)) store.keepOwnToken(own.deviceId, role, token, scopes);
    rmSync(at("identity", "device-auth.json"));
  }
  const paired = readJson(at("devices", "paired.json"));
  if (paired) {
    const known = new Set(store.paired().map((record) => record.deviceId));
    const fresh = Object.values(paired).filter((record) => record.publicKey && !known.has(record.deviceId));
    for (const record of fresh) store.save(record);
    say(`device pairing store migrated to SQLite: imported ${fresh.length} paired device(s), kept ${known.size} existing record(s)`);
  }
  for (const name of ["paired", "pending", "bootstrap"]) {
    const path = at("devices", `${name}.json`);
    if (existsSync(path)) renameSync(path, `${path}.migrated`);
  }
  importSessions(where);
  store.close();
}

function importSessions(where) {
  for (const agent of ["main", "beta"]) {
    const folder = join(where.state, "agents", agent, "sessions");
    const index = readJson(join(folder, "sessions.json"));
    if (!index || agentFiles(where).some((file) => file.agent === agent)) continue;
    const db = openAgent(where, agent);
    for (const [key, entry] of Object.entries(index)) {
      db.prepare("INSERT OR IGNORE INTO session_nodes (session_key, current_session_id, entry_json, updated_at) VALUES (?, ?, ?, ?)")
        .run(key, entry.sessionId, JSON.stringify(entry), entry.updatedAt);
      const file = join(folder, `${entry.sessionId}.jsonl`);
      const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : [];
      lines.forEach((line, seq) => db.prepare("INSERT OR IGNORE INTO transcript_events VALUES (?, ?, ?, ?)").run(entry.sessionId, seq, line, entry.updatedAt));
    }
    db.close();
    renameSync(join(folder, "sessions.json"), join(folder, "sessions.json.migrated"));
  }
}

function lint(where, flags) {
  if (!profile.doctorLint) {
    warn("error: unknown option '--lint'");
    return 1;
  }
  const found = survey(where);
  const [first] = found.newer;
  if (first?.label === "state database") {
    const message = `This OpenClaw build cannot open your existing data.\nOpenClaw state database ${first.path} uses newer schema version ${first.found}; this build supports ${first.supported}.`;
    if (flags.json) say(JSON.stringify({ ok: false, error: { type: "cli_error", message } }, null, 2));
    else warn(message);
    return 2;
  }
  if (first) warn(`OpenClaw agent database ${first.path} uses newer schema version ${first.found}; this build supports ${first.supported}.`);
  const findings = [];
  for (const issue of problemsOf(readConfig(where.config))) findings.push({ checkId: "core/config", severity: "error", message: `${issue.path}: ${issue.message}`, path: issue.path });
  for (const one of fault("lintFindings")?.findings ?? []) findings.push(one);
  const least = flags["severity-min"] === "error" ? ["error"] : ["error", "warning"];
  const shown = findings.filter((one) => least.includes(one.severity));
  if (flags.json) say(JSON.stringify({ schemaVersion: 1, ok: shown.length === 0, checksRun: 35, checksSkipped: 30, findings: shown }));
  return shown.length ? 1 : 0;
}
