import { type Clock, type Ids, type Records, StackyardError } from "@stackyard/core";
import type { Page, PageInput } from "@stackyard/core/engine";
import { toPage } from "../routes/to-page.ts";
import {
  chunkKeyOf,
  dataPrefixOf,
  headKeyOf,
  headPrefixOf,
  parseStateFacts,
  readContent,
  versionOfChunk,
  writeContent,
} from "./state-content.ts";
import { emptyHead, findCurrent, parseHead, type StateHead, type StateVersion } from "./state-head.ts";

export interface StateStoreDeps {
  readonly records: Records;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly maxBytes: number;
  readonly keepVersions: number;
}

/** What a change of a head comes to: the head to write, if any, and the answer. */
export interface HeadChange<Answer> {
  readonly head?: StateHead;
  readonly answer: Answer;
}

/** Terraform states as records of the yard. */
export interface StateStore {
  /** An empty head when nobody has written the state. */
  loadHead(key: string): Promise<StateHead>;
  /** In order of keys. */
  list(prefix: string, page: PageInput): Promise<Page<StateHead>>;
  /** Decides on the head as it stands and writes it if nobody else did; else decides again. */
  change<Answer>(key: string, decide: (head: StateHead) => Promise<HeadChange<Answer>>): Promise<Answer>;
  /** The content of a version. Throws `NOT_FOUND`. */
  read(key: string, version: StateVersion): Promise<Uint8Array>;
  /** Adds a version if `check` lets it, asked again on the very head that the write is conditional on. */
  write(key: string, input: WriteInput): Promise<StateVersion>;
}

export interface WriteInput {
  readonly bytes: Uint8Array;
  readonly by: string;
  readonly restoredFrom?: number;
  /** Throws when the write is not allowed on this head. */
  check(head: StateHead): Promise<void>;
}

const MAX_TRIES = 20;
const PRUNE_PAGE = 8;

/** A store over records. */
export function createStateStore(deps: StateStoreDeps): StateStore {
  const { records, clock, maxBytes } = deps;
  const store: StateStore = {
    loadHead: async (key) => (await loadRecord(deps, key)).head,
    async list(prefix, page) {
      const found = await records.list(headPrefixOf(prefix), { ...page, now: clock.now() });
      return toPage(found, { toView: ({ value }) => parseHead(value), toId: ({ key }) => key });
    },
    change: (key, decide) => changeHead(deps, key, decide),
    read: (key, version) => readContent(records, { key, version, maxBytes }, clock.now()),
    write: (key, input) => addVersion(deps, key, input),
  };
  return store;
}

async function loadRecord({ records, clock }: StateStoreDeps, key: string) {
  const record = await records.get(headKeyOf(key), clock.now());
  if (record === undefined) return { head: emptyHead(key), expected: "absent" as const };
  return { head: parseHead(record.value), expected: record.version };
}

async function changeHead<Answer>(
  deps: StateStoreDeps,
  key: string,
  decide: (head: StateHead) => Promise<HeadChange<Answer>>,
): Promise<Answer> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const { head, expected } = await loadRecord(deps, key);
    const { head: value, answer } = await decide(head);
    if (value === undefined) return answer;
    const put = await deps.records.put({ key: headKeyOf(key), value, expected, now: deps.clock.now() });
    if (put.kind === "written") return answer;
  }
  throw new StackyardError("RECORD_CONFLICT", "Others write this Terraform state at the same time. Try again.");
}

/** Content first, then the head that refers to it: a crash between leaves records that a later write removes. */
async function addVersion(deps: StateStoreDeps, key: string, input: WriteInput): Promise<StateVersion> {
  const facts = parseStateFacts(input.bytes);
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const before = (await loadRecord(deps, key)).head;
    await input.check(before);
    const place = { key, version: before.next, blob: deps.ids.next() };
    const now = deps.clock.now();
    const chunks = await writeContent(deps.records, place, { bytes: input.bytes, now });
    const { by, restoredFrom, bytes } = input;
    const version: StateVersion = {
      version: place.version,
      blob: place.blob,
      chunks,
      bytes: bytes.byteLength,
      at: now,
      by,
      ...facts,
      ...(restoredFrom === undefined ? {} : { restoredFrom }),
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
    await dropContent(deps, place, chunks);
  }
  throw new StackyardError("RECORD_CONFLICT", "Others write this Terraform state at the same time. Try again.");
}

function withVersion(head: StateHead, version: StateVersion, keep: number): StateHead {
  const versions = [version, ...head.versions].slice(0, keep);
  return { ...head, next: version.version + 1, current: version.version, versions };
}

async function dropContent(
  { records, clock }: StateStoreDeps,
  { key, version, blob }: { readonly key: string; readonly version: number; readonly blob: string },
  chunks: number,
): Promise<void> {
  for (let index = 0; index < chunks; index += 1) {
    const record = await records.get(chunkKeyOf(key, version, blob, index), clock.now());
    if (record !== undefined) await records.remove(record.key, record.version);
  }
}

/** Removes content of versions that left the list, and of writes that never arrived: keys are in order of versions. */
async function prune(deps: StateStoreDeps, key: string): Promise<void> {
  const head = (await loadRecord(deps, key)).head;
  const oldest = Math.min(
    head.next,
    ...head.versions.map(({ version }) => version),
    findCurrent(head)?.version ?? head.next,
  );
  for (;;) {
    const page = await deps.records.list(dataPrefixOf(key), { limit: PRUNE_PAGE, now: deps.clock.now() });
    const stale = page.items.filter((record) => versionOfChunk(key, record.key) < oldest);
    for (const record of stale) await deps.records.remove(record.key, record.version);
    // A page of large records may have fewer than its limit.
    if (stale.length === 0 || stale.length < page.items.length || page.cursor === undefined) return;
  }
}
