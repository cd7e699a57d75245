import { Type } from "typebox";
import { MAX_CODE, MAX_CURSOR } from "../../machine/limits.ts";
import { MAIN_CONDITIONS } from "../../machine/stack-health.ts";
import { STACK_CONDITIONS } from "../../ports/store.ts";
import { BulkOperation, BulkOutcome } from "../bulk.ts";
import { PlanDigest } from "../planned-event.ts";
import { Metadata } from "../stack.ts";
import { answer, defineOperation, page, refusal } from "./define-operation.ts";
import { Hash, Name, pageQuery, Reason, TaskName } from "./fields.ts";

const ofEvents = Type.Optional({ ...Name, description: "Only of dead letters and parked events." });

/** The items that a bulk selects. For dead letters and parked events: `stackId`, `event`, `code`, `ids`; else the list of stacks' filter. */
const BulkFilter = Type.Object(
  {
    ids: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: MAX_CURSOR }), {
        minItems: 1,
        maxItems: 10_000,
        description: "These and no others. Not together with the other fields.",
      }),
    ),
    machine: Type.Optional(Name),
    state: Type.Optional(Name),
    idPrefix: Type.Optional(Name),
    text: Type.Optional({ ...Name, description: "Anywhere in the id." }),
    condition: Type.Optional(Type.Enum([...STACK_CONDITIONS])),
    mainCondition: Type.Optional(Type.Enum([...MAIN_CONDITIONS])),
    needsPerson: Type.Optional(Type.Boolean()),
    behind: Type.Optional(Type.Boolean({ description: "Stacks that do not move to the newest revision yet." })),
    jobs: Type.Optional(Type.Boolean({ description: "True: jobs only. False: no jobs." })),
    revision: Type.Optional({ ...Hash, description: "A revision's content hash." }),
    metadata: Type.Optional({ ...Metadata, maxProperties: 5, description: "Values that the metadata must have." }),
    stackId: ofEvents,
    event: ofEvents,
    task: Type.Optional({ ...TaskName, description: "A task of this name has failed; with `code`, with that code." }),
    code: Type.Optional(
      Type.String({
        maxLength: MAX_CODE,
        description:
          "A task has failed with this code; empty: without one. Of dead letters: why it was given up; of parked events: why it waits.",
      }),
    ),
  },
  { additionalProperties: false },
);

const params = { bulkId: Type.String({ minLength: 1, maxLength: 64 }) };
const read = { permission: "read", subject: "list", tag: "bulk" } as const;

export const startBulk = defineOperation("POST", "/v1/bulk", {
  operationId: "startBulk",
  permission: "send",
  subject: "items",
  audited: true,
  tag: "bulk",
  summary:
    "Do the same to many stacks or dead letters, at most 10,000. They are chosen once, and any server carries on where one has stopped. A dry run reports what would happen.",
  body: Type.Object(
    {
      operation: BulkOperation,
      filter: BulkFilter,
      body: Type.Optional(
        Type.Record(Type.String(), Type.Unknown(), {
          description:
            "As the operation of one stack takes it: of `send` event and metadata, of `retry` which and task, of `cancel` and `settle` task, of `upgrade` to (a whole hash).",
        }),
      ),
      dryRun: Type.Optional(Type.Boolean({ description: "Answers with a BulkPlan and changes nothing." })),
      plan: Type.Optional({
        ...PlanDigest,
        description:
          "`digest` of the dry run: what it has shown is done to these items, or nothing. Required for settle, remove, dismiss and withdraw.",
      }),
      reason: Type.Optional({
        ...Reason,
        description: "Required for settle, remove, dismiss and withdraw, except in a dry run.",
      }),
    },
    { additionalProperties: false },
  ),
  example: { body: { operation: "retry", filter: { ids: ["pr-1"] } } },
  answers: {
    200: answer("BulkPlan", "What a dry run has found."),
    202: answer("Bulk", "It is under way."),
    403: refusal("FORBIDDEN: the operation's permission is missing for one of the items."),
    409: refusal("PLAN_STALE: other items would be chosen than by the dry run, or something else done."),
    422: refusal("FILTER_TOO_WIDE"),
  },
});

export const listBulks = defineOperation("GET", "/v1/bulk", {
  operationId: "listBulks",
  ...read,
  summary: "Bulk operations of the last 7 days, newest first. A person who may not read the whole yard sees their own.",
  query: pageQuery,
  answers: { 200: page("Bulk", "A page.") },
});

export const getBulk = defineOperation("GET", "/v1/bulk/:bulkId", {
  operationId: "getBulk",
  ...read,
  summary: "One bulk operation and how far it is.",
  params,
  answers: { 200: answer("Bulk", "The operation."), 404: refusal("NOT_FOUND") },
});

export const listBulkItems = defineOperation("GET", "/v1/bulk/:bulkId/items", {
  operationId: "listBulkItems",
  ...read,
  summary: "The items of a bulk operation in their order, and what became of each.",
  params,
  query: { outcome: Type.Optional(BulkOutcome), ...pageQuery },
  answers: { 200: page("BulkItem", "A page."), 404: refusal("NOT_FOUND") },
});

export const cancelBulk = defineOperation("POST", "/v1/bulk/:bulkId/cancel", {
  operationId: "cancelBulk",
  ...read,
  audited: true,
  summary:
    "End a bulk operation after the items that are sent, at most 50. The one who started it may do so, and callers with `repair`.",
  params,
  body: Type.Object({ reason: Type.Optional(Reason) }),
  answers: {
    200: answer("Bulk", "The operation; one that had ended is unchanged."),
    403: refusal("FORBIDDEN"),
    404: refusal("NOT_FOUND"),
  },
});
