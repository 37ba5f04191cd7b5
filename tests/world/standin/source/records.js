// What a connect does to the pairing records: silent approval, pending requests, tokens, marks of use.
import { randomUUID } from "node:crypto";
import { newToken } from "./identity.js";
import { profile } from "./profile.js";
import { No } from "./refusal.js";
import { activeToken, baselineOf, rolesOf, satisfied } from "./rights.js";

const rules = profile.pairing;
const LONG = {
  "not-paired": "device is not approved yet",
  "scope-upgrade": "device is asking for more scopes than currently approved",
  "role-upgrade": "device is asking for a higher role than currently approved",
  "metadata-upgrade": "device identity changed and must be re-approved",
};

/** New device, more scopes, another role or another platform: approved silently, or refused with a pending request. */
export function pair(params, asked, way, record, context) {
  const reason = upgradeReason(params, asked, record);
  if (!reason) {
    touch(record, way, asked, params, context);
    return record;
  }
  if (record) context.audit(reason, params, asked, way, record);
  if (rules.silent[reason] === "always" || (rules.silent[reason] === "shared" && way.method !== "device-token") || (rules.silent[reason] === "operator" && asked.role === "operator")) {
    return approve(params, asked, record, context);
  }
  throw pairingRequired(reason, params, asked, record, context);
}

function upgradeReason(params, asked, record) {
  if (!record || record.publicKey !== params.device.publicKey) return "not-paired";
  if (!rolesOf(record).includes(asked.role)) return "role-upgrade";
  if (asked.scopes.length && !satisfied(baselineOf(record), asked.scopes)) return "scope-upgrade";
  if (rules.metadata && record.platform && record.platform !== params.client.platform) return "metadata-upgrade";
  return undefined;
}

function approve(params, asked, record, context) {
  const now = Date.now();
  const scopes = [...new Set([...(record?.scopes ?? []), ...asked.scopes])];
  const widened = rules.tokenScopes === "asked" ? asked.scopes : normalised(scopes);
  const kept = record?.tokens?.[asked.role];
  const token = { token: newToken(), role: asked.role, scopes: widened, createdAtMs: kept?.createdAtMs ?? now };
  if (kept) token.rotatedAtMs = now;
  if (kept?.lastUsedAtMs) token.lastUsedAtMs = kept.lastUsedAtMs;
  const made = {
    ...record,
    deviceId: params.device.id, publicKey: params.device.publicKey, platform: params.client.platform,
    displayName: params.client.displayName ?? null, clientId: params.client.id, clientMode: params.client.mode, role: asked.role,
    roles: [...new Set([...(record?.roles ?? []), asked.role])], scopes: scopes.length || !rules.omitsEmpty ? scopes.sort() : undefined,
    tokens: { ...record?.tokens, [asked.role]: token }, createdAtMs: record?.createdAtMs ?? now, approvedAtMs: now,
  };
  made.approvedScopes = rules.approvedScopes ? made.scopes : undefined;
  if (rules.seen) Object.assign(made, { approvedVia: "silent", lastSeenAtMs: now, lastSeenReason: "connect" });
  context.store.save(made);
  context.store.dropPending(params.device.id);
  context.log("info", `device pairing auto-approved device=${params.device.id} role=${asked.role}`);
  return made;
}

function normalised(scopes) {
  const all = new Set(scopes);
  if (all.has("operator.admin")) for (const implied of ["operator.read", "operator.write"]) all.add(implied);
  return [...all].sort();
}

function pairingRequired(reason, params, asked, record, context) {
  const request = {
    requestId: randomUUID(), deviceId: params.device.id, publicKey: params.device.publicKey, platform: params.client.platform,
    clientId: params.client.id, clientMode: params.client.mode, role: asked.role, roles: [asked.role], scopes: asked.scopes,
    silent: rules.silent[reason] === "asked", isRepair: Boolean(record), ts: Date.now(),
  };
  const waiting = context.store.pending().find((one) => one.deviceId === request.deviceId && Date.now() - one.ts < 300_000);
  if (waiting && rules.pendingAgain === "kept") request.requestId = waiting.requestId;
  else context.store.savePending(request);
  const text = rules.longTexts ? `pairing required: ${LONG[reason]}` : "pairing required";
  const details = { requestId: request.requestId };
  if (rules.codes) Object.assign(details, { code: "PAIRING_REQUIRED", reason });
  if (rules.advice) {
    Object.assign(details, {
      deviceId: request.deviceId, requestedRole: asked.role, ...(asked.scopes.length ? { requestedScopes: asked.scopes } : {}),
      approvedRoles: record?.roles, approvedScopes: record && baselineOf(record),
    });
  }
  const closeReason = rules.longTexts ? `${text} (requestId: ${request.requestId})` : text;
  return new No("NOT_PAIRED", text, { details, closeReason, cause: "pairing-required" });
}

