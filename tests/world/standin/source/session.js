// One WebSocket connection: challenge, connect, then methods by scope.
import { randomUUID } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fault, profile } from "./profile.js";
import { No, decide } from "./handshake.js";
import { agentsOf } from "./config.js";
import { log } from "./logging.js";
import { approveRequest, rotateToken } from "./records.js";
import { Transcript, runTurn } from "./turn.js";

const NEEDS = {
  health: profile.healthNeeds, status: "operator.read", "agents.list": "operator.read", "sessions.list": "operator.read", "chat.history": "operator.read", "skills.status": "operator.read",
  "device.pair.list": "operator.pairing", "device.pair.approve": "operator.pairing", "device.pair.remove": "operator.pairing",
  "device.token.rotate": "operator.pairing", agent: "operator.write",
  ...(profile.suspends ? { "gateway.suspend.prepare": "operator.admin", "gateway.suspend.resume": "operator.admin", "gateway.suspend.handoff": "operator.admin", "system.info": "operator.read" } : {}),
};

const UNLISTED = ["device.pair.approve", "device.pair.remove", "device.token.rotate"];

export function serveConnection(runtime, connection, request, nonce) {
  const peer = { id: randomUUID(), began: Date.now(), ua: request.headers["user-agent"] ?? "n/a", host: request.headers.host ?? "n/a", nonce };
  runtime.connections.add(connection);
  connection.onClose = () => runtime.connections.delete(connection);
  connection.onText = (text) => {
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      return connection.close(1008, "invalid request frame");
    }
    return peer.hello ? void answer(runtime, connection, peer, frame) : connect(runtime, connection, peer, frame);
  };
  connection.send(JSON.stringify({ type: "event", event: "connect.challenge", payload: { nonce, ts: Date.now() } }));
}

function connect(runtime, connection, peer, frame) {
  const closes = fault("closesAgents");
  if (closes && frame.params?.client?.mode === "backend") return connection.close(1008, closes.reason ?? "agent connections are not accepted");
  if (frame.type !== "req" || frame.method !== "connect" || typeof frame.id !== "string") {
    return connection.close(1008, "invalid request frame");
  }
  const context = {
    nonce: peer.nonce, auth: runtime.auth, store: runtime.store, log: (level, text) => log("gateway", level, text),
    audit: (...what) => audit(peer, ...what),
  };
  try {
    const decided = decide(frame.params ?? {}, context);
    peer.hello = decided;
    peer.role = decided.role;
    return connection.send(JSON.stringify({ type: "res", id: frame.id, ok: true, payload: hello(runtime, peer, decided) }));
  } catch (error) {
    if (!(error instanceof No)) throw error;
    refuse(connection, peer, frame, error);
    return undefined;
  }
}

function hello(runtime, peer, decided) {
  const auth = { role: decided.role, scopes: decided.scopes };
  if (profile.pairing.namesMethod) auth.method = decided.method;
  if (decided.deviceToken) Object.assign(auth, { deviceToken: decided.deviceToken, issuedAtMs: decided.issuedAtMs });
  return {
    type: "hello-ok", protocol: profile.protocol.expected, server: { version: profile.version, connId: peer.id },
    features: { methods: Object.keys(NEEDS).filter((name) => !UNLISTED.includes(name)), events: ["tick", "shutdown"] }, snapshot: { uptimeMs: Date.now() - runtime.began, stateDir: runtime.where.state },
    auth: profile.pairing.alwaysAuth || decided.deviceToken ? auth : undefined,
    policy: { maxPayload: 26_214_400, maxBufferedBytes: 52_428_800, tickIntervalMs: 30_000 },
  };
}

function audit(peer, reason, params, asked, way, record) {
  if (!profile.pairing.audits) return;
  if (reason === "metadata-upgrade") {
    log("gateway", "warn", `security audit: device metadata upgrade requested reason=metadata-upgrade device=${params.device.id} ip=unknown-ip auth=${way.method} claimedPlatform=${params.client.platform} pinnedPlatform=${record.platform} client=${params.client.id} conn=${peer.id}`);
    return;
  }
  const from = (record.approvedScopes ?? record.scopes ?? []).join(",");
  log("gateway", "warn", `security audit: device access upgrade requested reason=${reason} device=${params.device.id} ip=unknown-ip auth=${way.method} roleFrom=${record.role} roleTo=${asked.role} scopesFrom=${from} scopesTo=${asked.scopes.join(",")} client=${params.client.id} conn=${peer.id}`);
}

