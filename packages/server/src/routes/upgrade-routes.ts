import { defined, StackyardError } from "@stackyard/core";
import type { UpgradePlan, UpgradeResult } from "@stackyard/core/api";
import type { BodyOf } from "@stackyard/core/api/operations";
import * as operations from "@stackyard/core/api/operations";
import {
  createPageBuilder,
  type Page,
  type PageInput,
  type UpgradePlan as Planned,
  type Planner,
  publishMessages,
  type StoredHistoryEntry,
} from "@stackyard/core/engine";
import { type Machine, parseMachine } from "@stackyard/core/machine";
import { toScopeFilter } from "../access/stack-scopes.ts";
import type { Route, RouteContext } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import { toInstant } from "../schemas/event.ts";
import { findRevisionHash, isWholeHash, loadMachine } from "./machine-routes.ts";
import { idOf, loadStack, operate, unknownStack, waitForDecision } from "./operation-routes.ts";
import { readOn } from "./read-on.ts";
import type { RouteDeps } from "./route-deps.ts";

/** Converts a plan to the API's format. */
function toUpgradePlan({ isFollowing: _, ...plan }: Planned): UpgradePlan {
  return { ...plan, differences: plan.differences.map((each) => ({ ...each, at: toInstant(each.at) })) };
}

/** Defines the routes to move stacks to other revisions of their machines, and to plan that. */
export function upgradeRoutes(deps: RouteDeps): readonly Route[] {
  return [
    serve(deps, operations.upgradeStack, async ({ params: { stackId }, body }, context) => {
      const { dryRun, reason, plan } = body;
      const to = await findTarget(deps, stackId, body.to);
      if (dryRun === true) return reply(200, await loadPlan(deps, { stackId, to }));
      const id = idOf(body, deps.ids);
      return operate(deps, { event: "UPGRADE_STACK", id, stackId, reason, ...defined({ to, plan }) }, context);
    }),
    serve(deps, operations.planUpgrade, async ({ params: { stackId }, query }) =>
      reply(200, await loadPlan(deps, { stackId, to: await findTarget(deps, stackId, query.to) })),
    ),
    serve(deps, operations.upgradeStacks, async ({ params: { name }, body }, context) =>
      reply(200, await upgradeMachine(deps, { ...body, name }, context)),
    ),
  ];
}

/** Returns the full hash of a stack's wanted revision. Throws `STACK_UNKNOWN`, and as `findRevisionHash`. */
async function findTarget(deps: RouteDeps, stackId: string, to: string | undefined): Promise<string | undefined> {
  if (to === undefined || isWholeHash(to)) return to;
  const { machine } = await loadStack(deps.store, stackId);
  return findRevisionHash(deps, { name: machine, digits: to });
}

async function loadPlan(
  { planner }: RouteDeps,
  wanted: { readonly stackId: string; readonly to?: string | undefined },
): Promise<UpgradePlan> {
  const plan = await planner.planUpgrade(wanted);
  if (plan !== undefined) return toUpgradePlan(plan);
  throw unknownStack(wanted.stackId);
}

const DEFAULT_LIMIT = 50;
/** A replay may read thousands of lines of each stack. */
const MOST_PLANS = 20;

/** Upgrades one page of a machine's stacks, or plans it. Throws `MACHINE_UNKNOWN`, `MACHINE_INVALID`, `USAGE`. */
async function upgradeMachine(
  deps: RouteDeps,
  {
    name,
    to,
    dryRun = false,
    source,
    plans,
    reason,
    cursor,
    limit = DEFAULT_LIMIT,
  }: BodyOf<typeof operations.upgradeStacks> & { readonly name: string },
  context: RouteContext,
) {
  if (source !== undefined && (!dryRun || to !== undefined)) {
    throw new StackyardError(
      "USAGE",
      '"source" is only for a dry run without "to". Save the document to upgrade to it.',
    );
  }
  const draft = source === undefined ? undefined : parseDraft(deps, { name, source });
  const target =
    to === undefined
      ? (draft ?? (await loadMachine(deps.locator, context.caller, name))).hash
      : await findRevisionHash(deps, { name, digits: to });
  const input = { limit: dryRun ? Math.min(limit, MOST_PLANS) : limit, ...defined({ cursor }) };
  const limits = toScopeFilter(context.caller, "repair", name);
  const list = (part: PageInput) => deps.store.queries.listStacks({ machine: name, ...limits }, part);
  const page = limits.scopes === undefined ? await list(input) : await readOn(list, input);
  const stacks = page.items.map(({ stack }) => ({ stackId: stack.id, isThere: stack.machineHash === target }));
  const unreadable =
    page.unreadable === undefined || limits.scopes !== undefined ? {} : { unreadable: [...page.unreadable] };
  if (dryRun) return { ...(await plan(deps.planner, stacks, { to: target, draft, next: page.cursor })), ...unreadable };
  const items = await upgrade(deps, stacks, { target, reason, plans }, context);
  return { items, ...defined({ cursor: page.cursor }), ...unreadable };
}

