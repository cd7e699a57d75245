import { StackyardError } from "../errors/stackyard-error.ts";
import { listPages } from "../list-pages.ts";
import { defined, isMap } from "../machine/json.ts";
import type { Clock, Ids } from "../ports/clock.ts";
import type { Logger } from "../ports/executor.ts";
import { readRecords } from "../ports/read-records.ts";
import type { Page, PageInput, Records } from "../ports/records.ts";
import type { Store } from "../ports/store.ts";
import { within } from "../within.ts";

/** The role of a process in its yard: `engine` applies events, `worker` runs tasks. */
export type YardRole = "engine" | "worker";

/** A process of a yard, as of its newest heartbeat. */
export interface YardProcess {
  readonly id: string;
  readonly roles: readonly YardRole[];
  readonly version: string;
  readonly host: string;
  readonly pid?: number;
  /** Where its HTTP API is. */
  readonly url?: string;
  /** Executors that it runs tasks of. */
  readonly executors: readonly string[];
  /** Tasks that it runs at the same time. */
  readonly capacity: number;
  readonly running: number;
  /** It accepts no new work and exits when its running tasks have ended. */
  readonly draining: boolean;
  /** Epoch milliseconds, by the process's own clock. */
  readonly startedAt: number;
  readonly seenAt: number;
}

/** A process in the list of a yard. */
export interface ListedProcess extends YardProcess {
  /** It has sent no heartbeat for 20 s: it was killed, or cannot reach the store. */
  readonly gone: boolean;
  /** By how much its clock is ahead of the reader's; missing while they agree within 10 s. */
  readonly aheadMs?: number;
}

/** Facts that a process reports about itself. */
export interface ProcessFacts extends Pick<YardProcess, "version" | "host"> {
  readonly pid?: number;
  readonly url?: string;
}

/** An entry in the list of a yard's processes. */
export interface ProcessEntry {
  /** Sends a heartbeat at once. Never rejects. */
  beat(): Promise<void>;
  /** Stops the heartbeats and removes the entry. Never rejects. */
  leave(): Promise<void>;
}

/** The input of `joinRegistry`. Each heartbeat calls `describe`. */
interface ProcessEntryInput {
  readonly records: Records;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly describe: () => Omit<YardProcess, "startedAt" | "seenAt">;
}

/** Each heartbeat is one small write. */
const BEAT_MS = 5_000;
/** Three missing heartbeats, and some time for the last one. */
const GONE_MS = 20_000;
/** The time for which a dead process is listed as gone. */
const KEPT_MS = 10 * 60_000;
/** How often a process compares its clock with those of the others. */
const COMPARE_MS = 60_000;
/** Leases take 30 s: clocks that differ by less harm nothing. */
const MOST_AHEAD_MS = 10_000;
const PREFIX = "processes/";

/**
 * Lists a process in its yard until it leaves, or for 10 minutes after it has crashed. People and the explanations of
 * waiting tasks use the list. Leases, not heartbeats, decide which process may do what.
 */
export function joinRegistry({ records, clock, logger, describe }: ProcessEntryInput): ProcessEntry {
  const ended = new AbortController();
  const startedAt = clock.now();
  const key = `${PREFIX}${describe().id}`;
  let expected: number | "absent" = "absent";
  // One write after the other: each needs the version of the one before.
  let last = Promise.resolve();
  let comparedAt = Number.NEGATIVE_INFINITY;
  const named = new Set<string>();

  async function write(): Promise<void> {
    const now = clock.now();
    const value: YardProcess = { ...describe(), startedAt, seenAt: now };
    const input = { key, value, expiresAt: now + KEPT_MS, now };
    try {
      let put = await records.put({ ...input, expected });
      // After a long sleep of the machine the old entry has expired and may have been cleared away.
      if (put.kind === "conflict") {
        put = await records.put({ ...input, expected: put.current?.version ?? "absent" });
      }
      expected = put.kind === "written" ? put.record.version : "absent";
      await compareClocks(now);
    } catch (error) {
      logger.warn("The process could not write its heartbeat.", { error });
    }
  }

  /** Names each process whose clock is ahead of this one's, once. One that is behind names all others. */
  async function compareClocks(now: number): Promise<void> {
    if (now - comparedAt < COMPARE_MS) return;
    comparedAt = now;
    for (const { id, host, aheadMs } of await loadLiveProcesses(records, now)) {
      if (aheadMs === undefined || named.has(id)) continue;
      named.add(id);
      logger.warn(CLOCKS_DIFFER, { process: id, host, aheadSeconds: Math.round(aheadMs / 1_000) });
    }
  }

  const beat = () => {
    last = last.then(write);
    return last;
  };

  const beats = (async () => {
    while (!ended.signal.aborted) {
      await beat();
      await clock.sleep(BEAT_MS, ended.signal);
    }
  })();

  return {
    beat,
    async leave() {
      ended.abort();
      await beats;
      await last;
      if (expected === "absent") return;
      await records.remove(key, expected).catch((error: unknown) => {
        logger.warn("The process could not unregister; its entry expires.", { error });
      });
    },
  };
}

