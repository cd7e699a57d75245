import { isDeepStrictEqual } from "node:util";
import { StackyardError } from "../errors/stackyard-error.ts";
import { mapLimited } from "../map-limited.ts";
import type { Clock } from "../ports/clock.ts";
import type { Records } from "../ports/records.ts";
import type { RolloutState } from "./decide-rollout.ts";
import type { Paged, ToRow } from "./paged-items.ts";
import { addTallies, toTallies } from "./tally.ts";

/** The records of one rollout: its state, and its items in pages. One for each step that works on it. */
export interface Pages<Item, State extends RolloutState> {
  /**
   * Loads the state, and the first, the last, and all pages with sent rows; all pages if batches are being sent, because
   * their rows may be on pages that do not show it yet.
   */
  load(): Promise<Paged<Item, State> | undefined>;
  /** Loads also the first pages that together have so many waiting rows. */
  loadWaiting(rollout: Paged<Item, State>, waiting: number): Promise<Paged<Item, State>>;
  loadAll(rollout: Paged<Item, State>): Promise<Paged<Item, State>>;
  /** Writes what has changed: pages first, then the state, which is what counts. Throws `PageConflictError`. */
  save(rollout: Paged<Item, State>): Promise<void>;
}

/** The input of pages, with the form of their records. */
export interface PagesInput<Item, State extends RolloutState> {
  readonly records: Records;
  readonly clock: Pick<Clock, "now">;
  /** Keys of the records of the state and of a page, from 0. */
  readonly key: { readonly state: string; readonly page: (number: number) => string };
  /** From the last write. */
  readonly keepMs: number;
  readonly toRow: ToRow<Item>;
  readonly page: PageForm<Item, State>;
}

/** The form of a page's record. */
export interface PageForm<Item, State> {
  readonly read: (value: unknown) => readonly Item[];
  /** Returns the record, at most 256 KiB as JSON. `head` is undefined except on the first page. */
  readonly fit: (items: readonly Item[], head: object | undefined) => unknown;
  /** The part of the first page about the whole rollout. It is written again when this changes. */
  readonly toHead: (state: State) => object;
}

const AT_ONCE = 8;

/** Creates the pages of one rollout. */
export function createPages<Item, State extends RolloutState>(input: PagesInput<Item, State>): Pages<Item, State> {
  const { key, toRow, page: form } = input;
  const documents = createVersionedRecords(input);
  const saved = new Map<number, readonly Item[]>();
  let savedState: State | undefined;

  async function loadPages({ state, pages }: Paged<Item, State>, numbers: readonly number[]) {
    const loaded = new Map(pages);
    const tallies = [...state.tallies];
    const missing = numbers.filter((number) => !pages.has(number));
    await mapLimited(missing, AT_ONCE, async (number) => {
      const value = await documents.get(key.page(number));
      if (value === undefined) requireEmpty(state, number, key.page(number));
      const items = value === undefined ? [] : form.read(value);
      loaded.set(number, items);
      saved.set(number, items);
      // A page may have been written when its state was not.
      tallies[number] = toTallies(items.map(toRow));
    });
    return { state: { ...state, tallies }, pages: loaded };
  }

  async function savePage(state: State, number: number, items: readonly Item[]): Promise<void> {
    await documents.open(key.page(number), key.state);
    await documents.put(key.page(number), form.fit(items, number === 0 ? form.toHead(state) : undefined));
    saved.set(number, items);
  }

  return {
    async load() {
      // Only `save` writes this record.
      savedState = (await documents.get(key.state)) as State | undefined;
      if (savedState === undefined) return undefined;
      return loadPages({ state: savedState, pages: new Map() }, listOpenPages(savedState));
    },
    loadWaiting: (rollout, waiting) => loadPages(rollout, listWaitingPages(rollout.state, waiting)),
    loadAll: (rollout) => loadPages(rollout, [...rollout.state.tallies.keys()]),
    async save({ state, pages }) {
      const isHeadStale = !isDeepStrictEqual(savedState && form.toHead(savedState), form.toHead(state));
      const stale = [...pages].filter(
        ([number, items]) => saved.get(number) !== items || (number === 0 && isHeadStale),
      );
      await mapLimited(stale, AT_ONCE, ([number, items]) => savePage(state, number, items));
      // A rollout that is planned anew may be shorter.
      const before = [...(savedState?.tallies.keys() ?? [])];
      await mapLimited(before.slice(Math.max(1, state.tallies.length)), AT_ONCE, (number) =>
        savePage(state, number, []),
      );
      if (state !== savedState) await documents.put(key.state, state);
      savedState = state;
    },
  };
}

/**
 * Throws `STORE_CORRUPT` when the rollout counts rows on a page whose record is gone, such as after its time: what followed
 * without them would succeed.
 */
export function requireEmpty({ tallies }: Pick<RolloutState, "tallies">, number: number, record: string): void {
  const { codes: _, ...counts } = addTallies(tallies[number] ?? []);
  const rows = Object.values(counts).reduce((sum, count) => sum + count, 0);
  if (rows === 0) return;
  throw new StackyardError("STORE_CORRUPT", `The record ${JSON.stringify(record)} is gone, and ${rows} rows with it.`);
}

function listOpenPages({ tallies, sending }: RolloutState): readonly number[] {
  if (sending.length > 0) return [...tallies.keys()];
  const last = Math.max(0, tallies.length - 1);
  const open = tallies.flatMap((waves, number) => (addTallies(waves).sent > 0 ? [number] : []));
  return [...new Set([0, ...open, last])];
}

function listWaitingPages({ tallies }: RolloutState, waiting: number): readonly number[] {
  const numbers: number[] = [];
  let left = waiting;
  for (const [number, waves] of tallies.entries()) {
    const found = addTallies(waves).waiting;
    if (left > 0 && found > 0) numbers.push(number);
    left -= found;
  }
  return numbers;
}

/** Another worker has written the record meanwhile: load everything again. */
export class PageConflictError extends Error {
  constructor(key: string) {
    super(`The record "${key}" was written by another worker.`);
    this.name = "PageConflictError";
  }
}

/** Records that one worker reads and writes. They remember the versions that were read, to notice when another one writes. */
function createVersionedRecords({
  records,
  clock,
  keepMs,
}: Pick<PagesInput<never, never>, "records" | "clock" | "keepMs">) {
  const versions = new Map<string, number | "absent">();

  async function get(key: string): Promise<unknown> {
    const record = await records.get(key, clock.now());
    versions.set(key, record?.version ?? "absent");
    return record?.value;
  }

  return {
    get,
    /**
     * Reads the version of a record that was not read before, which may be replaced only while `head` is unchanged: a worker
     * that was paused must not replace the pages of a rollout that another has begun. Throws `PageConflictError`.
     */
    async open(key: string, head: string): Promise<void> {
      if (versions.has(key)) return;
      await get(key);
      const known = versions.get(head);
      const version = (await records.get(head, clock.now()))?.version ?? "absent";
      if (known !== undefined && known !== version) throw new PageConflictError(head);
    },
    /** Replaces the version that was read last, or the stored one if none was read. Throws `PageConflictError`. */
    async put(key: string, value: unknown): Promise<void> {
      if (!versions.has(key)) await get(key);
      const now = clock.now();
      const expected = versions.get(key) ?? "absent";
      const result = await records.put({ key, value, expected, now, expiresAt: now + keepMs });
      if (result.kind === "conflict") throw new PageConflictError(key);
      versions.set(key, result.record.version);
    },
  };
}
