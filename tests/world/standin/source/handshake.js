// Whom the gateway lets in. One pure decision per connect, by the rules of the profile; writes go through the store.
import { randomUUID } from "node:crypto";
import { profile } from "./profile.js";
import { idOf, isSignedBy, newToken, payloadOf } from "./identity.js";

const rules = profile.pairing;
const PARAMS = new Set(["minProtocol", "maxProtocol", "client", "role", "scopes", "caps", "auth", "device", "locale", "userAgent",
  "commands", "permissions", "pathEnv"]);
const LONG = {
  "not-paired": "device is not approved yet",
  "scope-upgrade": "device is asking for more scopes than currently approved",
  "role-upgrade": "device is asking for a higher role than currently approved",
  "metadata-upgrade": "device identity changed and must be re-approved",
};

class No extends Error {
  constructor(code, message, { details, close = 1008, closeReason, cause, words } = {}) {
    super(message);
    Object.assign(this, { code, details, close, closeReason: closeReason ?? message, words });
    this.why = cause;
  }
}

/** Decide one connect. Returns the fields of the hello, or throws No. `context`: {nonce, auth, store, audit}. */
export function decide(params, context) {
  const problem = malformed(params);
  if (problem) throw new No("INVALID_REQUEST", `invalid connect params: ${problem}`, { cause: "invalid-handshake" });
  protocol(params);
  const role = params.role ?? "operator";
  if (!["operator", "node"].includes(role)) throw new No("INVALID_REQUEST", "invalid role", { cause: "invalid-role" });
  const asked = { role, scopes: params.scopes ?? (rules.noScopes === "none" ? [] : ["operator.admin"]) };
  const shared = sharedAuth(params.auth ?? {}, context.auth);
  if (!params.device) return withoutDevice(params, asked, shared);
  proveDevice(params, asked, context.nonce);
  return withDevice(params, asked, shared, context);
}

export { No };

function malformed(params) {
  const extra = Object.keys(params).find((key) => !PARAMS.has(key));
  if (extra) return `at root: unexpected property '${extra}'`;
  if (!params.client?.id || !params.client.mode) return "at /client: must have required property 'id'";
  if (params.auth?.deviceToken !== undefined && !rules.deviceTokenField) return "at /auth: unexpected property 'deviceToken'";
  if (params.device && rules.nonce === "required" && typeof params.device.nonce !== "string") {
    return "at /device: must have required property 'nonce'";
  }
  return undefined;
}

function protocol({ minProtocol, maxProtocol }) {
  const expected = profile.protocol.expected;
  if (minProtocol <= expected && maxProtocol >= expected) return;
  const details = { expectedProtocol: expected };
  if (rules.codes) Object.assign(details, { code: "PROTOCOL_MISMATCH" });
  if (profile.protocol.probe) {
    Object.assign(details, { clientMinProtocol: minProtocol, clientMaxProtocol: maxProtocol, minimumProbeProtocol: profile.protocol.probe });
  }
  throw new No("INVALID_REQUEST", "protocol mismatch", { details, close: 1002, cause: "protocol-mismatch" });
}

/** ok, absent or wrong, for the shared token or password of the configuration. */
function sharedAuth(auth, configured) {
  if (configured.mode === "none") return { state: "ok", method: "none" };
  if (configured.mode === "password") {
    if (auth.password === undefined) return { state: "absent", method: "password" };
    return { state: auth.password === configured.password ? "ok" : "wrong", method: "password" };
  }
  if (auth.token === undefined) return { state: "absent", method: "token" };
  return { state: configured.token && auth.token === configured.token ? "ok" : "wrong", method: "token" };
}

function withoutDevice(params, asked, shared) {
  if (shared.state === "wrong") throw unauthorized(shared, params);
  if (shared.state === "absent") {
    throw new No("NOT_PAIRED", "device identity required", { details: coded("DEVICE_IDENTITY_REQUIRED"), cause: "device-required" });
  }
  return { method: shared.method, role: asked.role, scopes: rules.scopesWithoutDevice ? asked.scopes : [] };
}

