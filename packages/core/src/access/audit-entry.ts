import { utf8ToBytes } from "@noble/hashes/utils.js";
import type { Sender } from "./sender.ts";

/**
 * `begun` is written before an action whose own commit contains no line; `done` or `failed` follows and names it in
 * `of`.
 */
export type AuditOutcome = "done" | "begun" | "failed" | "denied";

/** The subject of an action. */
export interface AuditSubject {
  readonly machine?: string;
  readonly stackId?: string;
  readonly eventId?: string;
  readonly task?: string;
  readonly attemptId?: string;
  /** A job: also the id of its stack. */
  readonly jobId?: string;
  readonly tokenId?: string;
  readonly sessionId?: string;
  readonly stateKey?: string;
  readonly bulkId?: string;
  readonly key?: string;
}

/** One line of the audit log before it is sealed into the chain: at most 8 KiB as JSON, without secrets. */
export interface AuditEntry {
  /** A ULID: sorts by time, and is the key `audit/pending/<id>` until the entry is sealed. */
  readonly id: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** The operation of the API (`revokeToken`), the event's name (`RETRY_TASK`), or `login`, `logout`, `denied`. */
  readonly action: string;
  readonly outcome: AuditOutcome;
  readonly who: Sender;
  /** The way in: `api`, `mcp`, `backend`, `queue`, `host`, `release`. */
  readonly via: string;
  readonly on: AuditSubject;
  readonly code?: string;
  readonly reason?: string;
  /** The `id` of the entry `begun` that this one ends. */
  readonly of?: string;
  /** The number of denied requests that the entry represents. Missing: one. */
  readonly count?: number;
}

/** A sealed line: `prev` is the SHA-256 (hexadecimal) of the text of the line before it, `""` for the first. */
export interface AuditLine extends AuditEntry {
  /** From 1, without gaps. */
  readonly seq: number;
  readonly prev: string;
}

/** Everything under this key waits to be sealed. */
export const PENDING_PREFIX = "audit/pending/";

/** Returns the key of the record that contains an entry until it is sealed. */
export function toPendingKey(entryId: string): string {
  return PENDING_PREFIX + entryId;
}

/** Returns the key of the mark that a relayed entry was sealed. */
export function toSealedKey(entryId: string): string {
  return `audit/sealed/${entryId}`;
}

/** The stored form of an entry. `relayed`: the store may add it again after it was sealed. */
export type PendingEntry = AuditEntry & { readonly relayed?: true };

/** As JSON in UTF-8; a sealed line is longer by `seq` and `prev`, and has at most 8 KiB. */
const MAX_ENTRY_BYTES = 8_192 - 128;
/** The maximum size of each text, when the entry is too long. The sum of the usual ones leaves room for a reason. */
const MAX_TEXT_BYTES = 512;
/** Secrets of API tokens, sessions and workloads. */
const SECRET = /sy([tsw])_[0-9A-Za-z]{8,}/g;

/**
 * Returns an entry that fits the audit log: without the secrets of tokens in its texts, and at most 8 KiB as a line. Of
 * an entry that is too long, the reason is cut first, then names and ids, then those behind a release and groups are left out.
 */
export function toBoundedEntry(entry: AuditEntry): AuditEntry {
  if (isPlain(JSON.stringify(entry))) return entry;
  const plain = mapTexts(entry, (text) => text.toWellFormed().replace(SECRET, "sy$1_***"));
  if (sizeOf(plain) <= MAX_ENTRY_BYTES) return plain;
  const { reason = "", ...rest } = plain;
  const short = mapTexts(rest, (text) => cutJsonText(text, MAX_TEXT_BYTES));
  const bounded = sizeOf(short) <= MAX_ENTRY_BYTES ? short : withFewerGroups(short);
  const room = MAX_ENTRY_BYTES - sizeOf({ ...bounded, reason: "" });
  return reason === "" ? bounded : { ...bounded, reason: cutJsonText(reason, room) };
}

/** A secret, or a half of a surrogate pair, which JSON escapes. */
const SUSPECT = /sy[tsw]_|\\u[dD]/;
const MAX_BYTES_PER_CHARACTER = 3;

/** Returns true for the usual entry, which needs no change. Most entries are written in the commit of an event. */
function isPlain(json: string): boolean {
  return json.length * MAX_BYTES_PER_CHARACTER <= MAX_ENTRY_BYTES && !SUSPECT.test(json);
}

function withFewerGroups(entry: AuditEntry): AuditEntry {
  const { askers: _, ...who } = entry.who;
  const groups = [...who.groups];
  let size = sizeOf({ ...entry, who });
  while (size > MAX_ENTRY_BYTES / 2 && groups.length > 0) size -= sizeOf(groups.pop()) + 1;
  return { ...entry, who: { ...who, groups } };
}

/** Cuts a text to at most `maxBytes` bytes as JSON; the end of a cut text is `…`. */
function cutJsonText(text: string, maxBytes: number): string {
  if (sizeOf(text) - 2 <= maxBytes) return text;
  const characters = [...text];
  const ellipsis = 3;
  let size = 0;
  const kept = characters.findIndex((character) => {
    size += sizeOf(character) - 2;
    return size > maxBytes - ellipsis;
  });
  return `${characters.slice(0, kept).join("")}…`;
}

function sizeOf(value: unknown): number {
  return utf8ToBytes(JSON.stringify(value)).length;
}

/** Applies a change to each text of a JSON value; numbers and structure stay. */
function mapTexts<Value>(value: Value, change: (text: string) => string): Value;
function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === "string") return change(value);
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, change));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => (item === undefined ? [] : [[key, mapTexts(item, change)]])),
  );
}

/** Days that lines of the audit log are kept: the default, and what may be configured. */
export const AUDIT_RETENTION_DAYS = { default: 400, least: 30, most: 3_650 } as const;
