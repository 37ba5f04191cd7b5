// One agent turn: the configured OpenAI-compatible model is asked, its tool calls are really done, children really run.
import { randomUUID } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { profile, fault } from "./profile.js";
import { withGateway } from "./client.js";
import { openAgent } from "./databases.js";
import { startedAgain } from "./faults.js";

let turnsTaken = 0; // by this process, with tools
let turnsFailed = 0; // by this process
const ROUNDS = 6; // model requests of one turn at most
const PLAIN = ["read", "write", "edit", "exec", "process", "session_status", "cron", "web_fetch"];
const AGENT = ["sessions_list", "sessions_history", "sessions_send", "sessions_spawn", "agents_list"];
const SEARCH = ["tool_search", "tool_describe", "tool_call"];

function offered(child) {
  const names = profile.turn.hidesTools ? [...PLAIN.slice(0, 4), ...SEARCH] : [...PLAIN, ...(child ? [] : AGENT)];
  return names.map((name) => ({ type: "function", function: { name, description: name, parameters: { type: "object", properties: {} } } }));
}

/** Where a session's messages are kept: rows of the agent's database, or JSON lines. */
export class Transcript {
  constructor(where, agent, sessionKey) {
    this.where = where;
    this.agent = agent;
    this.sessionKey = sessionKey;
    if (profile.era === "sqlite") this.#openRows();
    else this.#openFiles();
  }

  #openRows() {
    this.db = openAgent(this.where, this.agent, false);
    const row = this.db.prepare("SELECT current_session_id AS id FROM session_nodes WHERE session_key = ?").get(this.sessionKey);
    this.id = row?.id ?? randomUUID();
    const entry = JSON.stringify({ sessionId: this.id, updatedAt: Date.now() });
    this.db.prepare(
      `INSERT INTO session_nodes (session_key, current_session_id, entry_json, updated_at) VALUES (?, ?, ?, ?)
       ON CONFLICT (session_key) DO UPDATE SET entry_json = excluded.entry_json, updated_at = excluded.updated_at`,
    ).run(this.sessionKey, this.id, entry, Date.now());
    const rows = this.db.prepare("SELECT event_json AS text FROM transcript_events WHERE session_id = ? ORDER BY seq").all(this.id);
    this.messages = rows.map((one) => JSON.parse(one.text).message).filter(Boolean);
  }

  #openFiles() {
    const folder = join(this.where.state, "agents", this.agent, "sessions");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const index = join(folder, "sessions.json");
    const all = existsSync(index) ? JSON.parse(readFileSync(index, "utf8")) : {};
    this.id = all[this.sessionKey]?.sessionId ?? randomUUID();
    all[this.sessionKey] = { sessionId: this.id, updatedAt: Date.now() };
    writeFileSync(index, JSON.stringify(all, null, 2), { mode: 0o600 });
    this.file = join(folder, `${this.id}.jsonl`);
    const text = existsSync(this.file) ? readFileSync(this.file, "utf8") : "";
    this.messages = text.split("\n").filter(Boolean).map((line) => JSON.parse(line).message).filter(Boolean);
  }

  add(message) {
    this.messages.push(message);
    const event = JSON.stringify({ type: "message", id: randomUUID(), message });
    if (this.file) return appendFileSync(this.file, `${event}\n`, { mode: 0o600 });
    return this.db.prepare(
      "INSERT INTO transcript_events SELECT ?, COALESCE(MAX(seq) + 1, 0), ?, ? FROM transcript_events WHERE session_id = ?",
    ).run(this.id, event, Date.now(), this.id);
  }

  close() {
    this.db?.close();
  }
}

async function askModel(config, agent, messages, child) {
  const name = config.agents?.defaults?.model?.primary ?? "";
  const [providerId, ...rest] = name.split("/");
  const provider = config.models?.providers?.[providerId];
  if (!provider) throw new Error(`no model configured for agent ${agent}`);
  const response = await fetch(`${provider.baseUrl}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${provider.apiKey ?? ""}` },
    body: JSON.stringify({ model: rest.join("/"), stream: true, messages, tools: offered(child) }),
    signal: AbortSignal.timeout(60_000),
  });
  if (!response.ok) throw new Error(`model answered ${response.status}`);
  return readStream(await response.text());
}

function readStream(text) {
  const message = { role: "assistant", content: "", tool_calls: [] };
  for (const line of text.split("\n")) {
    if (!line.startsWith("data: ") || line === "data: [DONE]") continue;
    const delta = JSON.parse(line.slice(6)).choices?.[0]?.delta ?? {};
    message.content += delta.content ?? "";
    for (const part of delta.tool_calls ?? []) {
      const at = (message.tool_calls[part.index ?? 0] ??= { id: "", type: "function", function: { name: "", arguments: "" } });
      at.id ||= part.id ?? "";
      at.function.name += part.function?.name ?? "";
      at.function.arguments += part.function?.arguments ?? "";
    }
  }
  if (!message.tool_calls.length) delete message.tool_calls;
  return message;
}

