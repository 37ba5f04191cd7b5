// What a record allows: baseline, roles, tokens, and the implications between scopes.
import { profile } from "./profile.js";

const rules = profile.pairing;

export function baselineOf(record) {
  const [first, second] = rules.baseline === "approved" ? [record.approvedScopes, record.scopes] : [record.scopes, record.approvedScopes];
  return first ?? second ?? [];
}

/** Whether what is granted covers what is asked, with the implications of this release. */
export function satisfied(granted, asked) {
  const has = new Set(granted);
  return asked.every((scope) => {
    if (has.has(scope)) return true;
    if (!rules.implied) return false;
    if (has.has("operator.admin") && scope.startsWith("operator.")) return true;
    return has.has("operator.write") && rules.writeImplies.includes(scope);
  });
}

export function activeToken(record, role) {
  const token = record.tokens?.[role];
  return token && !token.revokedAtMs ? token : undefined;
}

export function rolesOf(record) {
  const named = record.roles ?? [record.role];
  return rules.rolesNeedToken ? named.filter((role) => activeToken(record, role)) : named;
}
