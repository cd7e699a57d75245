import { Type } from "typebox";
import { MAX_SOURCE } from "../../machine/limits.ts";
import { PlanDigest } from "../planned-event.ts";
import { answer, defineOperation, page, refusal } from "./define-operation.ts";
import { EventId, Name, pageQuery, Reason, StackId } from "./fields.ts";

const reason = Type.Optional(Reason);
const dryRun = Type.Optional(Type.Boolean({ description: "Change nothing, and report what would differ." }));
const to = Type.Optional(
  Type.String({
    pattern: "^[0-9a-f]{4,64}$",
    description:
      "A kept revision, or the newest: its content hash, or so many of its first digits that they are those of one. Default: the newest valid one.",
  }),
);
const ofStack = { subject: "stack", tag: "operations", params: { stackId: StackId } } as const;

export const upgradeStack = defineOperation("POST", "/v1/stacks/:stackId/upgrade", {
  operationId: "upgradeStack",
  ...ofStack,
  permission: "repair",
  summary:
    "Move a stack to another revision of its machine. A dry run replays its history and reports the differences.",
  body: Type.Object({ to, dryRun, plan: Type.Optional(PlanDigest), reason, id: Type.Optional(EventId) }),
  answers: {
    200: answer("UpgradeAnswer", "The operation was applied, or the plan of a dry run."),
    202: answer("OperationAnswer", "Not decided yet."),
    404: refusal("STACK_UNKNOWN"),
    409: refusal(
      "The upgrade was refused: UPGRADE_STATE_MISSING, UPGRADE_TASK_UNKNOWN, UPGRADE_NEED_MISSING, MACHINE_UNKNOWN, MACHINE_INVALID, PLAN_STALE.",
    ),
  },
});

/** Plans need no more than reading: they show what the stack's history and the revision show. */
export const planUpgrade = defineOperation("GET", "/v1/stacks/:stackId/upgrade-plan", {
  operationId: "planUpgrade",
  ...ofStack,
  permission: "read",
  summary: "What an upgrade of the stack to another revision of its machine would do. Changes nothing.",
  query: { to },
  answers: { 200: answer("UpgradePlan", "The plan."), 404: refusal("STACK_UNKNOWN") },
});

export const upgradeStacks = defineOperation("POST", "/v1/machines/:name/upgrade", {
  operationId: "upgradeStacks",
  permission: "repair",
  subject: "machine",
  tag: "operations",
  summary:
    "Move the stacks of a machine to another revision, one page at a time. A dry run reports the differences for each.",
  params: { name: Name },
  body: Type.Object({
    to,
    dryRun,
    source: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: MAX_SOURCE,
        description: "With `dryRun`, in place of `to`: the document of a revision that the yard does not have.",
      }),
    ),
    plans: Type.Optional(
      Type.Record(Type.String(), PlanDigest, {
        description:
          "`digest` of each stack of a dry run, by its id: a stack is moved as its plan has shown. Others of the page are refused with PLAN_STALE.",
      }),
    ),
    reason,
    cursor: pageQuery.cursor,
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 100,
        description: "Stacks of the page. Default 50; 20 at most in a dry run.",
      }),
    ),
  }),
  answers: {
    200: page("UpgradeResult", "The result of each stack of the page."),
    404: refusal("MACHINE_UNKNOWN: without `to`, the machine must have a newest revision."),
    422: refusal("MACHINE_INVALID: `source`, or without `to` the newest revision, must be valid."),
  },
});