const CLOCKS_DIFFER =
  "The clock of another process is ahead of this one's. Set the wrong one with NTP: leases and timers depend on both.";

/** Lists the processes of a yard in the order in which they started, with those that crashed in the last 10 minutes. */
export async function listProcesses(
  records: Records,
  page: PageInput & { readonly now: number },
): Promise<Page<ListedProcess>> {
  return readRecords(await records.list(PREFIX, page), ({ value }) => {
    const found = parseProcess(value);
    if (found === undefined) return undefined;
    const aheadMs = found.seenAt - page.now;
    return { ...found, gone: -aheadMs >= GONE_MS, ...(aheadMs > MOST_AHEAD_MS && { aheadMs }) };
  });
}

const PAGE = 1_000;

/** Loads the processes of a yard that are not gone. */
export async function loadLiveProcesses(records: Records, now: number): Promise<readonly ListedProcess[]> {
  const live: ListedProcess[] = [];
  for await (const page of listPages((start) => listProcesses(records, { limit: PAGE, now, ...start }))) {
    live.push(...page.items.filter(({ gone }) => !gone));
  }
  return live;
}

/** Reads an entry of any version, or returns undefined for an invalid one. Ignores unknown fields. */
function parseProcess(value: unknown): YardProcess | undefined {
  if (!isMap(value)) return undefined;
  const { id, roles, version, host, pid, url, executors, capacity, running, draining, startedAt, seenAt } = value;
  if (![id, version, host].every((text) => typeof text === "string")) return undefined;
  if (!Number.isSafeInteger(startedAt) || !Number.isSafeInteger(seenAt)) return undefined;
  return defined({
    id: String(id),
    version: String(version),
    host: String(host),
    roles: toTexts(roles).filter((role): role is YardRole => role === "engine" || role === "worker"),
    executors: toTexts(executors),
    capacity: toCount(capacity),
    running: toCount(running),
    draining: draining === true,
    startedAt: Number(startedAt),
    seenAt: Number(seenAt),
    pid: Number.isSafeInteger(pid) ? Number(pid) : undefined,
    url: typeof url === "string" ? url : undefined,
  });
}

function toTexts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

function toCount(value: unknown): number {
  return Number.isSafeInteger(value) ? Number(value) : 0;
}

/** Dependencies of a probe. */
interface StoreProbeDeps {
  readonly store: Pick<Store, "records" | "listLockHolders">;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** The answer of a store that takes writes. */
export interface StoreAnswer {
  /** The sessions of other programs that hold rows locked: the stacks of these rows wait, all others continue. */
  readonly blockedBy?: readonly string[];
}

/** Checks that a store takes writes. */
interface StoreProbe {
  /**
   * Rejects with the store's error, or with `STORE_UNAVAILABLE` if the store does not respond within 5 s. Calls within
   * a second share one write, and no second write starts during a write.
   */
  check(): Promise<StoreAnswer>;
}

const PROBE_CACHE_MS = 1_000;
const ANSWER_MS = 5_000;
const PROBE_KEPT_MS = 60_000;
/** A full disk may still have room for a few bytes in a page that is there. */
const FILLING = "x".repeat(16_384);

/**
 * Creates a probe that writes a record, since a store may serve reads with a full disk or a read-only server. The
 * record expires, and each probe has its own.
 */
export function createStoreProbe({ store, clock, ids }: StoreProbeDeps): StoreProbe {
  const { records } = store;
  const key = `health/${ids.next()}`;
  let expected: number | "absent" = "absent";
  let last: { readonly result: Promise<StoreAnswer>; endedAt: number | undefined } | undefined;

  async function write(): Promise<void> {
    const now = clock.now();
    const input = { key, value: { at: now, filling: FILLING }, expiresAt: now + PROBE_KEPT_MS, now };
    let put = await records.put({ ...input, expected });
    // The record may have expired, or the response to an earlier write was lost.
    if (put.kind === "conflict") put = await records.put({ ...input, expected: put.current?.version ?? "absent" });
    expected = put.kind === "written" ? put.record.version : "absent";
  }

  async function writeInTime(): Promise<StoreAnswer> {
    const written = write().finally(() => {
      if (last !== undefined) last.endedAt = clock.now();
    });
    await within(written, {
      clock,
      ms: ANSWER_MS,
      late() {
        throw new StackyardError("STORE_UNAVAILABLE", "The store did not accept a write within 5 s.");
      },
    });
    return findBlockers(store);
  }

  return {
    check() {
      const { endedAt = clock.now() } = last ?? { endedAt: Number.NEGATIVE_INFINITY };
      if (last === undefined || clock.now() - endedAt >= PROBE_CACHE_MS)
        last = { endedAt: undefined, result: writeInTime() };
      return last.result;
    },
  };
}

/** Returns who holds rows of a store locked. A store that cannot say so is not unhealthy for it. */
export async function findBlockers(store: Pick<Store, "listLockHolders">): Promise<StoreAnswer> {
  const blockedBy = (await store.listLockHolders?.().catch(() => [])) ?? [];
  return blockedBy.length === 0 ? {} : { blockedBy };
}
