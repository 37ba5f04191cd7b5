// Log lines as the real package writes them: text on stdout, one JSON object a line in the file.
import { appendFileSync, mkdirSync, existsSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { profile } from "./profile.js";

const LEVELS = { trace: 1, debug: 2, info: 3, warn: 4, error: 5 };
let file;
let quiet = false;

function localDay(now) {
  const two = (n) => String(n).padStart(2, "0");
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}

/** Choose the file: logging.file, else the dated one under /tmp/openclaw, whatever HOME and TMPDIR say. */
export function openLog(config, { silent = false } = {}) {
  quiet = silent;
  file = config.logging?.file ?? join("/tmp/openclaw", `openclaw-${localDay(new Date())}.log`);
  if (!existsSync(dirname(file))) mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  return file;
}

export function log(subsystem, level, message, details) {
  const now = new Date();
  const stamp = now.toISOString().replace("Z", "+00:00");
  const name = JSON.stringify({ subsystem });
  const line = details === undefined ? { 0: name, 1: message } : { 0: name, 1: details, 2: message };
  line._meta = {
    runtime: "node",
    runtimeVersion: process.versions.node,
    hostname: hostname(),
    date: now.toISOString(),
    logLevelId: LEVELS[level],
    logLevelName: level.toUpperCase(),
    name,
    parentNames: ["openclaw"],
  };
  line.time = profile.log.localTime ? stamp : now.toISOString();
  if (profile.log.flat) Object.assign(line, { hostname: hostname(), message });
  if (file) appendFileSync(file, `${JSON.stringify(line)}\n`, { mode: 0o600 });
  if (!quiet) {
    const shown = `[${subsystem.replace(/^gateway\//, "")}] ${message}`;
    process.stdout.write(`${profile.log.localTime ? stamp : now.toISOString()} ${shown}\n`);
  }
}