function refuse(connection, peer, frame, no) {
  const client = frame.params?.client ?? {};
  const error = { code: no.code, message: no.message, ...(no.details ? { details: no.details } : {}) };
  if (no.why === "unauthorized") {
    log("gateway/ws", "warn", `unauthorized conn=${peer.id} remote=127.0.0.1 client=${client.id} ${client.mode} v${client.version} role=${frame.params.role} reason=${no.words}`);
  }
  if (no.why === "protocol-mismatch") log("gateway/ws", "warn", `protocol mismatch conn=${peer.id} remote=127.0.0.1 client=${client.id} ${client.mode} v${client.version}`);
  connection.send(JSON.stringify({ type: "res", id: frame.id, ok: false, error }));
  const details = { cause: no.why, handshake: "failed", durationMs: Date.now() - peer.began };
  if (frame.params?.device) details.deviceId = frame.params.device.id;
  if (no.words) details.reason = no.words;
  log("gateway/ws", "warn", `closed before connect conn=${peer.id} remote=127.0.0.1 fwd=n/a origin=n/a host=${peer.host} ua=${peer.ua} code=${no.close} reason=${no.closeReason}`, details);
  connection.close(no.close, no.closeReason);
}

async function answer(runtime, connection, peer, frame) {
  const reply = (ok, body) => connection.send(JSON.stringify({ type: "res", id: frame.id, ok, ...(ok ? { payload: body } : { error: body }) }));
  const { method } = frame;
  const known = method in NEEDS;
  const missing = lacking(peer.hello.scopes, known ? NEEDS[method] : "operator.admin");
  if (missing) return reply(false, missing);
  const asked = suspension(runtime, method, frame.params ?? {});
  if (asked) return reply(asked.ok, asked.body);
  if (!known) return reply(false, { code: "INVALID_REQUEST", message: `unknown method: ${method}` });
  try {
    if (method === "agent") return await agent(runtime, frame.params ?? {}, reply);
    if (UNLISTED.includes(method)) {
      const done = changeDevices(runtime, method, frame.params ?? {});
      return done ? reply(true, done) : reply(false, { code: "INVALID_REQUEST", message: "unknown deviceId/role" });
    }
    if (method === "chat.history") return reply(true, history(runtime, frame.params ?? {}));
    if (method === "skills.status") return reply(true, { skills: skillsIn(runtime.where.state) });
    return reply(true, read(runtime, method));
  } catch (error) {
    log("gateway", "error", `${method} failed: ${error.message}`);
    return reply(false, { code: "UNAVAILABLE", message: error.message });
  }
}

/** Cooperative suspension of 9.x: no new work while it lasts; undefined where the method may go on. */
function suspension(runtime, method, params) {
  if (!profile.suspends) return undefined;
  const held = runtime.suspension;
  const busy = runtime.active.size;
  if (method === "gateway.suspend.prepare") {
    runtime.suspension = held ?? { suspensionId: randomUUID(), requestId: params.requestId };
    const blockers = busy ? [{ kind: "chat-run", count: busy, message: `${busy} active chat run(s)` }] : [];
    const body = { status: busy ? "draining" : "ready", suspensionId: runtime.suspension.suspensionId, expiresAtMs: Date.now() + 120_000, activeCount: busy, blockers };
    if (profile.writeCustody) body.writeCustody = [];
    return { ok: true, body: busy ? { ...body, retryAfterMs: 20_000 } : body };
  }
  if (method === "gateway.suspend.handoff") {
    const known = held && params.suspensionId === held.suspensionId && params.target?.pid === process.pid && params.target?.processInstanceId === runtime.bootId;
    if (!known) return { ok: false, body: { code: "INVALID_REQUEST", message: "invalid gateway.suspend.handoff params", retryable: false } };
    runtime.cutsOff = true;
    return { ok: true, body: { status: "armed", suspensionId: held.suspensionId, expiresAtMs: Date.now() + 120_000 } };
  }
  if (method === "gateway.suspend.resume") {
    runtime.suspension = undefined;
    return { ok: true, body: { ok: true, status: "running", resumed: Boolean(held) } };
  }
  if (!held) return undefined;
  const details = { method, reason: "gateway-suspending", phase: busy ? "draining" : "prepared" };
  return { ok: false, body: { code: "UNAVAILABLE", message: `${method} unavailable during gateway suspension`, details, retryable: true, retryAfterMs: 1000 } };
}