const lanes = new Map(); // session key -> the end of its last turn: one after the other in each session

/** Run a turn to its end and return the final text. `runtime`: {where, config, store, active, log}. */
export function runTurn(runtime, turn) {
  const before = lanes.get(turn.sessionKey) ?? Promise.resolve();
  const taken = before.then(() => takeTurn(runtime, turn));
  lanes.set(turn.sessionKey, taken.catch(() => undefined));
  return taken;
}

async function takeTurn(runtime, { agent, sessionKey, message, child = false }) {
  const failing = fault("turnsFail");
  if (failing && ++turnsFailed <= (failing.times ?? Infinity)) throw new Error(failing.message ?? "model request failed");
  // A gateway that ends when its second start is asked something plain: by then that is the terminal client only.
  if (fault("endsAtLast") && startedAgain() && message.startsWith("upgrader turn")) process.exit(fault("endsAtLast").code);
  const transcript = new Transcript(runtime.where, agent, sessionKey);
  runtime.noteAgent?.(agent);
  try {
    transcript.add({ role: "user", content: message });
    if (profile.turn.addsContext) transcript.add({ role: "user", content: `[runtime context] session ${sessionKey}` });
    for (let round = 0; round < ROUNDS; round += 1) {
      const messages = [{ role: "system", content: `You are agent ${agent}.` }, ...transcript.messages];
      const answer = await askModel(runtime.config, agent, messages, child);
      transcript.add(answer);
      if (!answer.tool_calls) return answer.content;
      for (const call of answer.tool_calls) {
        const result = await runTool(runtime, agent, sessionKey, call.function);
        transcript.add({ role: "tool", tool_call_id: call.id, content: JSON.stringify(result, null, 2) });
      }
    }
    return "";
  } finally {
    transcript.close();
  }
}

async function runTool(runtime, agent, sessionKey, { name, arguments: text }) {
  let args;
  try {
    args = JSON.parse(text || "{}");
  } catch {
    return { status: "error", error: "tool arguments are not JSON" };
  }
  if (name === "tool_call" && profile.turn.hidesTools) {
    const inner = await runTool(runtime, agent, sessionKey, { name: args.id, arguments: JSON.stringify(args.args ?? {}) });
    return { tool: args.id, result: { content: [{ type: "text", text: JSON.stringify(inner, null, 2) }] } };
  }
  try {
    if (name === "sessions_spawn") return await spawn(runtime, agent, sessionKey, args);
    if (name === "sessions_send") return await send(runtime, sessionKey, args);
  } catch (error) {
    return { status: "error", error: error.message };
  }
  return { status: "error", error: `Tool ${name} not found` };
}

function asTool() {
  return { id: "gateway-client", mode: "backend", scopes: profile.turn.scopes, identity: profile.turn.sendsDevice };
}

function refusedByFault() {
  const owned = fault("ownedAtFirst");
  if (owned && ++turnsTaken <= owned.turns && !(owned.untilRestart && startedAgain())) {
    throw new Error(owned.text ?? "another OpenClaw process owns state-lifecycle");
  }
  if (fault("refusesAgents")) throw new Error(fault("refusesAgents").message ?? "gateway closed (1008): pairing required");
}

async function spawn(runtime, agent, sessionKey, args) {
  refusedByFault();
  const childKey = `agent:${args.agentId ?? agent}:subagent:${randomUUID()}`;
  const message = `[Subagent Context] You are a subagent.\n\n[Subagent Task]: ${args.task}`;
  const started = await withGateway(runtime.config, asTool(), runtime.store, (call) =>
    call("agent", { message, agentId: args.agentId ?? agent, sessionKey: childKey, child: true, announceTo: sessionKey, idempotencyKey: randomUUID() }),
  );
  return { status: "accepted", childSessionKey: childKey, runId: started.runId, mode: "run" };
}

async function send(runtime, sessionKey, args) {
  refusedByFault();
  const policy = runtime.config.tools?.agentToAgent;
  const enabled = profile.turn.agentToAgentDefault ? policy?.enabled !== false : policy?.enabled === true;
  const target = args.sessionKey.split(":")[1];
  if (!enabled && target !== sessionKey.split(":")[1]) {
    return { status: "forbidden", error: "Agent-to-agent messaging is disabled. Set tools.agentToAgent.enabled=true to allow cross-agent sends." };
  }
  const final = await withGateway(runtime.config, asTool(), runtime.store, (call) =>
    call("agent", { message: args.message, agentId: target, sessionKey: args.sessionKey, child: true, idempotencyKey: randomUUID() }, { final: true }),
  );
  return { runId: final.runId, sessionKey: args.sessionKey, status: "ok", delivery: { status: "pending", mode: "announce" }, reply: final.result.payloads[0].text };
}
