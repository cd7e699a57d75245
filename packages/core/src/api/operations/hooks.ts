import { Type } from "typebox";
import { defineOperation, inline, page, refusal } from "./define-operation.ts";
import { pageQuery } from "./fields.ts";

const read = { permission: "read", subject: "yard", tag: "events" } as const;

export const listHooks = defineOperation("GET", "/v1/hooks", {
  operationId: "listHooks",
  ...read,
  summary: "List deliveries of code hosts of the last 14 days, newest first, with what came of them.",
  query: pageQuery,
  answers: { 200: page("HookDelivery", "A page.") },
});

export const listQueue = defineOperation("GET", "/v1/queue", {
  operationId: "listQueue",
  ...read,
  summary: "List what waits in the queues of services, and their dead letters, by queue.",
  query: pageQuery,
  answers: { 200: page("QueuedItem", "A page.") },
});

export const redriveQueueItem = defineOperation("POST", "/v1/queue/redrive", {
  operationId: "redriveQueueItem",
  ...read,
  permission: "repair",
  audited: true,
  summary: "Repeat the work on a dead letter of a queue.",
  body: Type.Object(
    {
      queue: Type.String({ pattern: "^[a-z][a-z0-9-]{0,63}$" }),
      key: Type.String({ minLength: 1, maxLength: 1_024 }),
    },
    { additionalProperties: false },
  ),
  example: { body: { queue: "hooks", key: "k" } },
  answers: {
    200: inline(Type.Object({ redriven: Type.Literal(true) }), "It is repeated."),
    404: refusal("NOT_FOUND: the queue has no dead letter under this key."),
  },
});
