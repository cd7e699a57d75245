import type { Locator } from "@stackyard/core";
import {
  createPageBuilder,
  type createPlanner,
  type Page,
  publishMessages,
  type StoredHistoryEntry,
} from "@stackyard/core/engine";
import type { RouteContext } from "../http/route.ts";
import { toUpgradePlan, type UpgradeResult } from "../schemas/upgrade.ts";
import { findRevisionHash, loadMachine } from "./load-machine.ts";
import { type OperateDeps, waitForOutcome } from "./operate.ts";

/** Which stacks are to be moved where. */
export interface UpgradeMachineInput {
  readonly name: string;
  /** Default: the newest valid revision. */
  readonly to?: string;
  readonly dryRun?: boolean;
  readonly reason?: string;
  readonly cursor?: string;
  readonly limit?: number;
}

type Deps = OperateDeps & { readonly locator: Locator; readonly planner: Planner };
type Planner = ReturnType<typeof createPlanner>;

const DEFAULT_LIMIT = 50;
/** A replay may read thousands of lines of each stack. */
const MOST_PLANS = 20;

/** Upgrades one page of a machine's stacks, or plans it. Throws `MACHINE_UNKNOWN`, `MACHINE_INVALID`. */
export async function upgradeMachine(
  deps: Deps,
  { name, to, dryRun = false, reason, cursor, limit = DEFAULT_LIMIT }: UpgradeMachineInput,
  context: RouteContext,
) {
  const target =
    to === undefined
      ? (await loadMachine(deps.locator, name)).hash
      : await findRevisionHash(deps, { name, digits: to });
  const input = { limit: dryRun ? Math.min(limit, MOST_PLANS) : limit, ...(cursor === undefined ? {} : { cursor }) };
  const page = await deps.store.queries.listStacks({ machine: name }, input);
  const stacks = page.items.map(({ stack }) => ({ stackId: stack.id, isThere: stack.machineHash === target }));
  const unreadable = page.unreadable === undefined ? {} : { unreadable: [...page.unreadable] };
  if (dryRun) return { ...(await plan(deps.planner, stacks, { to: target, next: page.cursor })), ...unreadable };
  const items = await upgrade(deps, stacks, { target, reason }, context);
  return { items, ...(page.cursor === undefined ? {} : { cursor: page.cursor }), ...unreadable };
}

interface Listed {
  readonly stackId: string;
  /** It has the wanted revision. */
  readonly isThere: boolean;
}

/** A plan lists every difference, so a page of them ends by bytes too. */
async function plan(
  planner: Planner,
  stacks: readonly Listed[],
  { to, next }: { readonly to: string; readonly next: string | undefined },
): Promise<Pick<Page<UpgradeResult>, "cursor"> & { items: UpgradeResult[] }> {
  const found = createPageBuilder<UpgradeResult>({ limit: MOST_PLANS });
  for (const { stackId, isThere } of stacks) {
    const planned = isThere ? undefined : await planner.planUpgrade({ stackId, to });
    // None: the stack has gone meanwhile.
    if (!isThere && planned === undefined) continue;
    const result: UpgradeResult = planned === undefined ? { stackId, outcome: "unchanged" } : toPlanned(planned);
    const bytes = Buffer.byteLength(JSON.stringify(result));
    // A stack's id is a cursor of the list of stacks.
    if (!found.add({ id: stackId, cursor: stackId, bytes, read: () => result })) break;
  }
  const { items, cursor } = found.end(next);
  return { items: [...items], ...(cursor === undefined ? {} : { cursor }) };
}

function toPlanned(planned: Parameters<typeof toUpgradePlan>[0]): UpgradeResult {
  const { stackId, outcome, code, reason } = planned;
  return { stackId, outcome, ...toWhy({ code, reason }), plan: toUpgradePlan(planned) };
}

async function upgrade(
  deps: Deps,
  stacks: readonly Listed[],
  { target, reason }: { readonly target: string; readonly reason: string | undefined },
  { actor, signal }: RouteContext,
): Promise<UpgradeResult[]> {
  const moved = stacks.map(({ stackId, isThere }) => ({ stackId, isThere, id: deps.ids.next() }));
  const messages = moved.flatMap(({ stackId, isThere, id }) => {
    return isThere ? [] : [{ id, stackId, event: "UPGRADE_STACK", to: target, ...(reason && { reason }) }];
  });
  await publishMessages(deps, messages, { actor });
  // One after the other: while the first is waited for the others are decided too, and one look at each is enough.
  const until = deps.clock.now() + deps.outcomeMs;
  const results: UpgradeResult[] = [];
  for (const { stackId, isThere, id } of moved) {
    const wait = { timeoutMs: Math.max(0, until - deps.clock.now()), signal };
    results.push(
      isThere
        ? { stackId, outcome: "unchanged" }
        : toResult({ stackId, eventId: id }, await waitForOutcome(deps, { eventId: id, stackId, ...wait })),
    );
  }
  return results;
}

function toResult(
  ids: { readonly stackId: string; readonly eventId: string },
  entry: StoredHistoryEntry | undefined,
): UpgradeResult {
  if (entry === undefined) return { ...ids, outcome: "waiting" };
  if (entry.outcome === "applied") return { ...ids, outcome: "applied" };
  return { ...ids, outcome: "refused", ...toWhy(entry) };
}

function toWhy({ code, reason }: { readonly code?: string | undefined; readonly reason?: string | undefined }) {
  return { ...(code === undefined ? {} : { code }), ...(reason === undefined ? {} : { reason }) };
}