function coded(code, more) {
  return rules.codes ? { code, ...more } : undefined;
}

function unauthorized(shared, params) {
  const what = shared.state === "wrong" ? "mismatch" : "missing";
  const hint = params.client.id === "cli" ? rules.hints.cli : rules.hints.other;
  const retry = what === "mismatch" && params.device !== undefined;
  const text = `unauthorized: gateway ${shared.method} ${what} (${hint})`;
  const reason = `${shared.method}_${what}`;
  const next = what === "missing" ? "update_auth_configuration" : "update_auth_credentials";
  return new No("INVALID_REQUEST", text, {
    details: authDetails(`AUTH_${shared.method.toUpperCase()}_${what.toUpperCase()}`, reason, retry ? "retry_with_device_token" : next, retry),
    cause: "unauthorized", words: reason,
  });
}

function authDetails(code, reason, next, retry = false) {
  if (!rules.codes) return undefined;
  const details = { code, authReason: reason };
  return rules.advice ? { ...details, canRetryWithDeviceToken: retry, recommendedNextStep: next } : details;
}

function proveDevice(params, asked, nonce) {
  const { device, client } = params;
  const refuse = (message, reason, code) =>
    new No("INVALID_REQUEST", message, {
      details: rules.codes ? { code: rules.advice ? code : "DEVICE_AUTH_INVALID", reason } : undefined, cause: "device-auth-invalid", words: reason,
    });
  const raw = Buffer.from(device.publicKey, "base64url");
  if (idOf(raw) !== device.id) throw refuse("device identity mismatch", "device-id-mismatch", "DEVICE_AUTH_DEVICE_ID_MISMATCH");
  if (Math.abs(Date.now() - device.signedAt) > rules.skewMs) {
    throw refuse("device signature expired", "device-signature-stale", "DEVICE_AUTH_SIGNATURE_EXPIRED");
  }
  if (device.nonce === undefined && rules.nonce === "required") {
    throw refuse("device nonce required", "device-nonce-missing", "DEVICE_AUTH_NONCE_REQUIRED");
  }
  if (device.nonce !== undefined && device.nonce !== nonce) {
    throw refuse("device nonce mismatch", "device-nonce-mismatch", "DEVICE_AUTH_NONCE_MISMATCH");
  }
  const token = params.auth?.token ?? params.auth?.deviceToken ?? "";
  const versions = device.nonce === undefined ? ["v1"] : rules.signatures;
  const payloads = versions.map((version) => payloadOf(version, device, client, asked.role, asked.scopes, token));
  if (!isSignedBy(device.publicKey, device.signature, payloads)) {
    throw refuse("device signature invalid", "device-signature", "DEVICE_AUTH_SIGNATURE_INVALID");
  }
}

function withDevice(params, asked, shared, context) {
  const record = context.store.device(params.device.id);
  const way = credential(params, asked, shared, record);
  const own = isBackend(params.client);
  const skips = rules.skips === "backend" ? own : rules.skips === "operator" && asked.role === "operator" && way.method !== "device-token";
  if (!skips) {
    const kept = pair(params, asked, way, record, context);
    const issued = issue(kept, asked, way, context);
    const scopes = rules.helloScopes === "token" ? kept.tokens[asked.role].scopes : asked.scopes;
    return { method: way.method, role: asked.role, scopes, ...issued };
  }
  if (record) touch(record, way, asked, params, context);
  const has = record && activeToken(record, asked.role) && satisfied(baselineOf(record), asked.scopes);
  return has ? { method: way.method, ...asked, ...tokenOf(record, asked.role) } : { method: way.method, ...asked };
}

function isBackend(client) {
  return client.id === "gateway-client" && client.mode === "backend";
}

