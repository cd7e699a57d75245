import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from "node:crypto";
import { Type } from "typebox";
import { isMap, parseJson } from "../machine/json.ts";
import { defineRecordKind, type RecordsDeps } from "../ports/record-kind.ts";
import type { AuditHead } from "./audit-chain.ts";

/** A head of the audit log at an instant. */
export interface DatedHead extends Pick<AuditHead, "seq" | "hash"> {
  /** Epoch milliseconds. */
  readonly at: number;
}

/** A signed head, and the public key that it can be verified with. */
export interface SignedHead {
  /** A compact JWS (RFC 7515) with Ed25519, whose content is `{"seq":…,"hash":"…","at":"…"}`. */
  readonly signed: string;
  /** The public key: 32 bytes as base64url. */
  readonly key: string;
}

const RAW_KEY = "^[A-Za-z0-9_-]{43}$";

const signingKeys = defineRecordKind({
  prefix: "access/audit-key/",
  // With a seal key of the yard, the store keeps the secret sealed.
  value: Type.Object({ key: Type.String({ pattern: RAW_KEY }), secret: Type.String({ pattern: RAW_KEY }) }),
  holds: "the key that signs heads of the audit log",
  kept: "as long as the yard",
});
const NAME = "key";

/** The record with that key. */
export const AUDIT_KEY: string = signingKeys.toKey(NAME);

/**
 * Signs a head with the yard's key, which the first call makes. Each call writes the key again, so that a new seal key of the
 * yard seals it. Throws `SEAL_KEY_MISSING` when this process cannot open it.
 */
export async function signHead(deps: RecordsDeps, { seq, hash, at }: DatedHead): Promise<SignedHead> {
  const { value } = await signingKeys.change(deps, NAME, (found) => {
    const made = found?.value ?? makeKey();
    return { value: made, write: { value: made } };
  });
  const { key, secret } = value;
  const header = { alg: "EdDSA", kid: toKeyId(key) };
  const content = { seq, hash, at: new Date(at).toISOString() };
  const text = [header, content].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  const privateKey = createPrivateKey({ key: { kty: "OKP", crv: "Ed25519", x: key, d: secret }, format: "jwk" });
  return { signed: `${text}.${sign(null, Buffer.from(text), privateKey).toString("base64url")}`, key };
}

/** Returns the head in a signed text; undefined when the key has not signed it. */
export function readSignedHead(signed: string, key: string): DatedHead | undefined {
  const [header = "", content = "", signature = "", more] = signed.split(".");
  if (more !== undefined || parsePart(header)?.["alg"] !== "EdDSA") return undefined;
  const publicKey = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: key }, format: "jwk" });
  if (!verify(null, Buffer.from(`${header}.${content}`), publicKey, Buffer.from(signature, "base64url")))
    return undefined;
  const { seq, hash, at } = parsePart(content) ?? {};
  if (typeof seq !== "number" || typeof hash !== "string" || typeof at !== "string") return undefined;
  return { seq, hash, at: Date.parse(at) };
}

/** Returns the id of a public key: the beginning of its SHA-256. */
function toKeyId(key: string): string {
  return createHash("sha256").update(Buffer.from(key, "base64url")).digest("hex").slice(0, 16);
}

function makeKey(): { readonly key: string; readonly secret: string } {
  const { x = "", d = "" } = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  return { key: x, secret: d };
}

function parsePart(part: string): Readonly<Record<string, unknown>> | undefined {
  const value = parseJson(Buffer.from(part, "base64url").toString());
  return isMap(value) ? value : undefined;
}
