// The client side of the gateway protocol, used by the command line and by the agents' own tools.
import { randomUUID } from "node:crypto";
import { profile } from "./profile.js";
import { payloadOf, signed } from "./identity.js";
import { portOf } from "./place.js";

export class GatewayRefused extends Error {
  constructor(message, { kind = "closed", code, reason, request } = {}) {
    super(message);
    Object.assign(this, { kind, code, reason, request });
  }
}

function loopbackToken(config) {
  return process.env.OPENCLAW_GATEWAY_TOKEN ?? config.gateway?.auth?.token;
}

function credentials(config) {
  const password = config.gateway?.auth?.mode === "password" ? config.gateway.auth.password : undefined;
  return password === undefined ? { token: loopbackToken(config) } : { password };
}

function connectParams(nonce, config, as, store) {
  const auth = credentials(config);
  const client = { id: as.id, version: profile.version, platform: process.platform, mode: as.mode };
  const params = {
    minProtocol: profile.protocol.expected, maxProtocol: profile.protocol.expected, client, role: "operator", scopes: as.scopes, caps: [], auth,
  };
  if (as.identity && store) {
    const identity = store.identity();
    const kept = store.ownToken("operator");
    if (!auth.token && !auth.password && kept) {
      if (profile.pairing.deviceTokenField) auth.deviceToken = kept.token;
      else auth.token = kept.token;
    }
    const publicKey = Buffer.from(identity.publicKeyPem.split("\n")[1], "base64").subarray(-32).toString("base64url");
    const device = { id: identity.deviceId, publicKey, signedAt: Date.now(), nonce };
    const token = auth.token ?? auth.deviceToken ?? "";
    device.signature = signed(identity, payloadOf(profile.pairing.sends, device, client, "operator", as.scopes, token));
    params.device = device;
  }
  return params;
}

/** Connect, run `use(call)`, close. `as`: {id, mode, scopes, identity}. Rejects with GatewayRefused. */
export async function withGateway(config, as, store, use) {
  const port = portOf(config);
  const url = `ws://127.0.0.1:${port}`;
  const socket = new WebSocket(url);
  const waiting = new Map();
  let failed;
  const fail = (error) => {
    failed ??= error;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  const challenge = new Promise((resolve, reject) => waiting.set("challenge", { resolve, reject }));
  socket.onerror = () => fail(new GatewayRefused(`Gateway not reachable at ${url} (ECONNREFUSED).`, { reason: "connect ECONNREFUSED" }));
  socket.onclose = (event) => fail(new GatewayRefused(`gateway closed (${event.code}): ${event.reason}`, { code: event.code, reason: event.reason }));
  socket.onmessage = (event) => {
    const frame = JSON.parse(event.data);
    if (frame.event === "connect.challenge") waiting.get("challenge")?.resolve(frame.payload.nonce);
    const entry = frame.type === "res" ? waiting.get(frame.id) : undefined;
    if (!entry || (frame.ok && entry.final && frame.payload?.status === "accepted")) return;
    if (!frame.ok && frame.closing) return;
    waiting.delete(frame.id);
    if (frame.ok) entry.resolve(frame.payload);
    else if (entry.connecting) entry.reject(new GatewayRefused(`gateway closed (1008): ${frame.error.message}`, { code: 1008, reason: frame.error.message }));
    else entry.reject(new GatewayRefused(frame.error.message, { kind: "response", request: frame.error }));
  };
  const call = (method, params, { final = false } = {}) =>
    new Promise((resolve, reject) => {
      if (failed) return reject(failed);
      const id = randomUUID();
      waiting.set(id, { resolve, reject, final, connecting: method === "connect" });
      return socket.send(JSON.stringify({ type: "req", id, method, params }));
    });
  try {
    const nonce = await challenge;
    const hello = await call("connect", connectParams(nonce, config, as, store));
    if (as.identity && store && hello.auth?.deviceToken) {
      store.keepOwnToken(store.identity().deviceId, "operator", hello.auth.deviceToken, hello.auth.scopes);
    }
    return await use(call, hello);
  } finally {
    socket.onclose = socket.onerror = null;
    socket.close();
  }
}
