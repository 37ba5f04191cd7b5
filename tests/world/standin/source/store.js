// Pairing data and this machine's own identity, in both forms: JSON files up to 2026.7.35, SQLite from 8.1 on.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { newIdentity } from "./identity.js";

function readJson(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
}

function writeJson(path, value) {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, path);
}

/** The files of the older releases; read again on each use, written whole. */
export class FileStore {
  constructor(where) {
    const at = (...parts) => join(where.state, ...parts);
    this.files = {
      identity: at("identity", "device.json"), own: at("identity", "device-auth.json"),
      paired: at("devices", "paired.json"), pending: at("devices", "pending.json"),
    };
  }

  identity() {
    const kept = readJson(this.files.identity);
    if (kept?.version === 1) return kept;
    const made = { version: 1, ...newIdentity() };
    writeJson(this.files.identity, made);
    return made;
  }

  ownToken(role) {
    return readJson(this.files.own)?.tokens?.[role];
  }

  keepOwnToken(deviceId, role, token, scopes) {
    const kept = readJson(this.files.own);
    const tokens = kept?.deviceId === deviceId ? kept.tokens : {};
    tokens[role] = { token, role, scopes: [...new Set(scopes)].sort(), updatedAtMs: Date.now() };
    writeJson(this.files.own, { version: 1, deviceId, tokens });
  }

  paired() {
    return Object.values(readJson(this.files.paired) ?? {});
  }

  device(id) {
    return (readJson(this.files.paired) ?? {})[id];
  }

  save(record) {
    writeJson(this.files.paired, { ...readJson(this.files.paired), [record.deviceId]: record });
  }

  pending() {
    return Object.values(readJson(this.files.pending) ?? {});
  }

  savePending(request) {
    writeJson(this.files.pending, { ...readJson(this.files.pending), [request.requestId]: request });
  }

  dropPending(deviceId) {
    const all = readJson(this.files.pending) ?? {};
    const kept = Object.fromEntries(Object.entries(all).filter(([, request]) => request.deviceId !== deviceId));
    if (Object.keys(kept).length !== Object.keys(all).length) writeJson(this.files.pending, kept);
  }

  remove(id) {
    const { [id]: gone, ...kept } = readJson(this.files.paired) ?? {};
    writeJson(this.files.paired, kept);
  }

  close() {}
}

const RECORD = {
  deviceId: "device_id", publicKey: "public_key", displayName: "display_name", platform: "platform", deviceFamily: "device_family",
  clientId: "client_id", clientMode: "client_mode", role: "role", remoteIp: "remote_ip", approvedVia: "approved_via",
  createdAtMs: "created_at_ms", approvedAtMs: "approved_at_ms", lastSeenAtMs: "last_seen_at_ms", lastSeenReason: "last_seen_reason",
};
const RECORD_JSON = { roles: "roles_json", scopes: "scopes_json", approvedScopes: "approved_scopes_json", tokens: "tokens_json" };
const REQUEST = {
  requestId: "request_id", deviceId: "device_id", publicKey: "public_key", platform: "platform", deviceFamily: "device_family",
  clientId: "client_id", clientMode: "client_mode", role: "role", remoteIp: "remote_ip", ts: "ts",
};
const REQUEST_JSON = { roles: "roles_json", scopes: "scopes_json" };

function fromRow(row, plain, json) {
  const out = {};
  for (const [key, column] of Object.entries(plain)) if (row[column] !== null) out[key] = row[column];
  for (const [key, column] of Object.entries(json)) if (row[column] !== null) out[key] = JSON.parse(row[column]);
  return out;
}

/** The tables of the later releases. */
export class SqliteStore {
  constructor(db) {
    this.db = db;
  }

  identity() {
    const row = this.db.prepare("SELECT * FROM device_identities WHERE identity_key = 'primary'").get();
    if (row) return { deviceId: row.device_id, publicKeyPem: row.public_key_pem, privateKeyPem: row.private_key_pem };
    const made = newIdentity();
    this.db.prepare("INSERT INTO device_identities VALUES ('primary', ?, ?, ?, ?, ?)")
      .run(made.deviceId, made.publicKeyPem, made.privateKeyPem, made.createdAtMs, made.createdAtMs);
    return made;
  }

  ownToken(role) {
    const row = this.db.prepare("SELECT * FROM device_auth_tokens WHERE role = ?").get(role);
    return row && { token: row.token, role, scopes: JSON.parse(row.scopes_json) };
  }

  keepOwnToken(deviceId, role, token, scopes) {
    this.db.prepare("INSERT OR REPLACE INTO device_auth_tokens VALUES (?, ?, ?, ?, ?)")
      .run(deviceId, role, token, JSON.stringify(scopes), Date.now());
  }

  paired() {
    return this.db.prepare("SELECT * FROM device_pairing_paired ORDER BY approved_at_ms DESC").all()
      .map((row) => fromRow(row, RECORD, RECORD_JSON));
  }

  device(id) {
    const row = this.db.prepare("SELECT * FROM device_pairing_paired WHERE device_id = ?").get(id);
    return row && fromRow(row, RECORD, RECORD_JSON);
  }

  save(record) {
    this.#write("device_pairing_paired", "device_id", record, RECORD, RECORD_JSON, {});
  }

  pending() {
    return this.db.prepare("SELECT * FROM device_pairing_pending").all().map((row) => ({
      ...fromRow(row, REQUEST, REQUEST_JSON), silent: row.silent === 1, isRepair: row.is_repair === 1,
    }));
  }

  savePending(request) {
    const flags = { silent: request.silent ? 1 : 0, is_repair: request.isRepair ? 1 : 0 };
    this.#write("device_pairing_pending", "request_id", request, REQUEST, REQUEST_JSON, flags);
  }

  dropPending(deviceId) {
    this.db.prepare("DELETE FROM device_pairing_pending WHERE device_id = ?").run(deviceId);
  }

  remove(id) {
    this.db.prepare("DELETE FROM device_pairing_paired WHERE device_id = ?").run(id);
  }

  #write(table, key, record, plain, json, more) {
    const values = { ...more };
    for (const [name, column] of Object.entries(plain)) if (record[name] !== undefined) values[column] = record[name];
    for (const [name, column] of Object.entries(json)) if (record[name] !== undefined) values[column] = JSON.stringify(record[name]);
    const columns = Object.keys(values);
    const set = columns.filter((column) => column !== key).map((column) => `${column} = excluded.${column}`);
    this.db.prepare(
      `INSERT INTO ${table} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})
       ON CONFLICT (${key}) DO UPDATE SET ${set.join(", ")}`,
    ).run(...Object.values(values));
  }

  close() {
    this.db.close();
  }
}
