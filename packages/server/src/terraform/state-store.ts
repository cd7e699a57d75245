import { isUtf8 } from "node:buffer";
import { isDeepStrictEqual } from "node:util";
import {
  type Clock,
  changeRecord,
  defined,
  findStateOwner,
  type Ids,
  keepStart,
  type Records,
  removeChunks,
  StackyardError,
  type StoredRecord,
  toReadableStateKey,
} from "@stackyard/core";
import { type AuditSubject, BY_FIELDS, type By } from "@stackyard/core/access";
import type { Page, PageInput } from "@stackyard/core/engine";
import { readForeignJson } from "@stackyard/core/programs";
import {
  readCompressed,
  STATE_HEADS,
  toContentKey,
  toContentPrefix,
  toStateHeadKey,
  writeCompressed,
} from "@stackyard/core/services";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { HttpError } from "../http/problem.ts";
import { toPage } from "../routes/to-page.ts";

interface StateStoreDeps {
  readonly records: Records;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly maxBytes: number;
  readonly keepVersions: number;
}

/** The result of a change of a head: the head to write, if any, and the response. */
interface HeadChange<Answer> {
  readonly head?: StateHead;
  readonly answer: Answer;
}

/** Terraform states as records of the yard. */
export interface StateStore {
  /** Returns an empty head when the state has not been written. */
  loadHead(key: string): Promise<StateHead>;
  /** Returns the states in order of keys. */
  list(prefix: string, page: PageInput): Promise<Page<StateHead>>;
  /** Applies a decision to the present head and writes it; decides again after a concurrent write. */
  change<Answer>(key: string, decide: (head: StateHead) => Promise<HeadChange<Answer>>): Promise<Answer>;
  /** Returns the content of a version. Throws `NOT_FOUND`. */
  read(key: string, version: StateVersion): Promise<Uint8Array>;
  /** Adds a version if `check` allows it; checks again with the exact head that the conditional write replaces. */
  write(key: string, input: WriteInput): Promise<StateVersion>;
}

interface WriteInput extends By {
  readonly bytes: Uint8Array;
  /** The lease token of an attempt. */
  readonly token?: number | undefined;
  readonly restoredFrom?: number;
  /** Throws when the write is not allowed on this head. */
  check(head: StateHead): Promise<void>;
}

const MAX_TRIES = 20;
const PRUNE_PAGE = 8;

/** Creates a store over records. */
export function createStateStore(deps: StateStoreDeps): StateStore {
  const { records, clock, maxBytes } = deps;
  return {
    loadHead: (key) => loadHead(deps, key),
    async list(prefix, page) {
      const found = await records.list(headPrefixOf(prefix), { ...page, now: clock.now() });
      return toPage(found, { toView: ({ value }) => parseHead(value), toId: ({ key }) => key });
    },
    change: (key, decide) => changeHead(deps, key, decide),
    async read(key, version) {
      const place = toChunkedPlace({ ...version, key }, clock.now());
      const limits = { chunks: version.chunks, maxBytes: Math.max(maxBytes, version.bytes) };
      const bytes = await readCompressed(records, place, limits);
      if (bytes !== undefined) return bytes;
      throw new StackyardError("NOT_FOUND", `Version ${version.version} is not kept any more.`);
    },
    write: (key, input) => addVersion(deps, key, input),
  };
}

async function loadHead({ records, clock }: StateStoreDeps, key: string): Promise<StateHead> {
  return toHead(key, await records.get(toStateHeadKey(key), clock.now()));
}

function toHead(key: string, record: StoredRecord | undefined): StateHead {
  return record === undefined ? emptyHead(key) : parseHead(record.value);
}

const CONFLICT = "Too many concurrent writes to this Terraform state. Try again.";

