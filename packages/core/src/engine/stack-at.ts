import { type IncarnationEvent, replayIncarnation } from "../aggregate/replay-incarnation.ts";
import { listPages } from "../list-pages.ts";
import { DEFAULT_LIMITS } from "../machine/decide/work.ts";
import { SYSTEM_EVENTS } from "../machine/event-message.ts";
import { isMap } from "../machine/json.ts";
import type { Machine } from "../machine/machine.ts";
import type { Stack } from "../machine/stack.ts";
import type { StoredHistoryEntry } from "../ports/stack-store.ts";
import type { Store } from "../ports/store.ts";
import { isHidden, isPassedOver, relaxSecrets, toBefore, toReplayEvent } from "./replay-lines.ts";

/** A stack as it was after a line of its history. */
export interface StackAt {
  readonly line: StoredHistoryEntry;
  /** Undefined when it did not exist, or when the history is incomplete. */
  readonly stack: Stack | undefined;
  /** Why the stack may have been otherwise, or is missing. */
  readonly incomplete?: string;
}

interface StackAtDeps {
  readonly store: Pick<Store, "queries">;
  readonly findRevision: (hash: string) => Promise<Machine | undefined>;
}

/** Longer histories are not replayed. */
const MOST_LINES = 10_000;
const PAGE = 1_000;

/**
 * Finds a stack at a position; see `Planner`. The lines are replayed on the revisions that decided them; only timers
 * that fired then fire again.
 */
export async function findStackAt(
  deps: StackAtDeps,
  { stackId, position }: { readonly stackId: string; readonly position: number },
): Promise<StackAt | undefined> {
  const { lines, isCut } = await readBack(deps, stackId, position);
  const line = lines.at(-1);
  if (line === undefined) return undefined;
  if (line.outcome === "removed" || line.to === undefined) return { line, stack: undefined };
  const begin = lines.findLastIndex(isBeginning);
  if (begin >= 0) return replay(deps, lines.slice(begin), findParked(lines.slice(0, begin)));
  const oldest = new Date(lines[0]?.at ?? line.at).toISOString();
  const incomplete = isCut
    ? `The stack has more than ${MOST_LINES} lines of history up to there, too many to replay.`
    : `The history begins at ${oldest}, after the creation of the stack.`;
  return { line, stack: undefined, incomplete };
}

/** Reads the lines up to a position, oldest first, back to the end of the previous incarnation. */
async function readBack({ store }: StackAtDeps, stackId: string, position: number) {
  const lines: StoredHistoryEntry[] = [];
  const pages = listPages(({ cursor = String(position + 1) }) =>
    store.queries.listHistory({ stackId, newestFirst: true }, { limit: PAGE, cursor }),
  );
  for await (const { items } of pages) {
    for (const line of items) {
      if (line.outcome === "removed" && lines.length > 0) return { lines: lines.reverse(), isCut: false };
      if (lines.length === MOST_LINES) return { lines: lines.reverse(), isCut: true };
      lines.push(line);
    }
  }
  return { lines: lines.reverse(), isCut: false };
}

function isBeginning({ outcome, from, to }: StoredHistoryEntry): boolean {
  return outcome === "applied" && from === undefined && to !== undefined;
}

/** Returns the lines of events that waited for the stack when it was created. */
function findParked(lines: readonly StoredHistoryEntry[]): readonly StoredHistoryEntry[] {
  const parked = new Map<string, StoredHistoryEntry>();
  for (const line of lines) {
    if (line.outcome === "parked") parked.set(line.eventId, line);
    else parked.delete(line.eventId);
  }
  return [...parked.values()];
}

async function replay(
  deps: StackAtDeps,
  lines: readonly StoredHistoryEntry[],
  parked: readonly StoredHistoryEntry[],
): Promise<StackAt | undefined> {
  const line = lines.at(-1);
  if (line === undefined) return undefined;
  const replayed = lines.filter(isReplayed);
  const { machines, missing } = await loadMachines(deps, replayed);
  const [machine] = machines;
  if (machine === undefined || missing !== undefined) {
    const incomplete = `The revision ${(missing ?? "").slice(0, 12)} that decided it is not stored, or does not compile any more.`;
    return { line, stack: undefined, incomplete };
  }
  const incarnation = replayed.map((each): IncarnationEvent => ({ event: toReplayEvent(each), did: toBefore(each) }));
  const { stack, differences } = replayIncarnation({
    machine,
    machineAt: (place) => machines[place] ?? machine,
    incarnation,
    parked: parked.map(toReplayEvent),
    limits: DEFAULT_LIMITS,
  });
  const [first] = differences;
  if (first === undefined) return { line, stack };
  const where = replayed[first.place ?? 0]?.position ?? line.position;
  return { line, stack, incomplete: `The replay differs from the history from position ${where} on.` };
}

/**
 * Returns true for a line that is replayed. Unlike the plan of an upgrade, a replay follows the upgrades of the stack.
 */
function isReplayed(line: StoredHistoryEntry): boolean {
  const isUpgrade = line.event === SYSTEM_EVENTS.upgradeStack && line.outcome === "applied";
  return isUpgrade || !isPassedOver(line);
}

/**
 * Loads the revision of each line; a line without a revision has that of the line before. `missing`: an unknown hash.
 */
async function loadMachines({ findRevision }: StackAtDeps, lines: readonly StoredHistoryEntry[]) {
  const secretKeys = [...new Set(lines.flatMap(({ metadata }) => listHidden(metadata)))];
  const known = new Map<string, Machine>();
  const machines: Machine[] = [];
  for (const { machineHash } of lines) {
    const last = machines.at(-1);
    const hash = machineHash ?? last?.hash ?? "";
    const found = known.get(hash) ?? (await findRevision(hash));
    if (found === undefined) return { machines, missing: hash };
    const machine = known.get(hash) ?? relaxSecrets(found, secretKeys);
    known.set(hash, machine);
    machines.push(machine);
  }
  return { machines, missing: undefined };
}

function listHidden(metadata: unknown): readonly string[] {
  return isMap(metadata) ? Object.keys(metadata).filter((key) => isHidden(metadata[key])) : [];
}
