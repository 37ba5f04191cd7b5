// What this release is and does: profile.json is written when the package is packed.
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

export const HERE = dirname(fileURLToPath(import.meta.url));
export const ROOT = dirname(HERE);
export const profile = JSON.parse(readFileSync(new URL("./profile.json", import.meta.url), "utf8"));

/** The settings of a planted fault, or undefined. Faults come only with the package: {"faults": {"name": {…}}}. */
export function fault(name) {
  return profile.faults?.[name];
}

/** How the release calls itself in messages, with its commit where the real one shows it. */
export function buildName() {
  return profile.commit ? `OpenClaw ${profile.version} (${profile.commit})` : `OpenClaw ${profile.version}`;
}

/** Compare two release numbers of the plain form year.month.patch; a suffix -N counts as later. */
export function compareVersions(left, right) {
  const parts = (text) => text.split(/[.-]/).map((part) => Number.parseInt(part, 10) || 0);
  const [a, b] = [parts(left), parts(right)];
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) {
    if ((a[i] ?? 0) !== (b[i] ?? 0)) return (a[i] ?? 0) - (b[i] ?? 0);
  }
  return 0;
}
