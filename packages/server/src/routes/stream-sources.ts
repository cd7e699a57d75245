import { type Clock, defined, isStackyardError, type Records, type Store } from "@stackyard/core";
import { decideAccess, type Rights } from "@stackyard/core/access";
import type { Bulks, StoredBulk, StoredHistoryEntry, StoredLog } from "@stackyard/core/engine";
import type { Caller } from "../access/caller.ts";
import { type Guard, hasEverywhere } from "../access/guard.ts";
import { mayReadLine, type SubjectFinder } from "../access/reach.ts";
import { toBulkView } from "../schemas/bulk.ts";
import { toHistoryEntry } from "../schemas/event.ts";
import { maySeeBulk } from "./bulk-routes.ts";
import { loadFullLog } from "./log-routes.ts";
import type { ProgressBoard, ProgressEntry } from "./progress-board.ts";

/** The sources of streams. */
export interface SourceDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly guard: Guard;
  readonly subjects: SubjectFinder;
  readonly bulks: Bulks;
  readonly board: ProgressBoard;
  readonly logs?: Pick<Records, "get"> | undefined;
}

/** The subject of a stream. */
export interface StreamFilter {
  readonly machine?: string | undefined;
  readonly idPrefix?: string | undefined;
  readonly stackId?: string | undefined;
  readonly attemptId?: string | undefined;
}

/** Where a stream is. Changed by its sources, sent with every event. */
export interface StreamPlace {
  /** In the history. */
  position: number;
  /** In the log, in bytes; undefined before its first part. */
  logOffset: number | undefined;
}

/** One event before it gets its id. */
export interface SourceEvent {
  readonly name: "history" | "progress" | "log" | "bulk";
  readonly data: string;
}

/** Returns new events, about 32 KiB at a time; nothing without new ones. */
export type Source = (caller: Caller) => AsyncGenerator<SourceEvent, void>;

/** Limits of one turn of each kind, plus one event. */
const TURN = { limit: 100, maxBytes: 32_768 };
const POLL_MS = 1_000;

/** Creates a source of the history after the place. */
export function createHistorySource(deps: SourceDeps, filter: StreamFilter, place: StreamPlace): Source {
  const { stackId } = filter;
  const { subjects } = deps;
  const isMeant = async (entry: StoredHistoryEntry, caller: Caller) => {
    if (!entry.stackId.startsWith(filter.idPrefix ?? "")) return false;
    if (filter.machine !== undefined && (await subjects.machineOf(entry)) !== filter.machine) return false;
    return hasEverywhere(caller.rights, "read") || mayReadLine(subjects, caller, entry);
  };
  return async function* (caller) {
    const page = { ...TURN, cursor: String(place.position) };
    const { items, unreadable = [] } = await deps.store.queries.listHistory(defined({ stackId }), page);
    for (const entry of items) {
      const isShown = await isMeant(entry, caller);
      place.position = entry.position;
      if (isShown) yield { name: "history", data: JSON.stringify(toHistoryEntry(entry)) };
    }
    for (const { id } of unreadable) place.position = Math.max(place.position, Number(id));
  };
}

/** Creates a source of attempts: those that have not ended, then each change of one. */
export function createProgressSource({ board }: SourceDeps, filter: StreamFilter): Source {
  let seen = 0;
  return async function* ({ rights }) {
    await board.refresh();
    let bytes = 0;
    for (const entry of board.listAfter(seen)) {
      if (bytes > TURN.maxBytes) return;
      seen = entry.seq;
      if (!fits(filter, entry) || !mayRead(rights, entry)) continue;
      bytes += entry.text.length;
      yield { name: "progress", data: entry.text };
    }
  };
}

function fits({ machine, idPrefix = "", stackId, attemptId }: StreamFilter, entry: ProgressEntry): boolean {
  if (!entry.stackId.startsWith(idPrefix)) return false;
  if (machine !== undefined && machine !== entry.machine) return false;
  return (stackId ?? entry.stackId) === entry.stackId && (attemptId ?? entry.attemptId) === entry.attemptId;
}

function mayRead(rights: Rights, { stackId, machine }: ProgressEntry): boolean {
  return decideAccess(rights, "read", { kind: "stack", stackId, machine }) === "allowed";
}

const FIRST_BYTES = 65_536;
const PART_BYTES = 16_384;

/** Creates a source of an attempt's log, from its last 64 KiB on; it sends `ended` when there will be no more. */
export function createLogSource(deps: SourceDeps, attemptId: string, place: StreamPlace): Source {
  let lookAt = 0;
  let hasEnded = false;
  return async function* () {
    if (hasEnded || deps.clock.now() < lookAt) return;
    // The status is read before the log: what was logged before the end is then sent before `ended`.
    const attempt = await deps.store.findAttempt(attemptId);
    const log = await loadFullLog(deps, attemptId).catch(toNothing);
    const part = log && (await readPart(log, place.logOffset));
    if (part !== undefined && part.bytes > 0) {
      place.logOffset = part.offset + part.bytes;
      const { offset, text, times } = part;
      yield { name: "log", data: JSON.stringify({ attemptId, offset, text, ...(times.length > 0 && { times }) }) };
      return;
    }
    lookAt = deps.clock.now() + POLL_MS;
    hasEnded = attempt === undefined || attempt.status === "settled";
    const offset = place.logOffset ?? 0;
    if (hasEnded) yield { name: "log", data: JSON.stringify({ attemptId, offset, text: "", ended: true }) };
  };
}

function toNothing(error: unknown): undefined {
  if (!isStackyardError(error, "NOT_FOUND")) throw error;
}

async function readPart(log: StoredLog, from: number | undefined) {
  const start = Math.min(from ?? Math.max(0, log.size - FIRST_BYTES), log.size);
  const parts: Uint8Array[] = [];
  for await (const part of log.read(start, Math.min(start + PART_BYTES, log.size))) parts.push(part);
  const bytes = Buffer.concat(parts);
  // The first part begins with a whole line; every part ends with a whole character.
  const skipped = from === undefined && start > 0 ? bytes.indexOf("\n") + 1 : 0;
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(skipped), { stream: true });
  const [offset, length] = [start + skipped, Buffer.byteLength(text)];
  return { offset, bytes: length, text, times: await log.times(offset, offset + length) };
}

/** Creates a source of running bulk operations, then of each step and end of one. */
export function createBulkSource({ bulks, clock }: SourceDeps): Source {
  const seen = new Map<string, number>();
  let lookAt = 0;

  async function listChanged(): Promise<readonly StoredBulk[]> {
    const running = await bulks.listRunning();
    const ids = new Set(running.map(({ bulk }) => bulk.id));
    const gone = [...seen.keys()].filter((id) => !ids.has(id));
    for (const id of gone) seen.delete(id);
    const ended = await Promise.all(gone.map((id) => bulks.find(id)));
    const changed = running.filter(({ bulk, version }) => seen.get(bulk.id) !== version);
    for (const { bulk, version } of running) seen.set(bulk.id, version);
    return [...changed, ...ended.filter((each) => each !== undefined)];
  }

  return async function* (caller) {
    if (clock.now() < lookAt) return;
    lookAt = clock.now() + POLL_MS;
    for (const { bulk } of await listChanged()) {
      if (maySeeBulk(caller, bulk)) yield { name: "bulk", data: JSON.stringify(toBulkView(bulk)) };
    }
  };
}
