import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { Page, PageInput, Records } from "../ports/records.ts";

/** What a process does for its yard: `engine` applies events, `worker` runs tasks. */
export type YardRole = "engine" | "worker";

/** A process that works for a yard, as its newest heartbeat told. */
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
  /** It takes nothing new and ends when what runs has ended. */
  readonly draining: boolean;
  /** Epoch milliseconds, of its own clock. */
  readonly startedAt: number;
  readonly seenAt: number;
}

/** What a process can tell of itself. */
export interface ProcessFacts extends Pick<YardProcess, "version" | "host"> {
  readonly pid?: number;
  readonly url?: string;
}

/** A place in the list of a yard's processes. */
export interface ProcessEntry {
  /** Writes at once instead of at the next heartbeat. Never rejects. */
  beat(): Promise<void>;
  /** Ends the heartbeats and takes the entry away. Never rejects. */
  leave(): Promise<void>;
}

/** What an entry is made of: what stays, and what each heartbeat asks for. */
export interface ProcessEntryInput {
  readonly records: Records;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly describe: () => Omit<YardProcess, "startedAt" | "seenAt">;
}

/** One small write a process; three that fail in a row, and the process is taken for gone. */
const BEAT_MS = 15_000;
const LIFE_MS = 45_000;
const PREFIX = "processes/";

/**
 * Lists a process in its yard until it leaves. The list is for people and for the words on what a task waits for: leases,
 * not heartbeats, decide who may do what.
 */
export function joinRegistry({ records, clock, logger, describe }: ProcessEntryInput): ProcessEntry {
  const ended = new AbortController();
  const startedAt = clock.now();
  const key = `${PREFIX}${describe().id}`;
  let expected: number | "absent" = "absent";
  // One write after the other: each needs the version of the one before.
  let last = Promise.resolve();

  async function write(): Promise<void> {
    const now = clock.now();
    const value: YardProcess = { ...describe(), startedAt, seenAt: now };
    const input = { key, value, expiresAt: now + LIFE_MS, now };
    try {
      let put = await records.put({ ...input, expected });
      // After a long sleep of the machine the old entry has expired and may have been cleared away.
      if (put.kind === "conflict") {
        put = await records.put({ ...input, expected: put.current?.version ?? "absent" });
      }
      expected = put.kind === "written" ? put.record.version : "absent";
    } catch (error) {
      logger.warn("The process could not tell the yard that it lives.", { error });
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
        logger.warn("The process could not sign off; its entry ends by itself.", { error });
      });
    },
  };
}

/** The processes that told in the last 45 s that they live, in the order in which they started. */
export async function listProcesses(
  records: Records,
  page: PageInput & { readonly now: number },
): Promise<Page<YardProcess>> {
  const { items, cursor } = await records.list(PREFIX, page);
  return {
    items: items.flatMap(({ value }) => parseProcess(value) ?? []),
    ...(cursor === undefined ? {} : { cursor }),
  };
}

/** Reads an entry, also of another version; undefined for what is none. Fields that are not known are passed over. */
function parseProcess(value: unknown): YardProcess | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { id, roles, version, host, pid, url, executors, capacity, running, draining, startedAt, seenAt } =
    value as Readonly<Record<string, unknown>>;
  if (![id, version, host].every((text) => typeof text === "string")) return undefined;
  if (!Number.isSafeInteger(startedAt) || !Number.isSafeInteger(seenAt)) return undefined;
  return {
    ...{ id: String(id), version: String(version), host: String(host) },
    roles: toTexts(roles).filter((role): role is YardRole => role === "engine" || role === "worker"),
    executors: toTexts(executors),
    ...{ capacity: toCount(capacity), running: toCount(running), draining: draining === true },
    ...{ startedAt: Number(startedAt), seenAt: Number(seenAt) },
    ...(Number.isSafeInteger(pid) ? { pid: Number(pid) } : {}),
    ...(typeof url === "string" ? { url } : {}),
  };
}

function toTexts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

function toCount(value: unknown): number {
  return Number.isSafeInteger(value) ? Number(value) : 0;
}
