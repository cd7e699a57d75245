import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { StackyardError } from "../../errors/stackyard-error.ts";
import { defineService, type ProvidedService, provideService, type ServiceKey } from "../../ports/executor.ts";

/** Encrypts stored values, and decrypts them. Its keys are never in the store. */
export interface Sealer {
  /** Names the key with which it seals; not a secret. */
  readonly keyId: string;
  seal(bytes: Uint8Array): Promise<Uint8Array>;
  /** Returns undefined when the bytes were sealed with a key that this sealer does not have, or were changed. */
  open(sealed: Uint8Array): Promise<Uint8Array | undefined>;
}

/** The service by which workers provide their sealer to executors. */
export const SEALER: ServiceKey<Sealer> = defineService<Sealer>("sealer");

/** Returns the service for a worker. */
export function provideSealer(sealer: Sealer): ProvidedService {
  return provideService(SEALER, () => sealer);
}

const CIPHER = "aes-256-gcm";
const KEY_BYTES = 32;
// The sealed bytes are, in this order: format, id of the key, nonce, tag, content.
const FORMAT = 1;
const KEY_ID_BYTES = 8;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + KEY_ID_BYTES;
const CONTENT_AT = HEAD_BYTES + NONCE_BYTES + TAG_BYTES;

/**
 * Creates a sealer with AES-256-GCM. It seals with the first key, and opens with any: to rotate, put a new key before
 * the others, and remove the old one when nothing that it sealed is needed. A key is 32 random bytes.
 */
export function createSealer(keys: readonly Uint8Array[]): Sealer {
  const [newest] = keys;
  if (newest === undefined || keys.some((key) => key.length !== KEY_BYTES)) {
    throw new StackyardError("CONFIG_INVALID", `A sealer needs at least one key, each of ${KEY_BYTES} bytes.`);
  }
  const byId = new Map(keys.map((key) => [toKeyId(key).toString("hex"), key]));
  return {
    keyId: toKeyId(newest).toString("hex"),
    async seal(bytes) {
      const head = Buffer.concat([Buffer.of(FORMAT), toKeyId(newest)]);
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, newest, nonce).setAAD(head);
      const content = Buffer.concat([cipher.update(bytes), cipher.final()]);
      return Buffer.concat([head, nonce, cipher.getAuthTag(), content]);
    },
    async open(sealed) {
      const bytes = Buffer.from(sealed);
      const head = bytes.subarray(0, HEAD_BYTES);
      const key = byId.get(head.subarray(1).toString("hex"));
      if (bytes[0] !== FORMAT || key === undefined || bytes.length < CONTENT_AT) return undefined;
      return decrypt(key, head, bytes.subarray(HEAD_BYTES));
    },
  };
}

function decrypt(key: Uint8Array, head: Buffer, rest: Buffer): Uint8Array | undefined {
  const decipher = createDecipheriv(CIPHER, key, rest.subarray(0, NONCE_BYTES)).setAAD(head);
  decipher.setAuthTag(rest.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(rest.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
  } catch {
    return undefined;
  }
}

// Identifies the key, and reveals nothing else: keys are random.
function toKeyId(key: Uint8Array): Buffer {
  return createHash("sha256").update("seal key").update(key).digest().subarray(0, KEY_ID_BYTES);
}

const KEY = /^[A-Za-z0-9+/_-]{43}=?$/;

/**
 * Parses keys from the environment: 32 bytes each in base64 or base64url, the newest first, separated by commas or
 * white space. `from` names the variable or file in errors.
 *
 * @throws StackyardError `CONFIG_INVALID`; the message shows no key.
 */
export function parseSealKeys(text: string, from: string): readonly Uint8Array[] {
  const items = text.split(/[\s,]+/).filter((item) => item !== "");
  if (items.length > 0 && items.every((item) => KEY.test(item))) {
    return items.map((item) => Buffer.from(item, item.search(/[-_]/) < 0 ? "base64" : "base64url"));
  }
  const message = `${from} must contain keys of 32 bytes in base64, separated by commas. Generate one with \`openssl rand -base64 32\`.`;
  throw new StackyardError("CONFIG_INVALID", message);
}