async function changeHead<Answer>(
  deps: StateStoreDeps,
  key: string,
  decide: (head: StateHead) => Promise<HeadChange<Answer>>,
): Promise<Answer> {
  const { answer } = await changeRecord({
    ...deps,
    key: toStateHeadKey(key),
    conflict: CONFLICT,
    async decide(found) {
      const { head: value, answer } = await decide(toHead(key, found));
      return { write: value && { value }, answer };
    },
  });
  return answer;
}

/**
 * Writes the content, then the head with its reference: a crash in between leaves records for a later write to remove.
 */
async function addVersion(deps: StateStoreDeps, key: string, input: WriteInput): Promise<StateVersion> {
  const facts = await readStateFacts(input.bytes);
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const before = await loadHead(deps, key);
    await input.check(before);
    const place = { key, version: before.next, blob: deps.ids.next() };
    const now = deps.clock.now();
    const chunks = await writeCompressed(deps.records, toChunkedPlace(place, now), input.bytes);
    const { by, byId, token, restoredFrom, bytes } = input;
    const version: StateVersion = {
      version: place.version,
      blob: place.blob,
      chunks,
      bytes: bytes.byteLength,
      at: now,
      by,
      ...facts,
      ...defined({ byId, token, restoredFrom }),
    };
    const added = await changeHead(deps, key, async (head) => {
      await input.check(head);
      if (head.next !== version.version) return { answer: false };
      return { head: withVersion(head, version, deps.keepVersions), answer: true };
    });
    if (added) {
      await prune(deps, key);
      return version;
    }
    await removeChunks(deps.records, toChunkedPlace(place, now), chunks);
  }
  throw new StackyardError("RECORD_CONFLICT", CONFLICT);
}

function withVersion(head: StateHead, version: StateVersion, keep: number): StateHead {
  const versions = [version, ...head.versions].slice(0, keep);
  return { ...head, next: version.version + 1, current: version.version, versions };
}

/** Removes content of versions that left the list, and of incomplete writes: keys are in order of versions. */
async function prune(deps: StateStoreDeps, key: string): Promise<void> {
  const head = await loadHead(deps, key);
  const oldest = Math.min(
    head.next,
    ...head.versions.map(({ version }) => version),
    findCurrent(head)?.version ?? head.next,
  );
  for (;;) {
    const page = await deps.records.list(toContentPrefix(key), { limit: PRUNE_PAGE, now: deps.clock.now() });
    const stale = page.items.filter((record) => versionOfChunk(key, record.key) < oldest);
    for (const record of stale) await deps.records.remove(record.key, record.version);
    // A page of large records may have fewer than its limit.
    if (stale.length === 0 || stale.length < page.items.length || page.cursor === undefined) return;
  }
}

/** The holder of a lock: an attempt while its lease is valid, an operator until it is unlocked. */
const LockHolder = Type.Union([
  Type.Object({ kind: Type.Literal("attempt"), attemptId: Type.String(), token: Type.Integer() }),
  Type.Object({ kind: Type.Literal("operator"), name: Type.String(), id: Type.Optional(Type.String()) }),
]);
export type LockHolder = Static<typeof LockHolder>;

const StateLock = Type.Object({
  /** Terraform's id of the lock. */
  id: Type.String(),
  /** Terraform's own description, unchanged; returned to callers that find the state locked. */
  info: Type.String(),
  holder: LockHolder,
  at: Type.Integer(),
});
export type StateLock = Static<typeof StateLock>;

const StateVersion = Type.Object({
  version: Type.Integer({ minimum: 1 }),
  /** The name of the records with the content. */
  blob: Type.String(),
  chunks: Type.Integer(),
  bytes: Type.Integer(),
  at: Type.Integer(),
  ...BY_FIELDS,
  /** The fencing token of the attempt that has written it. */
  token: Type.Optional(Type.Integer()),
  serial: Type.Optional(Type.Integer()),
  lineage: Type.Optional(Type.String()),
  terraformVersion: Type.Optional(Type.String()),
  /** Entries in the list of resources; 0 after a destroy. */
  resources: Type.Optional(Type.Integer()),
  restoredFrom: Type.Optional(Type.Integer()),
});
export type StateVersion = Static<typeof StateVersion>;

