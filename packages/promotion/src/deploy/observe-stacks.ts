import { chunk, defined, mapLimited } from "@stackyard/core";
import type { SeenStack, YardService } from "@stackyard/core/engine";
import { type Aims, decideArrived, decideRow, type EventFate, type Observed } from "./decide-row.ts";
import type { DeployDeps } from "./deploy-deps.ts";
import type { DeployRow } from "./deploy-row.ts";

const LOAD_AT_ONCE = 100;
const ASK_AT_ONCE = 8;

/** Loads stacks by their ids. */
export async function loadStacks(
  yard: Pick<YardService, "load">,
  ids: readonly string[],
): Promise<ReadonlyMap<string, SeenStack>> {
  const pages = await mapLimited(chunk(ids, LOAD_AT_ONCE), 2, (part) => yard.load(part));
  return new Map(pages.flat().map((loaded) => [loaded.stackId, loaded]));
}

/** Returns what was loaded of a stack. */
export function findSeen(loaded: ReadonlyMap<string, SeenStack>, stackId: string): SeenStack {
  return loaded.get(stackId) ?? { stackId, version: 0, parked: [] };
}

/** Returns a stack for a row that nothing was sent to since it waits. */
export function toObserved({ stack, version, hidden }: SeenStack): Observed {
  return { stack, version, fate: { kind: "none" }, ...defined({ hidden }) };
}

/** Rows that were sent to, as they are now. */
export interface ObservedRows {
  /** Those that have changed. */
  readonly changes: ReadonlyMap<string, DeployRow>;
  /** Those whose event is not decided yet. */
  readonly undecided: readonly DeployRow[];
}

/**
 * Observes rows that were sent to. A stack shows by its releases that it has applied the event; only where it does not,
 * the history is read. What a stack is after its event is read after that is known.
 */
export async function observeSent(
  { yard }: Pick<DeployDeps, "yard">,
  sent: readonly DeployRow[],
  aims: Aims,
): Promise<ObservedRows> {
  if (sent.length === 0) return { changes: new Map(), undecided: [] };
  const loaded = await loadStacks(
    yard,
    sent.map(({ stack }) => stack),
  );
  const fates = await mapLimited(sent, ASK_AT_ONCE, (row) => findFate(yard, row, { loaded, aims }));
  const late = sent.filter((_, index) => fates[index]?.isLate);
  const reloaded = await loadStacks(
    yard,
    late.map(({ stack }) => stack),
  );
  const changes = new Map<string, DeployRow>();
  for (const [index, row] of sent.entries()) {
    const { fate = UNDECIDED } = fates[index] ?? {};
    const { stack, version = 0, hidden } = reloaded.get(row.stack) ?? loaded.get(row.stack) ?? {};
    const eventId = toEventId(yard, row);
    const after = decideRow(row, { stack, version, eventId, fate, ...defined({ hidden }) }, aims);
    if (after !== row) changes.set(row.stack, after);
  }
  const undecided = sent.filter((_, index) => fates[index]?.fate.kind === "undecided");
  return { changes, undecided };
}

/** Returns the rows that had arrived and whose stacks have not stayed so. */
export async function observeLost(
  { yard }: { readonly yard: Pick<YardService, "load"> },
  rows: readonly DeployRow[],
  aims: Aims,
): Promise<ReadonlyMap<string, DeployRow>> {
  const arrived = rows.filter(({ state }) => state === "done" || state === "unchanged");
  const loaded = await loadStacks(
    yard,
    arrived.map(({ stack }) => stack),
  );
  const observed = arrived.map((row) => {
    return [row, decideArrived(row, toObserved(findSeen(loaded, row.stack)), aims)] as const;
  });
  return new Map(observed.flatMap(([row, after]) => (after === row ? [] : [[row.stack, after] as const])));
}

const UNDECIDED: EventFate = { kind: "undecided" };

function toEventId(yard: Pick<YardService, "toEventId">, { stack, try: tries }: DeployRow): string {
  return yard.toEventId({ stackId: stack, try: tries });
}

interface FoundFate {
  readonly fate: EventFate;
  /** The stack may have been loaded before the event was applied. */
  readonly isLate: boolean;
}

async function findFate(
  yard: Pick<YardService, "findOutcome" | "toEventId">,
  row: DeployRow,
  { loaded, aims }: { readonly loaded: ReadonlyMap<string, SeenStack>; readonly aims: Aims },
): Promise<FoundFate> {
  const releases = loaded.get(row.stack)?.stack?.releases ?? {};
  const eventId = toEventId(yard, row);
  const isShown = Object.keys(aims.metadata).some((key) => releases[key]?.event === eventId);
  if (isShown) return { fate: { kind: "applied" }, isLate: false };
  const found = await yard.findOutcome({ stackId: row.stack, try: row.try });
  if (found === undefined) return { fate: UNDECIDED, isLate: false };
  const { outcome, code = outcome.toUpperCase(), reason = `The event was ${outcome}.` } = found;
  if (outcome === "applied" || outcome === "removed") return { fate: { kind: "applied" }, isLate: true };
  return { fate: { kind: "refused", code, reason }, isLate: false };
}
