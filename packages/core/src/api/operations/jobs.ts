import { Type } from "typebox";
import { JobState } from "../job.ts";
import { answer, defineOperation, page, refusal } from "./define-operation.ts";
import { Name, pageQuery, Reason } from "./fields.ts";
import { stackSortQuery } from "./stacks.ts";

/** The id of a job becomes part of keys. */
const params = { jobId: Type.String({ pattern: "^[A-Za-z0-9-]{1,64}$" }) };
const job = { subject: "job", tag: "jobs" } as const;
const unknown = { 404: refusal("NOT_FOUND") };

export const startJob = defineOperation("POST", "/v1/jobs", {
  operationId: "startJob",
  ...job,
  permission: "repair",
  audited: true,
  summary: "Start a job: one task of an executor, without a machine.",
  body: Type.Object({
    executor: Name,
    config: Type.Record(Type.String(), Type.Unknown()),
    key: Type.Optional({
      ...Name,
      description:
        "A key of the caller: a repeated request with the same key returns the same job, whatever its other fields contain. Default: a new job for each request.",
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
  example: { body: { executor: "script", config: {}, key: "job-7" } },
  answers: {
    202: answer("Job", "The job was started now, or earlier with the same key."),
    409: refusal("OUTCOME_NEGATIVE: the key belongs to a job of another executor."),
    413: refusal("PAYLOAD_TOO_LARGE: the config is larger than 256 KiB."),
    422: refusal("EXECUTOR_UNKNOWN, or CONFIG_INVALID with the problems."),
  },
});

export const listJobs = defineOperation("GET", "/v1/jobs", {
  operationId: "listJobs",
  permission: "read",
  subject: "list",
  tag: "jobs",
  summary:
    "List jobs. They are kept for 1 day after a success, 30 days after a failure. A job is sorted as a stack: `createdAt` is when it started, `enteredAt` when it ended. With a filter, a page may be empty and still have a cursor.",
  query: { state: Type.Optional(JobState), executor: Type.Optional(Name), ...stackSortQuery, ...pageQuery },
  answers: {
    200: page("Job", "A page."),
    422: refusal("FILTER_TOO_WIDE: more than 100,000 jobs would have to be sorted."),
  },
});

export const getJob = defineOperation("GET", "/v1/jobs/:jobId", {
  operationId: "getJob",
  ...job,
  permission: "read",
  summary: "Get a job: its progress and its result.",
  params,
  answers: { 200: answer("Job", "The job."), ...unknown },
});

export const getJobReport = defineOperation("GET", "/v1/jobs/:jobId/report", {
  operationId: "getJobReport",
  ...job,
  permission: "read",
  summary:
    "Get the executor's report about each part of its work, such as each instance of a fleet, also while it runs. For a task in a machine, use its idempotency key as the id.",
  params,
  query: {
    cursor: pageQuery.cursor,
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 50, description: "Pages. Default 10." })),
  },
  answers: { 200: answer("JobReport", "Pages of the report."), ...unknown },
});

const body = Type.Object({ reason: Type.Optional(Reason) });
const applied = answer("Job", "The operation was applied.");
const waiting = answer("Job", "Not decided yet.");

export const cancelJob = defineOperation("POST", "/v1/jobs/:jobId/cancel", {
  operationId: "cancelJob",
  ...job,
  permission: "operate",
  summary: "Cancel a job. Does nothing when it has ended.",
  params,
  body,
  answers: { 200: applied, 202: waiting, ...unknown },
});

export const retryJob = defineOperation("POST", "/v1/jobs/:jobId/retry", {
  operationId: "retryJob",
  ...job,
  permission: "operate",
  summary:
    "Retry a failed or cancelled job with the same config. For a fleet, only the instances that did not succeed.",
  params,
  body,
  answers: {
    200: applied,
    202: waiting,
    ...unknown,
    409: refusal("OUTCOME_NEGATIVE: the job has not failed, or is no longer stored."),
  },
});
