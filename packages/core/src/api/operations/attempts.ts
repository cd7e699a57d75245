import { Type } from "typebox";
import { answer, defineOperation, page, refusal } from "./define-operation.ts";
import { AttemptId, Name, pageQuery, StackId } from "./fields.ts";

const list = { permission: "read", subject: "list", tag: "attempts" } as const;
const one = { permission: "read", subject: "attempt", tag: "attempts", params: { attemptId: AttemptId } } as const;
const unknown = { 404: refusal("NOT_FOUND") };

export const listAttempts = defineOperation("GET", "/v1/stacks/:stackId/attempts", {
  operationId: "listAttempts",
  ...list,
  summary: "List the open attempts of a stack and the last 50 ended attempts, newest first.",
  params: { stackId: StackId },
  query: {
    ...pageQuery,
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, description: "Default: all." })),
  },
  answers: { 200: page("Attempt", "A page; without a limit all of them.") },
});

export const listOpenAttempts = defineOperation("GET", "/v1/attempts", {
  operationId: "listOpenAttempts",
  ...list,
  summary: "List the attempts of the yard that have not ended, oldest first.",
  query: {
    status: Type.Optional(Type.Enum(["unclaimed", "queued", "running", "suspended"])),
    executor: Type.Optional(Name),
    machine: Type.Optional(Name),
    idPrefix: Type.Optional({ ...Name, description: "Of the id of the stack." }),
    ...pageQuery,
  },
  answers: { 200: page("OpenAttempt", "A page; it may be empty and have a cursor.") },
});

export const getAttempt = defineOperation("GET", "/v1/attempts/:attemptId", {
  operationId: "getAttempt",
  ...one,
  summary: "Get an attempt.",
  answers: { 200: answer("Attempt", "The attempt."), ...unknown },
});

const Place = Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }));

export const getAttemptLogTimes = defineOperation("GET", "/v1/attempts/:attemptId/log-times", {
  operationId: "getAttemptLogTimes",
  ...one,
  summary:
    "Get when the lines of a part of an attempt's log were logged, to a tenth of a second. `from` and `to` are bytes of the full log; a part has at most 1 MiB. A time holds for the lines after it too, up to the next one. Nothing is known of a log of which only the end is stored.",
  query: { from: Place, to: Place },
  answers: { 200: answer("AttemptLogTimes", "The times."), ...unknown },
});