/** A lock that was broken by force: by whom, and who held it. Small, because a record's size is limited. */
const ForcedUnlock = Type.Object({
  at: Type.Integer(),
  ...BY_FIELDS,
  lockId: Type.String(),
  lockedAt: Type.Integer(),
  /** An attempt's id, or the name of a person or token. */
  holder: Type.String(),
  /** The id of a person. */
  holderId: Type.Optional(Type.String()),
  who: Type.Optional(Type.String()),
  operation: Type.Optional(Type.String()),
});
export type ForcedUnlock = Static<typeof ForcedUnlock>;

/** Everything about one state except its content: one record, so lock and versions change in one conditional write. */
const StateHead = Type.Object({
  key: Type.String(),
  /** The number of the next version; never decreases. */
  next: Type.Integer({ minimum: 1 }),
  /** The current version; absent when the state is empty or was deleted. */
  current: Type.Optional(Type.Integer()),
  /** Newest first. */
  versions: Type.Array(StateVersion),
  lock: Type.Optional(StateLock),
  /** Newest first, a bounded number. */
  forcedUnlocks: Type.Optional(Type.Array(ForcedUnlock)),
});
export type StateHead = Static<typeof StateHead>;

const validator = Compile(StateHead);

/** Returns the head of a state that has not been written. */
function emptyHead(key: string): StateHead {
  return { key, next: 1, versions: [] };
}

/** Reads the record of a head. Throws `STORE_CORRUPT`. */
function parseHead(value: unknown): StateHead {
  if (validator.Check(value)) return value;
  throw new StackyardError("STORE_CORRUPT", "The record of a Terraform state cannot be read.");
}

/** Returns the current version. */
export function findCurrent({ versions, current }: StateHead): StateVersion | undefined {
  return versions.find(({ version }) => version === current);
}

/** The location of one version's content. */
interface ContentPlace {
  readonly key: string;
  readonly version: number;
  readonly blob: string;
}

function toChunkedPlace({ key, version, blob }: ContentPlace, now: number) {
  return { keyOf: (index: number) => toContentKey(key, { version, blob }, index), now };
}

type StateFacts = Pick<StateVersion, "serial" | "lineage" | "terraformVersion" | "resources">;

const FACTS = {
  version: "value",
  serial: "value",
  lineage: "value",
  terraform_version: "value",
  resources: "count",
  encrypted_data: "length",
  encryption_version: "value",
  ID: "value",
  Operation: "value",
  Who: "value",
} as const;

/** Twice as many as a state of 32 MiB has, as Terraform writes it: a server has less memory than a worker. */
const MAX_VALUES = 2_000_000;

/**
 * Reads Terraform's facts from a state, a large one outside of the event loop. Throws `USAGE` (400) when the bytes are not a state, such
 * as a lock that a client sends with the wrong method: stored as a state, it would hide everything that exists. Throws
 * `PAYLOAD_TOO_LARGE` when it has more values than can be read.
 */
export async function readStateFacts(bytes: Uint8Array): Promise<StateFacts> {
  // How large it may be is known by then.
  const limits = { maxBytes: bytes.byteLength, maxMarks: MAX_VALUES };
  const value = isUtf8(bytes)
    ? await readForeignJson({ what: "The state", from: { bytes }, parts: FACTS, limits })
    : undefined;
  // The parser's message would quote the state, which may contain secrets.
  if (value === undefined)
    throw new HttpError(400, "USAGE", "The body is not a Terraform state: it must be a JSON object.");
  const { serial, lineage, terraform_version: version, resources } = value;
  if (!isState(value)) throw new HttpError(400, "USAGE", isLock(value) ? LOCK_TEXT : STATE_TEXT);
  return {
    ...(Number.isSafeInteger(serial) ? { serial: Number(serial) } : {}),
    ...(typeof lineage === "string" ? { lineage: keepStart(lineage, 255) } : {}),
    ...(typeof version === "string" ? { terraformVersion: keepStart(version, 64) } : {}),
    ...(typeof resources === "number" ? { resources } : {}),
  };
}

