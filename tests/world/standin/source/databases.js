// The shared state database and the agents' databases: open, versions, migration.
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { randomUUID } from "node:crypto";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { profile, buildName, ROOT, fault } from "./profile.js";
import { AGENT_ADDED, AGENT_TABLES, STATE_ADDED, STATE_TABLES, createStatements } from "./schema.js";

export class Refused extends Error {}

function open(path) {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const fresh = !existsSync(path);
  const db = new DatabaseSync(path, { timeout: 5000 });
  if (fresh) db.exec("PRAGMA auto_vacuum = 2");
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
  for (const tail of ["", "-wal", "-shm"]) if (existsSync(path + tail)) chmodSync(path + tail, 0o600);
  return db;
}

/** `user_version` of a database file, read without creating or changing anything; undefined where there is none. */
export function schemaOf(path) {
  if (!existsSync(path)) return undefined;
  const db = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
  try {
    return db.prepare("PRAGMA user_version").get().user_version;
  } finally {
    db.close();
  }
}

/** Agents that have a database on disk, as {agent, path}. */
export function agentFiles(where) {
  const root = join(where.state, "agents");
  if (!existsSync(root)) return [];
  return readdirSync(root).sort()
    .map((agent) => ({ agent, path: join(root, agent, "agent", "openclaw-agent.sqlite") }))
    .filter(({ path }) => existsSync(path));
}

/** What the databases on disk are, next to what this build supports. */
export function survey(where) {
  const state = schemaOf(where.database);
  const agents = agentFiles(where).map((file) => ({ ...file, schema: schemaOf(file.path) }));
  const newer = [];
  if (state > profile.schema.state) newer.push({ label: "state database", path: where.database, found: state, supported: profile.schema.state });
  for (const file of agents) {
    if (file.schema > profile.schema.agent) {
      newer.push({ label: `agent database for agent ${file.agent}`, path: file.path, found: file.schema, supported: profile.schema.agent });
    }
  }
  return { state, agents, newer, oldAgents: agents.filter((file) => file.schema < profile.schema.agent) };
}

export function newerText(newer) {
  const each = newer.map((one) => `${one.label} ${one.path} uses schema ${one.found}; this build supports ${one.supported};`).join(" ");
  return `because ${newer.length} OpenClaw database schema(s) are newer than this build. ${each} Refused by ${buildName()} installed at ${ROOT}.`;
}

/** What 2026.9.6 adds when it is the shared database that is newer. */
export function newerAdvice(found) {
  const concerned = profile.claimsFirst && found.state > profile.schema.state;
  return concerned ? ` State database uses newer schema version ${found.state}; run openclaw doctor --fix of that release.` : "";
}

/** Open the shared database, creating or migrating it. `backups` collects the copies made before a migration. */
export function openState(where, backups) {
  const before = schemaOf(where.database);
  if (before > profile.schema.state) {
    throw new Refused(
      `OpenClaw state database ${where.database} uses newer schema version ${before}; this build supports ${profile.schema.state}.\nRefused by ${buildName()} installed at ${ROOT}.`,
    );
  }
  if (before !== undefined && before < profile.schema.state && backups) backups.push(backup(where.database));
  const db = open(where.database);
  if (before !== profile.schema.state) {
    build(db, [STATE_TABLES, ...added(STATE_ADDED, profile.schema.state)], profile.schema.state, "global", null);
    if (before !== undefined) plantedLoss(db);
  }
  return db;
}

/** Open one agent's database; an older one is migrated only when `migrate` says so, else it is refused. */
export function openAgent(where, agent, migrate = true) {
  const path = join(where.state, "agents", agent, "agent", "openclaw-agent.sqlite");
  const before = schemaOf(path);
  if (before !== undefined && before !== profile.schema.agent && !(migrate && before < profile.schema.agent)) {
    throw new Refused(`OpenClaw agent database ${path} uses schema version ${before}`);
  }
  const db = open(path);
  if (before !== profile.schema.agent) {
    build(db, [AGENT_TABLES, ...added(AGENT_ADDED, profile.schema.agent)], profile.schema.agent, "agent", agent);
  }
  return db;
}

function added(extra, schema) {
  return Object.entries(extra).filter(([from]) => Number(from) <= schema).map(([, tables]) => tables);
}

function build(db, groups, schema, role, agent) {
  const now = Date.now();
  db.exec("BEGIN IMMEDIATE");
  for (const tables of groups) for (const statement of createStatements(tables)) db.exec(statement);
  db.prepare(
    `INSERT INTO schema_meta VALUES ('primary', ?, ?, ?, ?, ?, ?)
     ON CONFLICT (meta_key) DO UPDATE SET schema_version = excluded.schema_version, updated_at = excluded.updated_at`,
  ).run(role, schema, agent, profile.version, now, now);
  db.exec(`PRAGMA user_version = ${schema}`);
  db.exec("COMMIT");
}

/** A release whose migration harms the pairings, when one was packed so. */
function plantedLoss(db) {
  const how = fault("migrationLosesPairing")?.how;
  if (how === "row") db.exec("DELETE FROM device_pairing_paired");
  if (how === "scopes") db.exec(`UPDATE device_pairing_paired SET scopes_json = '["operator.read"]', approved_scopes_json = '["operator.read"]'`);
  if (how === "token") {
    for (const row of db.prepare("SELECT device_id, tokens_json FROM device_pairing_paired").all()) {
      const tokens = JSON.parse(row.tokens_json ?? "{}");
      for (const token of Object.values(tokens)) token.token = randomUUID().replaceAll("-", "").padEnd(43, "x");
      db.prepare("UPDATE device_pairing_paired SET tokens_json = ? WHERE device_id = ?").run(JSON.stringify(tokens), row.device_id);
    }
  }
}

function backup(path) {
  const copy = `${path}.pre-startup-migration-${randomUUID()}.bak`;
  const db = new DatabaseSync(path, { timeout: 5000 });
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
  copyFileSync(path, copy);
  chmodSync(copy, 0o600);
  return copy;
}

/** Migrate shared and agent databases as the release's doctor and first start do. Returns lines for a person. */
export function migrateAll(where, { keepBackups }) {
  const lines = [];
  const found = survey(where);
  const backups = keepBackups ? [] : undefined;
  const db = openState(where, backups);
  for (const file of found.oldAgents) {
    if (backups) backups.push(backup(file.path));
    openAgent(where, file.agent).close();
    db.prepare("UPDATE agent_databases SET schema_version = ? WHERE agent_id = ?").run(profile.schema.agent, file.agent);
    lines.push(`Upgraded agent database schema in ${file.path}: v${file.schema} -> v${profile.schema.agent}.`);
  }
  for (const path of backups ?? []) lines.unshift(`Saved pre-migration SQLite backup: ${path}`);
  db.close();
  return lines;
}
