import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";
import { defineRecordKind, type RecordsDeps } from "@stackyard/core/services";
import { Type } from "typebox";
import { HttpError } from "./problem.ts";

/** What a cursor is for. One of another list, filter or caller is refused. */
export interface CursorUse {
  /** The operation that lists. */
  readonly operationId: string;
  /** Its input but for the cursor, and for what may differ from page to page. */
  readonly filter: Readonly<Record<string, unknown>>;
  /** Who lists: a person has one name in the browser and on the command line. */
  readonly caller: { readonly kind: string; readonly id: string };
}

/** Makes places of lists unreadable for callers: a place may be the id of something that the caller may not read. */
export interface Cursors {
  /** Returns the cursor of a place. Equal places of one use have equal cursors, so that clients can compare pages. */
  seal(use: CursorUse, place: string): Promise<string>;
  /** Returns the place of a cursor. Throws `USAGE` for any other text, and for a cursor of another use. */
  open(use: CursorUse, cursor: string): Promise<string>;
}

/** The keys for the content, and for the nonces that are made of it. */
interface Keys {
  readonly content: Buffer;
  readonly nonce: Buffer;
}

/** The servers of a yard share the key. */
const cursorKeys = defineRecordKind({
  prefix: "access/cursor-key/",
  value: Type.String({ pattern: "^[A-Za-z0-9_-]{43}$" }),
  holds: "the key of the cursors of lists",
  kept: "as long as the yard",
  damaged: "missing",
});
const NAME = "key";
const KEY_BYTES = 32;
const CIPHER = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const CONTENT_AT = NONCE_BYTES + TAG_BYTES;
/** Places are filled up to a multiple of this: the length of a cursor says nothing about a name. */
const BLOCK_BYTES = 512;

/** Creates the cursors of a yard's server. The first server that needs the key makes it. */
export function createCursors(deps: RecordsDeps): Cursors {
  let loading: Promise<Keys> | undefined;
  const load = (): Promise<Keys> => {
    loading ??= loadKeys(deps).catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };
  return {
    seal: async (use, place) => seal(await load(), toBound(use), fill(place)).toString("base64url"),
    async open(use, cursor) {
      const place = unseal(await load(), toBound(use), Buffer.from(cursor, "base64url"));
      if (place !== undefined) return place;
      const why = "The cursor is not one of this list, with this filter, for this caller.";
      throw new HttpError(400, "USAGE", `${why} Start again without a cursor.`);
    },
  };
}

async function loadKeys(deps: RecordsDeps): Promise<Keys> {
  const known = await cursorKeys.find(deps, NAME);
  if (known !== undefined) return toKeys(known);
  // Another server may have made one meanwhile.
  const { key } = await cursorKeys.change(deps, NAME, (found) => {
    const made = found?.value ?? randomBytes(KEY_BYTES).toString("base64url");
    return found === undefined ? { key: made, write: { value: made } } : { key: made };
  });
  return toKeys(key);
}

function toKeys(key: string): Keys {
  const derive = (use: string) => createHmac("sha256", Buffer.from(key, "base64url")).update(use).digest();
  return { content: derive("cursor content"), nonce: derive("cursor nonce") };
}

/** Returns the data to which a cursor is bound, as one text for one use. */
function toBound({ operationId, filter, caller }: CursorUse): Buffer {
  const sorted = Object.entries(filter).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Buffer.from(JSON.stringify([operationId, caller.kind, caller.id, sorted]));
}

/** Adds zeros up to the end of a block, and says in the last two bytes how many. */
function fill(place: string): Buffer {
  const bytes = Buffer.from(place);
  const size = Math.ceil((bytes.length + 2) / BLOCK_BYTES) * BLOCK_BYTES;
  const filled = Buffer.alloc(size);
  bytes.copy(filled);
  filled.writeUInt16BE(size - bytes.length, size - 2);
  return filled;
}

/** The nonce is made of all that is sealed, so a nonce comes twice only for the same content. */
function seal(keys: Keys, bound: Buffer, content: Buffer): Buffer {
  const nonce = createHmac("sha256", keys.nonce)
    .update(`${bound.length} `)
    .update(bound)
    .update(content)
    .digest()
    .subarray(0, NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, keys.content, nonce).setAAD(bound);
  const sealed = Buffer.concat([cipher.update(content), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
}

function unseal(keys: Keys, bound: Buffer, cursor: Buffer): string | undefined {
  if (cursor.length < CONTENT_AT + BLOCK_BYTES) return undefined;
  const nonce = cursor.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv(CIPHER, keys.content, nonce, { authTagLength: TAG_BYTES }).setAAD(bound);
  decipher.setAuthTag(cursor.subarray(NONCE_BYTES, CONTENT_AT));
  try {
    const filled = Buffer.concat([decipher.update(cursor.subarray(CONTENT_AT)), decipher.final()]);
    return filled.subarray(0, filled.length - filled.readUInt16BE(filled.length - 2)).toString();
  } catch {
    return undefined;
  }
}