/** The shared secret where it is right, else the device's own token. */
function credential(params, asked, shared, record) {
  if (shared.state === "ok") return { method: shared.method };
  const offered = rules.deviceTokenField ? (params.auth?.deviceToken ?? params.auth?.token) : params.auth?.token;
  if (offered === undefined) throw unauthorized(shared, params);
  const kept = record?.tokens?.[asked.role];
  const explicit = rules.deviceTokenField && params.auth?.deviceToken !== undefined;
  if (!kept || kept.token !== offered || kept.revokedAtMs) {
    if (!explicit && shared.state === "wrong" && rules.wrongTokenNames === "gateway") throw unauthorized(shared, params);
    throw tokenRefused("device token mismatch (rotate/reissue device token)", "AUTH_DEVICE_TOKEN_MISMATCH", "device_token_mismatch", "update_auth_credentials");
  }
  const baseline = baselineOf(record);
  const within = satisfied(kept.scopes, asked.scopes) && (!rules.tokenWithinBaseline || satisfied(baseline, kept.scopes));
  if (!within && rules.scopeMismatchText) {
    throw tokenRefused("device token scope mismatch (re-pair or approve scope upgrade)", "AUTH_SCOPE_MISMATCH", "scope_mismatch", "review_auth_configuration");
  }
  if (!within) {
    throw tokenRefused("device token mismatch (rotate/reissue device token)", "AUTH_DEVICE_TOKEN_MISMATCH", "device_token_mismatch", "update_auth_credentials");
  }
  return { method: "device-token" };
}

function tokenRefused(text, code, reason, next) {
  return new No("INVALID_REQUEST", `unauthorized: ${text}`, { details: authDetails(code, reason, next), cause: "unauthorized", words: reason });
}

function baselineOf(record) {
  const [first, second] = rules.baseline === "approved" ? [record.approvedScopes, record.scopes] : [record.scopes, record.approvedScopes];
  return first ?? second ?? [];
}

/** Whether what is granted covers what is asked, with the implications of this release. */
function satisfied(granted, asked) {
  const has = new Set(granted);
  return asked.every((scope) => {
    if (has.has(scope)) return true;
    if (!rules.implied) return false;
    if (has.has("operator.admin") && scope.startsWith("operator.")) return true;
    return has.has("operator.write") && rules.writeImplies.includes(scope);
  });
}

/** New device, more scopes, another role or another platform: approved silently, or refused with a pending request. */
function pair(params, asked, way, record, context) {
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

function activeToken(record, role) {
  const token = record.tokens?.[role];
  return token && !token.revokedAtMs ? token : undefined;
}

function rolesOf(record) {
  const named = record.roles ?? [record.role];
  return rules.rolesNeedToken ? named.filter((role) => activeToken(record, role)) : named;
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
    roles: [...new Set([...(record?.roles ?? []), asked.role])], scopes: scopes.length || rules.approvedScopes ? scopes.sort() : undefined,
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
function touch(record, way, asked, params, context) {
  const now = Date.now();
  record.displayName = params.client.displayName ?? null;
  const token = record.tokens?.[asked.role];
  if (way.method === "device-token" && token) token.lastUsedAtMs = now;
  if (rules.touchesClient) Object.assign(record, { clientId: params.client.id, clientMode: params.client.mode, platform: params.client.platform });
  if (rules.mergesScopes) record.scopes = [...new Set([...(record.scopes ?? []), ...asked.scopes])].sort();
  if (rules.seen) Object.assign(record, { lastSeenAtMs: now, lastSeenReason: "connect" });
  context.store.save(record);
}

function issue(record, asked, way, context) {
  if (activeToken(record, asked.role)) return tokenOf(record, asked.role);
  const token = { token: newToken(), role: asked.role, scopes: baselineOf(record), createdAtMs: Date.now() };
  record.tokens = { ...record.tokens, [asked.role]: token };
  context.store.save(record);
  return tokenOf(record, asked.role);
}

function tokenOf(record, role) {
  const token = record.tokens[role];
  return { deviceToken: token.token, issuedAtMs: token.rotatedAtMs ?? token.createdAtMs };
}
