import type { DueItem, TakeDueInput } from "@stackyard/core/engine";
import { findDueAttempts, takeAttempts } from "./due-attempts.ts";
import { findDueEvents, takeEvents } from "./due-events.ts";
import { findDueShadows, takeShadows } from "./due-shadows.ts";
import { findDueStackWork, takeStackWork } from "./due-stacks.ts";
import { findNextAt, findNextStackAt } from "./find-due-keys.ts";
import type { DueKind } from "./port-types.ts";
import { repair } from "./repair.ts";
import type { StoreContext } from "./store-context.ts";

/** What a source found to be due, in its order among all other work. */
export interface DueWork {
  readonly at: number;
  /** Among what is due at the same instant. */
  readonly order: number;
}

/** What the sweep asks for; it also finishes what calls have not. */
const SWEPT: readonly DueKind[] = ["timer", "deadline", "parked"];
const REPAIRED = ["ended", "queued", "redriven"] as const;
const ATTEMPT_KINDS = ["task", "poll", "lapsedLease", "deadline"] as const;

/** After so many rounds in which others were faster it is up to the next call. */
const MOST_ROUNDS = 8;

/** Hands out what is due, oldest first over the kinds that are asked for. Indexes are hints: each item is read and marked. */
export async function takeDue(context: StoreContext, input: TakeDueInput): Promise<readonly DueItem[]> {
  const { kinds, limit } = input;
  if (kinds.length === 0 || limit <= 0) return [];
  if (kinds.some((kind) => SWEPT.includes(kind))) await repair(context, input.now);
  const items: DueItem[] = [];
  for (let round = 1; round <= MOST_ROUNDS && items.length < limit; round += 1) {
    const { taken, chosen } = await takeRound(context, { ...input, limit: limit - items.length });
    items.push(...taken);
    if (taken.length >= chosen) break;
  }
  return items;
}

/** What commits leave behind them. */
const LEFT: readonly DueKind[] = ["event", "task", "poll"];

/** Hands out what this process has written in the last minute and is due, as far as commits leave it behind. */
export function takeOwn(context: StoreContext, input: TakeDueInput): Promise<readonly DueItem[]> {
  const kinds = input.kinds.filter((kind) => LEFT.includes(kind));
  return takeDue({ ...context, takesOwnOnly: true }, { ...input, kinds });
}

async function takeRound(context: StoreContext, input: TakeDueInput) {
  const { kinds, limit } = input;
  const [events, attempts, stacks, shadows] = await Promise.all([
    kinds.includes("event") ? findDueEvents(context, input) : [],
    findDueAttempts(
      context,
      ATTEMPT_KINDS.filter((kind) => kinds.includes(kind)),
      input,
    ),
    kinds.includes("timer") || kinds.includes("parked") ? findDueStackWork(context, input) : [],
    kinds.includes("parked") ? findDueShadows(context, input) : [],
  ]);
  const found = [...events, ...attempts, ...stacks, ...shadows].sort(byOrder).slice(0, limit);
  const chosen = new Set<DueWork>(found);
  const taken = await Promise.all([
    takeEvents(
      context,
      events.filter((work) => chosen.has(work)),
      input,
    ),
    takeAttempts(
      context,
      attempts.filter((work) => chosen.has(work)),
      input,
    ),
    takeStackWork(
      context,
      stacks.filter((work) => chosen.has(work)),
      input,
    ),
    takeShadows(
      context,
      shadows.filter((work) => chosen.has(work)),
      input,
    ),
  ]);
  const inOrder = taken.flat().sort(byOrder);
  return { taken: inOrder.map(({ item }) => item), chosen: found.length };
}

function byOrder(a: DueWork, b: DueWork): number {
  return a.at - b.at || a.order - b.order;
}

/** The earliest instant at which `takeDue` may find something. */
export async function nextDueAt(context: StoreContext, kinds: readonly DueKind[]): Promise<number | undefined> {
  const worked = (["event", "task", "poll", "lapsedLease"] as const).filter((kind) => kinds.includes(kind));
  const isSwept = kinds.some((kind) => SWEPT.includes(kind));
  const swept = [
    ...(kinds.includes("deadline") ? ["deadline"] : []),
    ...(kinds.includes("parked") ? ["shadow"] : []),
    ...(isSwept ? REPAIRED : []),
  ];
  const found = await Promise.all([
    findNextAt(context, "work", worked),
    findNextAt(context, "sweep", swept),
    isSwept ? findNextStackAt(context) : undefined,
  ]);
  const instants = found.flatMap((at) => at ?? []);
  // What nobody has taken yet stands before every instant.
  return instants.length === 0 ? undefined : Math.max(0, Math.min(...instants));
}
