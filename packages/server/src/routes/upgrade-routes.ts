import { type Locator, StackyardError } from "@stackyard/core";
import type { createPlanner } from "@stackyard/core/engine";
import { Type } from "typebox";
import { defineRoute, json, type Route } from "../http/route.ts";
import { pageOf, StackId } from "../schemas/common.ts";
import { OperationAnswer } from "../schemas/event.ts";
import { toUpgradePlan, UpgradeBody, UpgradeMachineBody, UpgradePlan, UpgradeResult } from "../schemas/upgrade.ts";
import { findRevisionHash, isWholeHash } from "./load-machine.ts";
import { idOf, type OperateDeps, operate } from "./operate.ts";
import { upgradeMachine } from "./upgrade-machine.ts";

export interface UpgradeRoutesDeps extends OperateDeps {
  readonly locator: Locator;
  readonly planner: Planner;
}

type Planner = ReturnType<typeof createPlanner>;

/** Moving stacks to other revisions of their machines, and what that would do. */
export function upgradeRoutes(deps: UpgradeRoutesDeps): readonly Route[] {
  return [stackRoute(deps), machineRoute(deps)];
}

function stackRoute(deps: UpgradeRoutesDeps): Route {
  return defineRoute({
    method: "POST",
    path: "/v1/stacks/:stackId/upgrade",
    operationId: "upgradeStack",
    tag: "operations",
    summary: "Move a stack to another revision of its machine; or tell what that would do, by replaying its history.",
    params: { stackId: StackId },
    body: UpgradeBody,
    answers: {
      200: {
        description: "It was done, or the plan of a dry run.",
        schema: Type.Union([OperationAnswer, UpgradePlan]),
      },
      202: { description: "Not decided yet.", schema: OperationAnswer },
      404: { description: "STACK_UNKNOWN" },
      409: {
        description: "It was refused: UPGRADE_STATE_MISSING, UPGRADE_TASK_UNKNOWN, MACHINE_UNKNOWN, MACHINE_INVALID.",
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

/** The whole hash of the wanted revision of the stack's machine. Throws `STACK_UNKNOWN`, and as `findRevisionHash`. */
async function findTarget(
  deps: UpgradeRoutesDeps,
  stackId: string,
  to: string | undefined,
): Promise<string | undefined> {
  if (to === undefined || isWholeHash(to)) return to;
  const [loaded] = await deps.store.load([stackId]);
  if (loaded?.stack === undefined) throw new StackyardError("STACK_UNKNOWN", `There is no stack "${stackId}".`);
  return findRevisionHash(deps, { name: loaded.stack.machine, digits: to });
}

async function loadPlan(
  { planner }: UpgradeRoutesDeps,
  wanted: Parameters<Planner["planUpgrade"]>[0],
): Promise<UpgradePlan> {
  const plan = await planner.planUpgrade(wanted);
  if (plan !== undefined) return toUpgradePlan(plan);
  throw new StackyardError("STACK_UNKNOWN", `There is no stack "${wanted.stackId}".`);
}

function machineRoute(deps: UpgradeRoutesDeps): Route {
  return defineRoute({
    method: "POST",
    path: "/v1/machines/:name/upgrade",
    operationId: "upgradeStacks",
    tag: "operations",
    summary: "Move the stacks of a machine to another revision, a page at a time; or tell of each what that would do.",
    params: { name: Type.String({ minLength: 1, maxLength: 255 }) },
    body: UpgradeMachineBody,
    answers: {
      200: { description: "What became of each stack of the page.", schema: pageOf(UpgradeResult) },
      404: { description: "MACHINE_UNKNOWN: without `to` there must be a newest revision." },
      422: { description: "MACHINE_INVALID: without `to` the newest one must be valid." },
    },
    handle: async ({ params: { name }, body }, context) =>
      json(200, await upgradeMachine(deps, { name, ...body }, context)),
  });
}
