// Device identity and signatures: Ed25519, id = SHA-256 of the raw public key, payload fields joined by a bar.
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign, verify } from "node:crypto";

const SPKI = Buffer.from("302a300506032b6570032100", "hex"); // DER head of an Ed25519 public key

export function newIdentity() {
  const pair = generateKeyPairSync("ed25519");
  const publicKeyPem = pair.publicKey.export({ type: "spki", format: "pem" });
  const privateKeyPem = pair.privateKey.export({ type: "pkcs8", format: "pem" });
  return { deviceId: idOf(rawKey(publicKeyPem)), publicKeyPem, privateKeyPem, createdAtMs: Date.now() };
}

export function rawKey(publicKeyPem) {
  return createPublicKey(publicKeyPem).export({ type: "spki", format: "der" }).subarray(-32);
}

export function idOf(raw) {
  return createHash("sha256").update(raw).digest("hex");
}

export function newToken() {
  return randomBytes(32).toString("base64url");
}

export function payloadOf(version, device, client, role, scopes, token) {
  const fields = [version, device.id, client.id, client.mode, role, scopes.join(","), String(device.signedAt), token];
  if (version !== "v1") fields.push(device.nonce);
  if (version === "v3") fields.push(plain(client.platform), plain(client.deviceFamily));
  return fields.join("|");
}

function plain(text) {
  return (text ?? "").trim().replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

export function signed(identity, payload) {
  return sign(null, Buffer.from(payload), createPrivateKey(identity.privateKeyPem)).toString("base64url");
}

/** True when the signature is right for one of the payloads. A key or signature that is no such thing is simply wrong. */
export function isSignedBy(publicKey, signature, payloads) {
  const raw = Buffer.from(publicKey, "base64url");
  if (raw.length !== 32) return false;
  const key = createPublicKey({ key: Buffer.concat([SPKI, raw]), format: "der", type: "spki" });
  return payloads.some((payload) => verify(null, Buffer.from(payload), key, Buffer.from(signature, "base64url")));
}