/** What a successful connect leaves in the record. */
export function touch(record, way, asked, params, context) {
  const now = Date.now();
  record.displayName = params.client.displayName ?? null;
  const token = record.tokens?.[asked.role];
  if (way.method === "device-token" && token) token.lastUsedAtMs = now;
  if (rules.touchesClient) Object.assign(record, { clientId: params.client.id, clientMode: params.client.mode, platform: params.client.platform });
  if (rules.mergesScopes) record.scopes = [...new Set([...(record.scopes ?? []), ...asked.scopes])].sort();
  if (rules.seen) Object.assign(record, { lastSeenAtMs: now, lastSeenReason: "connect" });
  context.store.save(record);
}

export function issue(record, asked, way, context) {
  if (activeToken(record, asked.role)) return tokenOf(record, asked.role);
  const token = { token: newToken(), role: asked.role, scopes: baselineOf(record), createdAtMs: Date.now() };
  record.tokens = { ...record.tokens, [asked.role]: token };
  context.store.save(record);
  return tokenOf(record, asked.role);
}

export function tokenOf(record, role) {
  const token = record.tokens[role];
  return { deviceToken: token.token, issuedAtMs: token.rotatedAtMs ?? token.createdAtMs };
}

/** 2.22: whoever has the shared secret is not held against the record; its token grows with what is asked. */
export function ensured(record, way, asked, context) {
  const kept = activeToken(record, asked.role);
  if (!kept || !satisfied(kept.scopes, asked.scopes)) {
    const now = Date.now();
    const token = { token: newToken(), role: asked.role, scopes: [...asked.scopes].sort(), createdAtMs: kept?.createdAtMs ?? now };
    record.tokens = { ...record.tokens, [asked.role]: kept ? { ...token, rotatedAtMs: now } : token };
    context.store.save(record);
  }
  return { method: way.method, role: asked.role, scopes: record.tokens[asked.role].scopes, ...tokenOf(record, asked.role) };
}

/** An operator approves a request: scopes are merged, the token is a new one with what was asked (approveDevicePairing of 2.19). */
export function approveRequest(store, requestId) {
  const asked = store.pending().find((one) => one.requestId === requestId);
  if (!asked) return undefined;
  const now = Date.now();
  const record = store.device(asked.deviceId);
  const scopes = [...new Set([...(record?.scopes ?? []), ...(asked.scopes ?? [])])].sort();
  const kept = record?.tokens?.[asked.role];
  const token = { token: newToken(), role: asked.role, scopes: rules.tokenScopes === "asked" ? asked.scopes : normalised(scopes), createdAtMs: kept?.createdAtMs ?? now };
  if (kept) token.rotatedAtMs = now;
  const made = {
    ...record, deviceId: asked.deviceId, publicKey: asked.publicKey ?? record?.publicKey, platform: asked.platform ?? record?.platform,
    clientId: asked.clientId, clientMode: asked.clientMode ?? record?.clientMode, role: asked.role,
    roles: [...new Set([...(record?.roles ?? []), asked.role])], scopes, tokens: { ...record?.tokens, [asked.role]: token },
    createdAtMs: record?.createdAtMs ?? now, approvedAtMs: now,
  };
  made.approvedScopes = rules.approvedScopes ? scopes : undefined;
  store.save(made);
  store.dropPending(asked.deviceId);
  return made;
}

/** A new token; scopes that are named become the device's too where the release keeps no approval (rotateDeviceToken of 2.19). */
export function rotateToken(store, { deviceId, role, scopes }) {
  const record = store.device(deviceId);
  const kept = record?.tokens?.[role];
  if (!kept) return undefined;
  if (scopes && rules.approvedScopes && !satisfied(baselineOf(record), scopes)) return undefined;
  const now = Date.now();
  const token = { ...kept, token: newToken(), scopes: [...new Set(scopes ?? kept.scopes)].sort(), rotatedAtMs: now };
  record.tokens = { ...record.tokens, [role]: token };
  if (scopes && !rules.approvedScopes) record.scopes = token.scopes;
  store.save(record);
  return token;
}
