import { Type } from "typebox";
import { MAX_CODE } from "../../machine/limits.ts";
import { MAIN_CONDITIONS } from "../../machine/stack-health.ts";
import { STACK_CONDITIONS, STACK_SORTS } from "../../ports/store.ts";
import { answer, defineOperation, page, refusal } from "./define-operation.ts";
import { EventId, Hash, Name, pageQuery, StackId, TaskName } from "./fields.ts";

/** The filter of stacks in a query. */
export const stackFilterQuery = {
  machine: Type.Optional(Name),
  state: Type.Optional(Name),
  idPrefix: Type.Optional({ ...Name, description: "Only ids with this prefix." }),
  text: Type.Optional({ ...Name, description: "Ids with this text somewhere; case matters." }),
  revision: Type.Optional({ ...Hash, description: "The hash of the revision that the stack was last decided on." }),
  metadata: Type.Optional(
    Type.String({
      minLength: 2,
      maxLength: 8_192,
      description:
        'Values that the metadata must have, at most 5, as JSON: `{"branch":"main"}`. Sensitive keys are refused (USAGE).',
    }),
  ),
  task: Type.Optional({
    ...TaskName,
    description: "Stacks in which a task of this name has failed; with `code`, with that code.",
  }),
  code: Type.Optional(
    Type.String({
      maxLength: MAX_CODE,
      description: "Stacks in which a task has failed with this code; empty: without a code.",
    }),
  ),
  ids: Type.Optional(
    Type.String({
      minLength: 2,
      maxLength: 30_000,
      description: 'These stacks and no others, at most 1,000, as JSON: `["pr-1","pr-2"]`.',
    }),
  ),
  condition: Type.Optional(
    Type.Enum([...STACK_CONDITIONS, "any"], {
      description:
        "`failed`: a task is in ERROR. `degraded`: the stack has moved on after a failure that no success has resolved. `busy`: a task is PENDING. `waiting`: one of the other conditions, or a parked event. `any`: all stacks, also where `waiting` is true.",
    }),
  ),
  mainCondition: Type.Optional(
    Type.Enum([...MAIN_CONDITIONS], {
      description:
        "The first that is true of the stack: failed, degraded, overdue, stalled, approval, busy, waiting (an event is parked), cancelled (of a job); else asleep or healthy. Each stack has one.",
    }),
  ),
  needsPerson: Type.Optional(
    Type.Boolean({
      description:
        "True: stacks that have failed, are degraded, overdue or stalled, or have an open approval; not those that are only degraded after a failure that was acknowledged, and no jobs. False: all others.",
    }),
  ),
  behind: Type.Optional(
    Type.Boolean({
      description:
        "True: stacks that do not move to the newest revision of their machine yet, because of what runs or waits in them. False: all others.",
    }),
  ),
  jobs: Type.Optional(Type.Boolean({ description: "True: jobs only. False: no jobs." })),
};

/** The order of a list of stacks, in a query. */
export const stackSortQuery = {
  sort: Type.Optional(
    Type.Enum([...STACK_SORTS], {
      description:
        "Default id; with `-` the last one comes first. At most 100,000 stacks are sorted by an instant. Cursors belong to one order.",
    }),
  ),
};

const list = { permission: "read", subject: "list", tag: "stacks" } as const;

export const listStacks = defineOperation("GET", "/v1/stacks", {
  operationId: "listStacks",
  ...list,
  summary: "List stacks, ordered by id or by a time.",
  query: {
    ...stackFilterQuery,
    ...stackSortQuery,
    waiting: Type.Optional(
      Type.Boolean({
        description:
          "With what each stack waits for, at most 100 a page; without a condition only those that are not quiet.",
      }),
    ),
    ...pageQuery,
  },
  answers: {
    200: page("StackSummary", "A page."),
    422: refusal("FILTER_TOO_WIDE: more than 100,000 stacks would have to be sorted."),
  },
});

export const countStacks = defineOperation("GET", "/v1/stack-counts", {
  operationId: "countStacks",
  ...list,
  summary: "Count stacks by machine, state, condition, main condition or revision.",
  query: {
    ...stackFilterQuery,
    by: Type.Optional(
      Type.Enum(["machine", "state", "condition", "mainCondition", "revision"], {
        description: "Default: the total alone.",
      }),
    ),
  },
  answers: { 200: answer("StackCounts", "The total, and the groups.") },
});

export const getStack = defineOperation("GET", "/v1/stacks/:stackId", {
  operationId: "getStack",
  permission: "read",
  subject: "stack",
  tag: "stacks",
  summary: "Get a stack: its tasks and why each waits, attempts, parked events, timers.",
  params: { stackId: StackId },
  answers: {
    200: answer("StackDetails", "The stack."),
    404: refusal(
      "STACK_UNKNOWN: the stack does not exist. Its history may exist. `details.parked` lists events that are parked for it.",
    ),
  },
});

const history = { permission: "read", subject: "list", tag: "history" } as const;
const lines = { 200: page("HistoryEntry", "A page.") };
const orderQuery = {
  order: Type.Optional(
    Type.Union([Type.Literal("newest"), Type.Literal("oldest")], { description: "Which comes first. Default newest." }),
  ),
  ...pageQuery,
};

export const listStackHistory = defineOperation("GET", "/v1/stacks/:stackId/history", {
  operationId: "listStackHistory",
  ...history,
  summary: "List the history of a stack id, also after the stack was removed.",
  params: { stackId: StackId },
  query: orderQuery,
  answers: lines,
});

export const listHistory = defineOperation("GET", "/v1/history", {
  operationId: "listHistory",
  ...history,
  summary: "List the history of the yard.",
  query: { stackId: Type.Optional(StackId), eventId: Type.Optional(EventId), ...orderQuery },
  answers: lines,
});
