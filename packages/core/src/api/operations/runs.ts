import { Type } from "typebox";
import { RunState } from "../run.ts";
import { answer, defineOperation, page, refusal } from "./define-operation.ts";
import { Name, pageQuery, Reason } from "./fields.ts";
import { stackSortQuery } from "./stacks.ts";

/** The id of a run becomes part of keys. */
const params = { runId: Type.String({ pattern: "^[A-Za-z0-9-]{1,64}$" }) };
const run = { subject: "run", tag: "runs" } as const;
const unknown = { 404: refusal("NOT_FOUND") };

export const startRun = defineOperation("POST", "/v1/runs", {
  operationId: "startRun",
  ...run,
  permission: "repair",
  audited: true,
  summary: "Start a run: one task of an executor, without a machine.",
  body: Type.Object({
    executor: Name,
    config: Type.Record(Type.String(), Type.Unknown()),
    key: Type.Optional({
      ...Name,
      description:
        "A key of the caller: a repeated request with the same key returns the same run, whatever its other fields contain. Default: a new run for each request.",
    }),
    target: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description:
          "`account` and `region` to work in, optionally `role` and `externalId`. Default: those of the runner.",
      }),
    ),
    timeoutMs: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 31_622_400_000, description: "Default: the executor's own, else one hour." }),
    ),
  }),
  answers: {
    202: answer("Run", "The run was started now, or earlier with the same key."),
    409: refusal("OUTCOME_NEGATIVE: the key belongs to a run of another executor."),
    413: refusal("PAYLOAD_TOO_LARGE: the config is larger than 256 KiB."),
    422: refusal("EXECUTOR_UNKNOWN, or CONFIG_INVALID with the problems."),
  },
});

export const listRuns = defineOperation("GET", "/v1/runs", {
  operationId: "listRuns",
  permission: "read",
  subject: "list",
  tag: "runs",
  summary:
    "List runs. They are kept for 1 day after a success, 30 days after a failure. A run is sorted as a stack: `createdAt` is when it started, `enteredAt` when it ended. With a filter, a page may be empty and still have a cursor.",
  query: { state: Type.Optional(RunState), executor: Type.Optional(Name), ...stackSortQuery, ...pageQuery },
  answers: {
    200: page("Run", "A page."),
    422: refusal("FILTER_TOO_WIDE: more than 100,000 runs would have to be sorted."),
  },
});

export const getRun = defineOperation("GET", "/v1/runs/:runId", {
  operationId: "getRun",
  ...run,
  permission: "read",
  summary: "Get a run: its progress and its result.",
  params,
  answers: { 200: answer("Run", "The run."), ...unknown },
});

export const getRunReport = defineOperation("GET", "/v1/runs/:runId/report", {
  operationId: "getRunReport",
  ...run,
  permission: "read",
  summary:
    "Get the executor's report about each part of its work, such as each instance of a fleet, also while it runs. For a task in a machine, use its idempotency key as the id.",
  params,
  query: {
    cursor: pageQuery.cursor,
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 50, description: "Pages. Default 10." })),
  },
  answers: { 200: answer("RunReport", "Pages of the report."), ...unknown },
});

const body = Type.Object({ reason: Type.Optional(Reason) });
const applied = answer("Run", "The operation was applied.");
const waiting = answer("Run", "Not decided yet.");

export const cancelRun = defineOperation("POST", "/v1/runs/:runId/cancel", {
  operationId: "cancelRun",
  ...run,
  permission: "operate",
  summary: "Cancel a run. Does nothing when it has ended.",
  params,
  body,
  answers: { 200: applied, 202: waiting, ...unknown },
});

export const retryRun = defineOperation("POST", "/v1/runs/:runId/retry", {
  operationId: "retryRun",
  ...run,
  permission: "operate",
  summary:
    "Retry a failed or cancelled run with the same config. For a fleet, only the instances that did not succeed.",
  params,
  body,
  answers: {
    200: applied,
    202: waiting,
    ...unknown,
    409: refusal("OUTCOME_NEGATIVE: the run has not failed, or is no longer stored."),
  },
});