/** Returns the machine of a document that is not stored. Throws `MACHINE_INVALID`. */
export function parseDraft(
  { executors }: Pick<RouteDeps, "executors">,
  { name, source }: { name: string; source: string },
): Machine {
  const { machine, problems } = parseMachine(source, { name, executors });
  if (machine !== undefined) return machine;
  throw new StackyardError("MACHINE_INVALID", "The document has errors.", { details: { problems } });
}

interface Listed {
  readonly stackId: string;
  /** True if it has the wanted revision. */
  readonly isThere: boolean;
}

/** Plans a page of stacks. A plan lists every difference, so a page is limited by bytes too. */
async function plan(
  planner: Planner,
  stacks: readonly Listed[],
  { to, draft, next }: { readonly to: string; readonly draft: Machine | undefined; readonly next: string | undefined },
): Promise<Pick<Page<UpgradeResult>, "cursor"> & { items: UpgradeResult[] }> {
  const found = createPageBuilder<UpgradeResult>({ limit: MOST_PLANS });
  for (const { stackId, isThere } of stacks) {
    const planned = isThere ? undefined : await planner.planUpgrade({ stackId, to, draft });
    // The stack was removed meanwhile.
    if (!isThere && planned === undefined) continue;
    const result: UpgradeResult = planned === undefined ? { stackId, outcome: "unchanged" } : toPlanned(planned);
    const bytes = Buffer.byteLength(JSON.stringify(result));
    // A stack's id is a cursor of the list of stacks.
    if (!found.add({ id: stackId, cursor: stackId, bytes, read: () => result })) break;
  }
  const { items, cursor } = found.end(next);
  return { items: [...items], ...defined({ cursor }) };
}

function toPlanned(planned: Planned): UpgradeResult {
  const { stackId, outcome, code, reason } = planned;
  return { stackId, outcome, ...defined({ code, reason }), plan: toUpgradePlan(planned) };
}

interface UpgradeOptions {
  readonly target: string;
  readonly reason: string | undefined;
  /** Digests of the stacks' plans. Undefined: they are moved whatever follows. */
  readonly plans: Readonly<Record<string, string>> | undefined;
}

async function upgrade(
  deps: RouteDeps,
  stacks: readonly Listed[],
  { target, reason, plans }: UpgradeOptions,
  { sender, signal }: RouteContext,
): Promise<UpgradeResult[]> {
  const moved = stacks.map(({ stackId, isThere }) => ({ stackId, isThere, id: deps.ids.next() }));
  const isUnplanned = (stackId: string) => plans !== undefined && !Object.hasOwn(plans, stackId);
  const messages = moved.flatMap(({ stackId, isThere, id }) => {
    const message = { id, stackId, event: "UPGRADE_STACK", to: target, ...defined({ reason, plan: plans?.[stackId] }) };
    return isThere || isUnplanned(stackId) ? [] : [message];
  });
  await publishMessages(deps, messages, { sender, own: true });
  // One after the other: while the first is waited for the others are decided too, and one look at each is enough.
  const until = deps.clock.now() + deps.settings.limits.outcomeMs;
  const results: UpgradeResult[] = [];
  for (const { stackId, isThere, id } of moved) {
    const wait = { timeoutMs: Math.max(0, until - deps.clock.now()), signal };
    if (!isThere && isUnplanned(stackId)) {
      results.push({ stackId, outcome: "refused", code: "PLAN_STALE", reason: "It is not in the plan." });
      continue;
    }
    results.push(
      isThere
        ? { stackId, outcome: "unchanged" }
        : toResult({ stackId, eventId: id }, await waitForDecision(deps, { eventId: id, stackId, ...wait })),
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
  return { ...ids, outcome: "refused", ...defined({ code: entry.code, reason: entry.reason }) };
}
