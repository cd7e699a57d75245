import { DecryptCommand, GenerateDataKeyCommand, type KMSClient } from "@aws-sdk/client-kms";
import { type Clock, RecentMap, StackyardError } from "@stackyard/core";
import { createSealer, type Sealer } from "@stackyard/core/services";
import { toAwsError } from "../aws-fault.ts";
import { callAws } from "../call-aws.ts";

/** The options of a sealer with KMS. */
export interface KmsSealerOptions {
  readonly client: Pick<KMSClient, "send">;
  /** ARNs of symmetric keys, the newest first: it seals with the first, and opens what was sealed with any. */
  readonly keyArns: readonly string[];
  /** The yard's name. Data that was sealed in another yard cannot be opened. */
  readonly yard: string;
  readonly clock: Pick<Clock, "now">;
}

// The sealed bytes, in this order: format, length of the encrypted data key, the encrypted data key, the result of a
// `createSealer` with the data key.
const FORMAT = 2;
const HEAD_BYTES = 3;
/** The time for which a plain data key is cached before KMS is called again, which detects a disabled key. */
const KEEP_MS = 300_000;
/** Maximum number of uses of a data key. */
const MOST_USES = 1_000;
/** Plain data keys that are cached to open: a page of stacks may need one for each. */
const MOST_KEPT = 1_000;

/**
 * Errors of a key that never opens this. Others, such as throttling, are transient. Source: KMS API reference,
 * "Decrypt".
 */
const REFUSED = {
  AccessDeniedException: undefined,
  DisabledException: undefined,
  IncorrectKeyException: undefined,
  InvalidCiphertextException: undefined,
  KMSInvalidStateException: undefined,
  NotFoundException: undefined,
};

interface DataKey {
  readonly sealer: Sealer;
  readonly until: number;
}

interface NewDataKey extends DataKey {
  readonly head: Uint8Array;
  uses: number;
}

/**
 * Creates a sealer with data keys from KMS. The encryption context is `stackyard:yard` and `stackyard:purpose`
 * (`seal`). `open` returns undefined if no key opens the data any more, such as after a key was disabled or the role
 * lost access.
 *
 * @throws StackyardError `FORBIDDEN`, `RATE_LIMITED`, `UNREACHABLE`, … for other failures of KMS.
 */
export function createKmsSealer({ client, keyArns, yard, clock }: KmsSealerOptions): Sealer {
  const [newest] = keyArns;
  if (newest === undefined) throw new StackyardError("CONFIG_INVALID", "A sealer of KMS needs at least one key.");
  const context = { EncryptionContext: { "stackyard:yard": yard, "stackyard:purpose": "seal" } };
  const opened = new RecentMap<string, DataKey>(MOST_KEPT);
  let current: NewDataKey | undefined;
  let coming: Promise<NewDataKey> | undefined;

  async function generate(): Promise<NewDataKey> {
    try {
      const request = new GenerateDataKeyCommand({ KeyId: newest, KeySpec: "AES_256", ...context });
      const { Plaintext: key, CiphertextBlob: encrypted } = await client.send(request);
      if (key === undefined || encrypted === undefined) throw new Error("KMS returned no data key");
      const head = Buffer.alloc(HEAD_BYTES);
      head.writeUInt8(FORMAT);
      head.writeUInt16BE(encrypted.length, 1);
      const until = clock.now() + KEEP_MS;
      return { sealer: createSealer([key]), head: Buffer.concat([head, encrypted]), until, uses: 0 };
    } catch (error) {
      throw toAwsError(error, "KMS did not generate a data key.", "Allow kms:GenerateDataKey on the key to the role.");
    }
  }

  async function findNewest(): Promise<NewDataKey> {
    if (current !== undefined && current.until > clock.now() && current.uses < MOST_USES) return current;
    // Concurrent calls wait for the same key.
    coming ??= generate().finally(() => {
      coming = undefined;
    });
    current = await coming;
    return current;
  }

  /** Decrypts a data key; undefined when the key refuses. */
  async function decryptWith(KeyId: string, encrypted: Uint8Array): Promise<Uint8Array | undefined> {
    const command = new DecryptCommand({ KeyId, CiphertextBlob: encrypted, ...context });
    const policy = { what: "KMS did not decrypt a data key.", instead: REFUSED };
    return (await callAws(() => client.send(command), policy))?.Plaintext;
  }

  async function decrypt(encrypted: Uint8Array): Promise<DataKey | undefined> {
    for (const keyArn of keyArns) {
      const key = await decryptWith(keyArn, encrypted);
      if (key?.length === 32) return { sealer: createSealer([key]), until: clock.now() + KEEP_MS };
    }
    return undefined;
  }

  async function findOpened(encrypted: Buffer): Promise<DataKey | undefined> {
    const name = encrypted.toString("base64");
    const known = opened.get(name);
    if (known !== undefined && known.until > clock.now()) return known;
    const decrypted = await decrypt(encrypted);
    if (decrypted === undefined) return undefined;
    opened.set(name, decrypted);
    return decrypted;
  }

  return {
    keyId: newest,
    async seal(bytes) {
      const key = await findNewest();
      key.uses += 1;
      return Buffer.concat([key.head, await key.sealer.seal(bytes)]);
    },
    async open(sealed) {
      const bytes = Buffer.from(sealed);
      if (bytes.length < HEAD_BYTES || bytes[0] !== FORMAT) return undefined;
      const end = HEAD_BYTES + bytes.readUInt16BE(1);
      if (end === HEAD_BYTES || bytes.length <= end) return undefined;
      const key = await findOpened(bytes.subarray(HEAD_BYTES, end));
      return key?.sealer.open(bytes.subarray(end));
    },
  };
}
