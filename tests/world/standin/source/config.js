// openclaw.json: read (JSON5 is near enough an expression of the language), checked a little, written with backups.
import { existsSync, readFileSync, writeFileSync, renameSync, copyFileSync, chmodSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import vm from "node:vm";
import { profile, compareVersions } from "./profile.js";

const KNOWN = new Set([
  "gateway", "update", "models", "agents", "tools", "discovery", "logging", "meta", "wizard", "skills", "talk", "channels",
  "cron", "hooks", "env", "session", "plugins", "browser", "messages", "commands", "transcripts", "diagnostics", "auth", "memory",
]);

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return JSON.parse(JSON.stringify(vm.runInNewContext(`(${text}\n)`, Object.create(null), { timeout: 1000 })));
  }
}

function merge(base, over) {
  if (!isObject(base) || !isObject(over)) return over;
  const out = { ...base };
  for (const [key, value] of Object.entries(over)) out[key] = key in out ? merge(out[key], value) : value;
  return out;
}

function isObject(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function included(value, folder) {
  if (Array.isArray(value)) return value.map((item) => included(item, folder));
  if (!isObject(value)) return typeof value === "string" ? substituted(value) : value;
  const { $include: names, ...own } = value;
  let out = {};
  for (const name of names === undefined ? [] : [names].flat()) {
    const path = resolve(folder, name);
    out = merge(out, included(parse(readFileSync(path, "utf8")), dirname(path)));
  }
  for (const [key, item] of Object.entries(own)) out[key] = merge(out[key], included(item, folder));
  return out;
}

function substituted(text) {
  return text.replace(/(\$?)\$\{([A-Z_][A-Z0-9_]*)\}/g, (whole, escape, name) =>
    escape ? whole.slice(1) : (process.env[name] ?? whole),
  );
}

/** The effective configuration, or {} where there is no file. Throws with `code: "config"` when it cannot be read. */
export function readConfig(path) {
  if (!existsSync(path)) return {};
  try {
    return included(parse(readFileSync(path, "utf8")), dirname(path));
  } catch (error) {
    throw Object.assign(new Error(`Config invalid at ${path}: ${error.message}`), { code: "config" });
  }
}

/** Problems of a configuration as {path, message}: unknown top-level keys, as the real strict schema refuses them. */
export function problemsOf(config) {
  const unknown = Object.keys(config).filter((key) => !KNOWN.has(key));
  const issues = unknown.map((key) => ({ path: key, message: `Unrecognized key: "${key}"` }));
  const mode = config.gateway?.mode;
  if (mode !== undefined && !["local", "remote"].includes(mode)) issues.push({ path: "gateway.mode", message: "Invalid input" });
  if (profile.configRejects) {
    for (const dotted of profile.configRejects) {
      if (dotted.split(".").reduce((at, key) => at?.[key], config) !== undefined) {
        issues.push({ path: dotted, message: "Unrecognized key" });
      }
    }
  }
  return issues;
}

export function agentsOf(config) {
  const list = config.agents?.list?.map((agent) => agent.id) ?? Object.keys(config.agents?.entries ?? {});
  return list.length ? list : ["main"];
}

/** Stamp the file with this release, keep .bak and .bak.1, write by rename. Only the raw file is touched, not includes. */
export function stampConfig(path) {
  if (!existsSync(path)) return false;
  const raw = parse(readFileSync(path, "utf8"));
  if (raw.meta?.lastTouchedVersion === profile.version) return false;
  raw.meta = { ...raw.meta, lastTouchedVersion: profile.version, lastTouchedAt: new Date().toISOString() };
  if (existsSync(`${path}.bak`)) renameSync(`${path}.bak`, `${path}.bak.1`);
  copyFileSync(path, `${path}.bak`);
  chmodSync(`${path}.bak`, 0o600);
  const temporary = join(dirname(path), `.openclaw.json.${process.pid}.tmp`);
  writeFileSync(temporary, `${JSON.stringify(raw, null, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, path);
  return true;
}

/** What 9.x does at a start: keep a first backup, and put it back when gateway.mode is gone since. Returns words for a person. */
export function guardConfig(path) {
  if (!profile.restoresConfig || !existsSync(path)) return undefined;
  const mode = readConfig(path).gateway?.mode;
  const backup = `${path}.bak`;
  if (mode !== undefined) {
    if (!existsSync(backup)) copyFileSync(path, backup);
    return undefined;
  }
  if (!existsSync(backup) || readConfig(backup).gateway?.mode === undefined) return undefined;
  renameSync(path, `${path}.clobbered.${new Date().toISOString().replace(/[:.]/g, "-")}`);
  copyFileSync(backup, path);
  chmodSync(path, 0o600);
  return `Config auto-restored from backup: ${path} (gateway-mode-missing-vs-last-good)`;
}

/** The version that last wrote the configuration when that is newer than this build, else undefined. */
export function newerWriter(config) {
  const touched = config.meta?.lastTouchedVersion;
  return touched && compareVersions(touched, profile.version) > 0 ? touched : undefined;
}
