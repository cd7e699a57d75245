import { type LifeEvent, MOST_TIMERS, type ReplayedEvent, replayLife } from "../../aggregate/replay-life.ts";
import { decide } from "../../machine/decide/decide.ts";
import { DEFAULT_LIMITS } from "../../machine/decide/work.ts";
import { type StackEvent, SYSTEM_EVENTS } from "../../machine/event-message.ts";
import type { Machine } from "../../machine/machine.ts";
import type { Stack } from "../../machine/stack.ts";
import type { Clock } from "../../ports/clock.ts";
import type { StoredHistoryEntry } from "../../ports/stack-store.ts";
import type { Store } from "../../ports/store.ts";
import type { MachineFinder } from "../machine-finder.ts";
import { compareEnds, type EndDifference } from "./compare-ends.ts";
import { relaxSecrets } from "./relax-secrets.ts";
import { toReplayEvent } from "./to-replay-event.ts";

/** An event of a stack's life that does something else on another revision. */
export interface ReplayDifference {
  readonly eventId: string;
  readonly event: string;
  readonly at: number;
  /** In the history; absent for a timer that only the other revision has. */
  readonly position?: number;
  readonly before?: ReplayedEvent;
  readonly after: ReplayedEvent;
}

/** What a plan works with. */
export interface PlanDeps {
  readonly store: Pick<Store, "load" | "queries">;
  readonly finder: Pick<MachineFinder, "find">;
  readonly clock: Clock;
}

/** What moving a stack to another revision would do. */
export interface UpgradePlan {
  readonly stackId: string;
  readonly machine: string;
  /** Content hashes. */
  readonly from: string;
  /** Absent when there is no such revision. */
  readonly to?: string;
  /** Whether the upgrade would be accepted as the stack stands. */
  readonly outcome: "applied" | "refused";
  readonly code?: string;
  readonly reason?: string;
  /** Lines of the history that were replayed. */
  readonly replayed: number;
  /** Why the replay does not tell all; absent when it does. */
  readonly incomplete?: string;
  /** The first 100 places where the history would have been another. */
  readonly differences: readonly ReplayDifference[];
  /** How many more there are. */
  readonly more: number;
  /** How the stack would stand otherwise than it does. */
  readonly end: readonly EndDifference[];
}

/** Longer histories are replayed as far as this. */
const MOST_LINES = 10_000;
const PAGE = 1_000;
const MOST_DIFFERENCES = 100;
/** Processes that write one history may differ in what time it is. */
const CLOCKS_DIFFER_MS = 60_000;

/**
 * Says what an upgrade of a stack would do, and changes nothing: whether it would be accepted, and where the stack's life
 * would have been another on the new revision. `to`: a kept revision or the newest; default the newest. Undefined: there
 * is no such stack.
 */
export async function planUpgrade(
  deps: PlanDeps,
  { stackId, to }: { readonly stackId: string; readonly to?: string | undefined },
): Promise<UpgradePlan | undefined> {
  const [loaded] = await deps.store.load([stackId]);
  const stack = loaded?.stack;
  if (stack === undefined) return undefined;
  const event = toUpgradeEvent(stack, to, deps.clock.now());
  const found = await deps.finder.find(stack.machine, stack, event);
  const plan = { stackId, machine: stack.machine, from: stack.machineHash };
  const nothing = { replayed: 0, differences: [], more: 0, end: [] };
  if (found.kind === "missing") return { ...plan, ...toRefusal(found), ...nothing };
  const { machine } = found;
  const decision = decide(machine, stack, event);
  const refusal = decision.kind === "applied" ? ({ outcome: "applied" } as const) : toRefusal(decision);
  return { ...plan, to: machine.hash, ...refusal, ...(await replay(deps, stack, machine)) };
}

function toUpgradeEvent(stack: Stack, to: string | undefined, at: number): StackEvent {
  const name = SYSTEM_EVENTS.upgradeStack;
  const event = { id: "planned-upgrade", stackId: stack.id, name, at, origin: "external" } as const;
  return to === undefined ? event : { ...event, to };
}

function toRefusal({ code, reason }: { readonly code: string; readonly reason: string }) {
  return { outcome: "refused", code, reason } as const;
}