type JsonObject = Readonly<Record<string, unknown>>;

/** Returns true for a state of Terraform 0.12 or later (its `statefile` package), and for an encrypted one of OpenTofu. */
function isState({ version, serial, lineage, resources, ...more }: JsonObject): boolean {
  if (isCount(more["encrypted_data"]) && typeof more["encryption_version"] === "string") return true;
  return isCount(version) && isCount(serial) && typeof lineage === "string" && isCount(resources);
}

function isCount(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}

/** Returns true for what Terraform sends to acquire or release a lock. */
function isLock({ ID, Operation, Who }: JsonObject): boolean {
  return [ID, Operation ?? Who].every((value) => typeof value === "string");
}

/** Names the settings of the `http` backend that send locks as something else. */
export const LOCK_TEXT =
  'The body is a lock and not a state. Set lock_method = "LOCK" and unlock_method = "UNLOCK" in the backend, or leave both out. Nothing was changed.';

const STATE_TEXT =
  "The body is not a Terraform state: it needs version, serial, lineage and the list of resources. Nothing was changed.";

/** The top level of a state begins with scalars; numbers further down may be too large for JavaScript. */
const SERIAL = /^(\s*\{(?:[^{}[\]"]|"(?:[^"\\]|\\.)*")*?"serial"\s*:\s*)\d+/;

/** Returns the same state with another serial; all other bytes are unchanged. */
export function withSerial(bytes: Uint8Array, serial: number): Uint8Array {
  const text = new TextDecoder().decode(bytes);
  return new TextEncoder().encode(text.replace(SERIAL, (_, before: string) => `${before}${serial}`));
}

/** Returns the prefix of the heads of states with this key prefix. For prefixes of up to 300 encoded characters. */
export function headPrefixOf(prefix: string): string {
  return `${STATE_HEADS}${toReadableStateKey(prefix)}`;
}

/** Returns the version that a chunk belongs to. */
export function versionOfChunk(key: string, chunkKey: string): number {
  return Number(chunkKey.slice(toContentPrefix(key).length).split("/")[0]);
}

/** A lock, and whether it still binds. */
export interface StandingLock {
  readonly lock: StateLock;
  readonly binds: boolean;
}

/** The decision on a request for a lock. */
export type LockDecision =
  | { readonly kind: "locked"; readonly head: StateHead; readonly takenOverFrom?: StateLock }
  | { readonly kind: "held"; readonly lock: StateLock }
  | { readonly kind: "forbidden" };

/** Decides on a lock: grants a free one, one with an ended holder, and the caller's own under the same id. */
export function decideLock(
  head: StateHead,
  standing: StandingLock | undefined,
  request: { readonly caller: StateCaller; readonly lock: StateLock },
): LockDecision {
  const { caller, lock } = request;
  if (!caller.live) return { kind: "forbidden" };
  const locked = { ...head, lock };
  if (standing === undefined) return { kind: "locked", head: locked };
  if (isHeldBy(standing.lock, caller)) {
    return standing.lock.id === lock.id ? { kind: "locked", head: locked } : { kind: "held", lock: standing.lock };
  }
  if (standing.binds) return { kind: "held", lock: standing.lock };
  return { kind: "locked", head: locked, takenOverFrom: standing.lock };
}

/** The decision on a request to unlock. */
export type UnlockDecision =
  /** `forced` is the lock that was another's. */
  | { readonly kind: "unlocked"; readonly head: StateHead; readonly forced?: StateLock }
  | { readonly kind: "nothing" }
  | { readonly kind: "held"; readonly lock: StateLock };

/**
 * Decides on an unlock. Only operators unlock others' locks, and only by their id: Terraform's force-unlock sends none,
 * whatever id it was given, and could break a lock that its user does not know of [terraform#28421].
 */
export function decideUnlock(
  head: StateHead,
  request: { readonly caller: StateCaller; readonly id: string | undefined; readonly at: number },
): UnlockDecision {
  const { lock, ...free } = head;
  const { caller, id, at } = request;
  if (lock === undefined) return { kind: "nothing" };
  const mayUnlock = caller.holder.kind === "operator" || isHeldBy(lock, caller);
  const isNamed = id === lock.id || (id === undefined && caller.holder.kind === "attempt");
  if (!mayUnlock || !isNamed) return { kind: "held", lock };
  if (isHeldBy(lock, caller)) return { kind: "unlocked", head: free };
  return { kind: "unlocked", head: breakLock(head, { ...toCallerBy(caller), at }), forced: lock };
}

const MAX_FORCED_UNLOCKS = 20;

/** Returns the head without its lock, and with a record of who broke it. */
export function breakLock(head: StateHead, broke: By & { readonly at: number }): StateHead {
  const { lock, forcedUnlocks = [], ...free } = head;
  if (lock === undefined) return head;
  const broken = { ...broke, lockId: lock.id, lockedAt: lock.at, ...toHolderFacts(lock) };
  return { ...free, forcedUnlocks: [broken, ...forcedUnlocks].slice(0, MAX_FORCED_UNLOCKS) };
}

const MAX_FACT = 512;

/** Returns a lock's holder for people: our name for it, and Terraform's description. Never the token of a lease. */
export function toHolderFacts({ holder, info }: StateLock) {
  const described: unknown = JSON.parse(info);
  const { Who: who, Operation: operation } = { ...(described as object) } as Readonly<Record<string, unknown>>;
  return {
    holder: holder.kind === "attempt" ? holder.attemptId : holder.name,
    ...(holder.kind === "operator" && defined({ holderId: holder.id })),
    ...(typeof who === "string" ? { who: keepStart(who, MAX_FACT) } : {}),
    ...(typeof operation === "string" ? { operation: keepStart(operation, MAX_FACT) } : {}),
  };
}

/** Returns the audit log's subject of a state: its key, and its machine and stack when it has them. */
export function toAuditSubject(key: string): AuditSubject {
  return { stateKey: key, ...findStateOwner(key) };
}

/** Returns the server's log fields for a lock that was broken. */
export function toForcedUnlockFields(key: string, by: string, lock: StateLock) {
  const { holder } = toHolderFacts(lock);
  return { key, by, lockId: lock.id, holder, lockedAt: new Date(lock.at).toISOString() };
}

/** Decides whether the caller may read or write; a lock of another holder, or under another id, blocks writers. */
export function decideAccess(
  standing: StandingLock | undefined,
  request: { readonly caller: StateCaller; readonly write: boolean; readonly id: string | undefined },
): { readonly kind: "allowed" | "forbidden" } | { readonly kind: "held"; readonly lock: StateLock } {
  const { caller, write, id } = request;
  const own = standing !== undefined && isHeldBy(standing.lock, caller);
  // An expired lease may be renewed until another process claims it: the lock, not the clock, decides who may write.
  if (!caller.live && !own) return { kind: "forbidden" };
  if (!write || standing === undefined) return { kind: "allowed" };
  if (own) return id === standing.lock.id ? { kind: "allowed" } : { kind: "held", lock: standing.lock };
  return standing.binds ? { kind: "held", lock: standing.lock } : { kind: "allowed" };
}

function isHeldBy({ holder }: StateLock, caller: StateCaller): boolean {
  return isDeepStrictEqual(holder, caller.holder);
}

/** Converts a caller to who did something. */
export function toCallerBy({ holder, name }: StateCaller): By {
  return { by: name, ...(holder.kind === "operator" && defined({ byId: holder.id })) };
}

/** Who works on a state. */
export interface StateCaller {
  readonly holder: LockHolder;
  /** For the list of versions. */
  readonly name: string;
  /** False for an attempt with an expired lease that was not claimed again: it may still finish under its own lock. */
  readonly live: boolean;
}
