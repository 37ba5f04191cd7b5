// Whom the gateway lets in. One pure decision per connect, by the rules of the profile; writes go through the store.
import { profile } from "./profile.js";
import { idOf, isSignedBy, payloadOf } from "./identity.js";
import { ensured, issue, pair, tokenOf, touch } from "./records.js";
import { No } from "./refusal.js";
import { activeToken, baselineOf, satisfied } from "./rights.js";

const rules = profile.pairing;
const PARAMS = new Set(["minProtocol", "maxProtocol", "client", "role", "scopes", "caps", "auth", "device", "locale", "userAgent",
  "commands", "permissions", "pathEnv"]);

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
  if (rules.advice) details.code = "PROTOCOL_MISMATCH";
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
  if (rules.skipsQuietly) return record ? ensured(record, way, asked, context) : { method: way.method, ...asked };
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