/** What an operator does to pairings, and the line the log gets for it. */
function changeDevices(runtime, method, params) {
  const { store } = runtime;
  if (method === "device.pair.approve") {
    const made = approveRequest(store, params.requestId);
    if (made) log("gateway", "info", `device pairing approved device=${made.deviceId} role=${made.role}`);
    return made && { requestId: params.requestId, device: redacted(made) };
  }
  if (method === "device.pair.remove") {
    if (!store.device(params.deviceId)) return undefined;
    store.remove(params.deviceId);
    log("gateway", "info", `device pairing removed device=${params.deviceId}`);
    return { deviceId: params.deviceId };
  }
  const turned = rotateToken(store, params);
  if (turned) log("gateway", "info", `device token rotated device=${params.deviceId} role=${params.role} scopes=${turned.scopes.join(",")}`);
  return turned && { deviceId: params.deviceId, role: params.role, scopes: turned.scopes, rotatedAtMs: turned.rotatedAtMs };
}

function lacking(scopes, needed) {
  const fine = !needed || scopes.includes(needed) || scopes.includes("operator.admin") || (needed === "operator.read" && scopes.includes("operator.write"));
  if (fine) return undefined;
  const details = { code: "MISSING_SCOPE", missingScope: needed, requiredScopes: [needed] };
  const newForm = { code: "FORBIDDEN", message: `missing scope: ${needed}`, details };
  return profile.pairing.forbidden ? newForm : { code: "INVALID_REQUEST", message: `missing scope: ${needed}` };
}

function read(runtime, method) {
  const agents = agentsOf(runtime.config);
  if (method === "device.pair.list") return { pending: runtime.store.pending(), paired: runtime.store.paired().map(redacted) };
  if (method === "system.info") return { platform: process.platform, port: runtime.port, pid: process.pid, processInstanceId: runtime.bootId };
  if (method === "agents.list") return { defaultId: agents[0], agents: agents.map((id) => ({ id })) };
  if (method === "sessions.list") return { count: 0, sessions: [] };
  const health = { ok: true, ts: Date.now(), durationMs: 1, channels: {}, channelOrder: [], channelLabels: {}, heartbeatSeconds: 1800 };
  const body = { ...health, defaultAgentId: agents[0], agents: agents.map((agentId) => ({ agentId, isDefault: agentId === agents[0] })), sessions: { count: 0, recent: [] } };
  return method === "status" ? { runtimeVersion: profile.version, ...body } : body;
}

/** The skills a person added, by their folders. */
function skillsIn(state) {
  const folder = join(state, "skills");
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names.filter((name) => name !== fault("migrationForgets")?.skill).map((name) => ({ name, bundled: false, eligible: true }));
}

/** What was said last in a session, as the terminal client asks for it. */
function history(runtime, { sessionKey, limit = 200 }) {
  const transcript = new Transcript(runtime.where, sessionKey.split(":")[1], sessionKey);
  try {
    return { sessionKey, sessionId: transcript.id, messages: transcript.messages.slice(-limit) };
  } finally {
    transcript.close();
  }
}

function redacted(record) {
  const tokens = Object.values(record.tokens ?? {}).map(({ token, ...rest }) => rest);
  return { ...record, tokens };
}

async function agent(runtime, params, reply) {
  const runId = randomUUID();
  const id = params.agentId ?? agentsOf(runtime.config)[0];
  const turn = { agent: id, sessionKey: params.sessionKey ?? `agent:${id}:main`, message: params.message, child: params.child === true };
  runtime.active.add(runId);
  reply(true, { runId, status: "accepted", acceptedAt: Date.now() });
  try {
    const text = await runTurn(runtime, turn);
    reply(true, { runId, status: "ok", summary: "completed", result: { payloads: [{ text, mediaUrl: null }] } });
    if (params.announceTo) await announce(runtime, params.announceTo, text);
  } finally {
    runtime.active.delete(runId);
  }
}

/** The child's answer goes back to the one who asked, as one more turn without tools. */
async function announce(runtime, sessionKey, text) {
  const message = `[inter-session message] A subagent finished: ${text}`;
  await runTurn(runtime, { agent: sessionKey.split(":")[1], sessionKey, message, child: true });
}
