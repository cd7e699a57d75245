import { isStackyardError } from "@stackyard/core";
import type { Page, StackFilter, StoredStack } from "@stackyard/core/engine";
import type { Aggregate } from "./aggregate.ts";
import type { Item } from "./attributes.ts";
import type { Condition } from "./database.ts";
import { toPage } from "./page.ts";
import type { PageInput, Stack } from "./port-types.ts";
import { parseStackItem } from "./stack-item.ts";
import type { StoreContext } from "./store-context.ts";

/**
 * Stacks in order of ids. The table is in no order: each page reads all of it, in parts of 1 MB, and keeps no more than
 * the page. Items that cannot be read are left out and told.
 */
export async function listStacks(
  context: StoreContext,
  filter: StackFilter,
  page: PageInput,
): Promise<Page<StoredStack>> {
  const { cursor = "", limit } = page;
  let found: StoredStack[] = [];
  let from: Item | undefined;
  do {
    const part = await context.stacks.scan({ filter: toCondition(filter, cursor), from });
    const fitting = part.items.flatMap((item) => readStack(context, item)).filter((stored) => matches(stored, filter));
    found = [...found, ...fitting.map(({ version, stack }) => ({ version, stack }))].sort(byId).slice(0, limit + 1);
    from = part.next;
  } while (from !== undefined);
  return toPage(
    found,
    limit,
    ({ stack }) => stack.id,
    (stored) => stored,
  );
}

interface ReadStack extends StoredStack {
  readonly parked: Aggregate["parked"];
}

function readStack({ logger }: StoreContext, item: Item): readonly ReadStack[] {
  try {
    const { aggregate } = parseStackItem(item);
    const { stack, stackVersion: version, isRemoved, parked } = aggregate;
    return stack === undefined || isRemoved ? [] : [{ version, stack, parked }];
  } catch (error) {
    if (!isStackyardError(error, "STORE_CORRUPT")) throw error;
    logger.warn(error.message);
    return [];
  }
}

function byId(a: StoredStack, b: StoredStack): number {
  return a.stack.id < b.stack.id ? -1 : 1;
}

/** As far as DynamoDB can tell; it saves the transfer, not the reading. */
function toCondition({ machine, state, idPrefix = "" }: StackFilter, after: string): Condition | undefined {
  const parts = [
    machine === undefined ? undefined : ["machine = :machine", ":machine", machine],
    state === undefined ? undefined : ["#state = :state", ":state", state],
    idPrefix === "" ? undefined : ["begins_with(id, :prefix)", ":prefix", idPrefix],
    after === "" ? undefined : ["id > :after", ":after", after],
  ].flatMap((part) => (part === undefined ? [] : [part]));
  if (parts.length === 0) return undefined;
  return {
    expression: parts.map(([expression]) => expression).join(" AND "),
    ...(state === undefined ? {} : { names: { "#state": "_state" } }),
    values: Object.fromEntries(parts.map(([, name = "", value]) => [name, value])),
  };
}

function matches({ stack, parked }: ReadStack, { condition }: StackFilter): boolean {
  return condition === undefined || CONDITIONS[condition](stack, parked.length);
}

type Test = (stack: Stack, parked: number) => boolean;

const CONDITIONS: Readonly<Record<NonNullable<StackFilter["condition"]>, Test>> = {
  failed: ({ tasks }) => tasks.some(({ status }) => status === "ERROR"),
  busy: ({ awaitsRuns, tasks }) => awaitsRuns === true || tasks.some(({ status }) => status === "PENDING"),
  stalled: ({ stalled }) => stalled !== undefined,
  overdue: ({ overdue }) => overdue === true,
  waiting: ({ awaitsRuns, tasks, stalled, overdue }, parked) =>
    parked > 0 ||
    stalled !== undefined ||
    overdue === true ||
    awaitsRuns === true ||
    tasks.some(({ status }) => status !== "SATISFIED"),
};
