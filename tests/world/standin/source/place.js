// Where things lie: home, state directory, configuration, port. Rules as in the real package (paths.ts, profile.ts).
import { existsSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve, dirname, basename } from "node:path";

const env = process.env;

function expand(text, home) {
  return text.startsWith("~") ? join(home, text.slice(1)) : resolve(text);
}

function canonical(path) {
  if (existsSync(path)) return realpathSync(path);
  const parent = dirname(path);
  return parent === path ? path : join(canonical(parent), basename(path));
}

/** Applies --profile NAME (or --dev) to the environment, as the real launcher does before anything else. */
export function selectProfile(name) {
  const home = env.OPENCLAW_HOME?.trim() || env.HOME || homedir();
  env.OPENCLAW_PROFILE = name;
  env.OPENCLAW_STATE_DIR ??= join(home, `.openclaw-${name}`);
  env.OPENCLAW_CONFIG_PATH ??= join(env.OPENCLAW_STATE_DIR, "openclaw.json");
  if (name === "dev") env.OPENCLAW_GATEWAY_PORT ??= "19001";
}

export function place() {
  const home = env.OPENCLAW_HOME?.trim() || env.HOME || homedir();
  const named = env.OPENCLAW_STATE_DIR?.trim();
  const state = canonical(named ? expand(named, home) : join(home, ".openclaw"));
  const given = env.OPENCLAW_CONFIG_PATH?.trim();
  const config = given ? canonical(expand(given, home)) : join(state, "openclaw.json");
  return { home, state, config, database: join(state, "state", "openclaw.sqlite"), uid: process.getuid() };
}

/** Flag, then environment, then configuration, then the default: the real order. */
export function portOf(config, flag) {
  return Number(flag ?? env.OPENCLAW_GATEWAY_PORT ?? config?.gateway?.port ?? 18789);
}