async function replay(
  deps: PlanDeps,
  stack: Stack,
  machine: Machine,
): Promise<Pick<UpgradePlan, "replayed" | "incomplete" | "differences" | "more" | "end">> {
  const { lines, incomplete } = await loadLife(deps, stack);
  if (lines.length === 0) return { replayed: 0, ...(incomplete && { incomplete }), differences: [], more: 0, end: [] };
  const relaxed = relaxSecrets(machine, Object.keys(stack.secretVersions ?? {}));
  const until = incomplete === undefined ? deps.clock.now() : (lines.at(-1)?.at ?? 0);
  const compared = lines.filter((line) => !isPassedOver(line));
  const life = compared.map((line): LifeEvent => ({ event: toReplayEvent(line), did: toBefore(line) }));
  const replayed = replayLife({ machine: relaxed, life, limits: DEFAULT_LIMITS, until });
  const differences = replayed.differences.map(({ event: { id, name, at }, place, after }): ReplayDifference => {
    const difference = { eventId: id, event: name, at, after };
    const line = place === undefined ? undefined : compared[place];
    return line === undefined ? difference : { ...difference, position: line.position, before: toBefore(line) };
  });
  const why = incomplete ?? (replayed.hasTooManyTimers ? TOO_MANY_TIMERS : undefined);
  return {
    replayed: lines.length,
    ...(why && { incomplete: why }),
    differences: differences.slice(0, MOST_DIFFERENCES),
    more: Math.max(0, differences.length - MOST_DIFFERENCES),
    end: why === undefined ? compareEnds(stack, replayed.stack) : [],
  };
}

const TOO_MANY_TIMERS = `More than ${MOST_TIMERS} timers that only the new revision has would have fired; the others were left out.`;

/** Lines about the machine instead of the stack, and those whose event the history does not hold whole. */
function isPassedOver({ event, code = "", outcome, metadata }: StoredHistoryEntry): boolean {
  if (event === SYSTEM_EVENTS.upgradeStack) return true;
  if (outcome === "applied" || outcome === "removed") return false;
  return UNJUDGED.has(code) || (code === "METADATA_INVALID" && JSON.stringify(metadata ?? null).includes('"***"'));
}

const UNJUDGED: ReadonlySet<string> = new Set([
  ...["DUPLICATE", "STACK_UNKNOWN", "MACHINE_MISMATCH", "MACHINE_UNKNOWN", "MACHINE_INVALID", "STATE_UNKNOWN"],
  ...["EVENT_INVALID", "EVENT_RESERVED", "INTERNAL"],
]);

function toBefore({ outcome, code, to, sent }: StoredHistoryEntry): ReplayedEvent {
  if (outcome === "removed") return { outcome, state: null, sent };
  if (outcome === "applied") return { outcome, state: to ?? null, sent };
  const told = outcome === "ignored" ? outcome : "refused";
  return { outcome: told, ...(code !== undefined && { code }), state: to ?? null, sent };
}

interface LoadedLife {
  /** From the line that has created the stack on; none when that is gone. */
  readonly lines: readonly StoredHistoryEntry[];
  readonly incomplete?: string;
}

async function loadLife(deps: PlanDeps, stack: Stack): Promise<LoadedLife> {
  const { lines, isWhole } = await readLines(deps, stack);
  if (lines.length === 0) return { lines, incomplete: tellPruned(stack) };
  if (isWhole) return { lines };
  return { lines, incomplete: `The history is longer than ${MOST_LINES} lines; only the first were replayed.` };
}

async function readLines({ store }: PlanDeps, stack: Stack) {
  const lines: StoredHistoryEntry[] = [];
  let cursor: string | undefined;
  do {
    const input = { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) };
    const page = await store.queries.listHistory({ stackId: stack.id }, input);
    for (const line of page.items) if (lines.length > 0 || isBeginning(stack, line)) lines.push(line);
    if (hasLostBeginning(stack, lines, page.items)) break;
    cursor = page.cursor;
  } while (cursor !== undefined && lines.length <= MOST_LINES);
  return { lines: lines.slice(0, MOST_LINES), isWhole: lines.length <= MOST_LINES };
}

/** Lines stand in the order in which they came: one from after the beginning says that none of it will follow. */
function hasLostBeginning(
  { createdAt }: Stack,
  found: readonly StoredHistoryEntry[],
  page: readonly StoredHistoryEntry[],
): boolean {
  return found.length === 0 && page.some(({ at }) => at > createdAt + CLOCKS_DIFFER_MS);
}

function isBeginning({ life }: Stack, { eventId, outcome }: StoredHistoryEntry): boolean {
  return eventId === life && outcome === "applied";
}

function tellPruned({ createdAt }: Stack): string {
  const since = new Date(createdAt).toISOString();
  return `The history no longer holds the beginning of the stack (${since}), so that it cannot be replayed.`;
}
