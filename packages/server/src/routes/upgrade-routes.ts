import { defined, StackyardError } from "@stackyard/core";
import { OperationAnswer, UpgradePlan, UpgradeResult } from "@stackyard/core/api";
import {
  createPageBuilder,
  type Page,
  type UpgradePlan as Planned,
  type Planner,
  publishMessages,
  type StoredHistoryEntry,
} from "@stackyard/core/engine";
import { type Machine, parseMachine } from "@stackyard/core/machine";
import { type Static, Type } from "typebox";
import { toScopeFilter } from "../access/stack-scopes.ts";
import { defineRoute, json, type Route, type RouteContext } from "../http/route.ts";
import { EventId, pageOf, StackId, toInstant } from "../schemas/event.ts";
import { findRevisionHash, isWholeHash, loadMachine } from "./machine-routes.ts";
import { idOf, loadStack, operate, unknownStack, waitForOutcome } from "./operation-routes.ts";
import type { RouteDeps } from "./route-deps.ts";

const reason = Type.Optional(Type.String({ minLength: 1, maxLength: 4_096 }));
const dryRun = Type.Optional(Type.Boolean({ description: "Change nothing, and report what would differ." }));
const to = Type.Optional(
  Type.String({
    pattern: "^[0-9a-f]{4,64}$",
    description:
      "A kept revision, or the newest: its content hash, or so many of its first digits that they are those of one. Default: the newest valid one.",
  }),
);

/** Moves a stack to another revision of its machine. */
const UpgradeBody = Type.Object({ to, dryRun, reason, id: Type.Optional(EventId) });

/** Moves the stacks of a machine, a page at a time. */
const UpgradeMachineBody = Type.Object({
  to,
  dryRun,
  source: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 262_144,
      description: "With `dryRun`, in place of `to`: the document of a revision that the yard does not have.",
    }),
  ),
  reason,
  cursor: Type.Optional(
    Type.String({ minLength: 1, maxLength: 2_048, description: "The `cursor` of the previous page." }),
  ),
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 100, description: "Stacks of the page. Default 50; 20 at most in a dry run." }),
  ),
});

/** Converts a plan to the API's format. */
function toUpgradePlan(plan: Planned): UpgradePlan {
  return { ...plan, differences: plan.differences.map((each) => ({ ...each, at: toInstant(each.at) })) };
}

/** Defines the routes to move stacks to other revisions of their machines, and to plan that. */
export function upgradeRoutes(deps: RouteDeps): readonly Route[] {
  return [stackRoute(deps), planRoute(deps), machineRoute(deps)];
}

function stackRoute(deps: RouteDeps): Route {
  return defineRoute("POST", "/v1/stacks/:stackId/upgrade", {
    operationId: "upgradeStack",
    permission: "repair",
    subject: "stack",
    tag: "operations",
    summary:
      "Move a stack to another revision of its machine. A dry run replays its history and reports the differences.",
    params: { stackId: StackId },
    body: UpgradeBody,
    answers: {
      200: {
        description: "The operation was applied, or the plan of a dry run.",
        schema: Type.Union([OperationAnswer, UpgradePlan]),
      },
      202: { description: "Not decided yet.", schema: OperationAnswer },
      404: { description: "STACK_UNKNOWN" },
      409: {
        description:
          "The upgrade was refused: UPGRADE_STATE_MISSING, UPGRADE_TASK_UNKNOWN, MACHINE_UNKNOWN, MACHINE_INVALID.",
      },
    },
    async handle({ params: { stackId }, body }, context) {
      const { dryRun, reason } = body;
      const to = await findTarget(deps, stackId, body.to);
      if (dryRun === true) return json(200, await loadPlan(deps, { stackId, to }));
      const message = { event: "UPGRADE_STACK", id: idOf(body, deps.ids), stackId, reason, ...(to && { to }) };
      return operate(deps, message, context);
    },
  });
}

/** Plans need no more than reading: they show what the stack's history and the revision show. */
function planRoute(deps: RouteDeps): Route {
  return defineRoute("GET", "/v1/stacks/:stackId/upgrade-plan", {
    operationId: "planUpgrade",
    permission: "read",
    subject: "stack",
    tag: "operations",
    summary: "What an upgrade of the stack to another revision of its machine would do. Changes nothing.",
    params: { stackId: StackId },
    query: { to },
    answers: {
      200: { description: "The plan.", schema: UpgradePlan },
      404: { description: "STACK_UNKNOWN" },
    },
    async handle({ params: { stackId }, query }) {
      return json(200, await loadPlan(deps, { stackId, to: await findTarget(deps, stackId, query.to) }));
    },
  });
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

function machineRoute(deps: RouteDeps): Route {
  return defineRoute("POST", "/v1/machines/:name/upgrade", {
    operationId: "upgradeStacks",
    permission: "repair",
    subject: "machine",
    tag: "operations",
    summary:
      "Move the stacks of a machine to another revision, one page at a time. A dry run reports the differences for each.",
    params: { name: Type.String({ minLength: 1, maxLength: 255 }) },
    body: UpgradeMachineBody,
    answers: {
      200: { description: "The result of each stack of the page.", schema: pageOf(UpgradeResult) },
      404: { description: "MACHINE_UNKNOWN: without `to`, the machine must have a newest revision." },
      422: { description: "MACHINE_INVALID: `source`, or without `to` the newest revision, must be valid." },
    },
    handle: async ({ params: { name }, body }, context) =>
      json(200, await upgradeMachine(deps, { ...body, name }, context)),
  });
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
    reason,
    cursor,
    limit = DEFAULT_LIMIT,
  }: Static<typeof UpgradeMachineBody> & { name: string },
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
  const limits = toScopeFilter(context.caller, "repair");
  const page = await deps.store.queries.listStacks({ machine: name, ...limits }, input);
  const stacks = page.items.map(({ stack }) => ({ stackId: stack.id, isThere: stack.machineHash === target }));
  const unreadable =
    page.unreadable === undefined || limits.scopes !== undefined ? {} : { unreadable: [...page.unreadable] };
  if (dryRun) return { ...(await plan(deps.planner, stacks, { to: target, draft, next: page.cursor })), ...unreadable };
  const items = await upgrade(deps, stacks, { target, reason }, context);
  return { items, ...defined({ cursor: page.cursor }), ...unreadable };
}

function parseDraft({ executors }: RouteDeps, { name, source }: { name: string; source: string }): Machine {
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
    // Undefined when the stack was removed meanwhile.
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

async function upgrade(
  deps: RouteDeps,
  stacks: readonly Listed[],
  { target, reason }: { readonly target: string; readonly reason: string | undefined },
  { sender, signal }: RouteContext,
): Promise<UpgradeResult[]> {
  const moved = stacks.map(({ stackId, isThere }) => ({ stackId, isThere, id: deps.ids.next() }));
  const messages = moved.flatMap(({ stackId, isThere, id }) => {
    return isThere ? [] : [{ id, stackId, event: "UPGRADE_STACK", to: target, ...(reason && { reason }) }];
  });
  await publishMessages(deps, messages, { sender, own: true });
  // One after the other: while the first is waited for the others are decided too, and one look at each is enough.
  const until = deps.clock.now() + deps.settings.limits.outcomeMs;
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
  return { ...ids, outcome: "refused", ...defined({ code: entry.code, reason: entry.reason }) };
}
