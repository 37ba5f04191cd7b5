// A minimal WebSocket server after RFC 6455: text frames, fragments, ping, close. No extensions.
import { createHash } from "node:crypto";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const LIMIT = 26_214_400; // bytes of one message, the policy of the real gateway

/** Answers the upgrade and returns a connection with onText, onClose, send, close. */
export function accept(request, socket, head) {
  const key = request.headers["sec-websocket-key"];
  if (!key || request.headers["sec-websocket-version"] !== "13") {
    socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    return undefined;
  }
  const proof = createHash("sha1").update(key + GUID).digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${proof}\r\n\r\n`,
  );
  return new Connection(socket, head);
}

class Connection {
  constructor(socket, head) {
    this.socket = socket;
    this.buffer = Buffer.from(head);
    this.parts = [];
    this.closed = false;
    this.onText = () => {};
    this.onClose = () => {};
    socket.setNoDelay(true);
    socket.on("data", (chunk) => this.#take(chunk));
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#ended());
    queueMicrotask(() => this.#take(Buffer.alloc(0)));
  }

  send(text) {
    if (!this.closed) this.socket.write(frame(0x1, Buffer.from(text)));
  }

  close(code, reason = "") {
    if (this.closed) return;
    this.closed = true;
    const words = Buffer.from(reason).subarray(0, 123);
    const body = Buffer.alloc(2 + words.length);
    body.writeUInt16BE(code);
    words.copy(body, 2);
    this.socket.write(frame(0x8, body));
    this.socket.end();
    setTimeout(() => this.socket.destroy(), 1000).unref();
  }

  #ended() {
    this.closed = true;
    this.onClose();
  }

  #take(chunk) {
    this.buffer = Buffer.concat([this.buffer, chunk]);
    for (let read = readFrame(this.buffer); read; read = readFrame(this.buffer)) {
      this.buffer = this.buffer.subarray(read.size);
      this.#handle(read);
    }
  }

  #handle({ opcode, final, body, tooLong }) {
    if (tooLong) return this.close(1009, "message too big");
    if (opcode === 0x8) return this.close(body.length >= 2 ? body.readUInt16BE() : 1000, "");
    if (opcode === 0x9) return void this.socket.write(frame(0xa, body));
    if (opcode !== 0x1 && opcode !== 0x0) return undefined;
    this.parts.push(body);
    if (final) {
      const text = Buffer.concat(this.parts).toString("utf8");
      this.parts = [];
      if (!this.closed) this.onText(text);
    }
    return undefined;
  }
}

function frame(opcode, body) {
  const head = [0x80 | opcode];
  if (body.length < 126) head.push(body.length);
  else if (body.length < 65536) head.push(126, body.length >> 8, body.length & 255);
  else head.push(127, 0, 0, 0, 0, body.length >>> 24, (body.length >>> 16) & 255, (body.length >>> 8) & 255, body.length & 255);
  return Buffer.concat([Buffer.from(head), body]);
}

function readFrame(buffer) {
  if (buffer.length < 2) return undefined;
  const masked = (buffer[1] & 0x80) !== 0;
  let length = buffer[1] & 0x7f;
  let at = 2;
  if (length === 126) {
    if (buffer.length < 4) return undefined;
    length = buffer.readUInt16BE(2);
    at = 4;
  } else if (length === 127) {
    if (buffer.length < 10) return undefined;
    length = Number(buffer.readBigUInt64BE(2));
    at = 10;
  }
  if (length > LIMIT) return { size: buffer.length, tooLong: true, body: Buffer.alloc(0) };
  const start = at + (masked ? 4 : 0);
  if (buffer.length < start + length) return undefined;
  const body = Buffer.from(buffer.subarray(start, start + length));
  if (masked) for (let i = 0; i < length; i += 1) body[i] ^= buffer[at + (i & 3)];
  return { size: start + length, opcode: buffer[0] & 0x0f, final: (buffer[0] & 0x80) !== 0, body };
}
