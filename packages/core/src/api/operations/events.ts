import { type TSchema, Type } from "typebox";
import { EventMessage } from "../../machine/event-message.ts";
import { MAX_CODE } from "../../machine/limits.ts";
import { answer, defineOperation, inline, page, refusal } from "./define-operation.ts";
import { EventId, ItemId, Name, pageQuery, Reason, StackId } from "./fields.ts";

const list = { permission: "read", subject: "list", tag: "events" } as const;
const repair = { permission: "repair", subject: "list", audited: true, tag: "events" } as const;

export const publishEvents = defineOperation("POST", "/v1/events", {
  operationId: "publishEvents",
  permission: "send",
  subject: "items",
  tag: "events",
  summary: "Publish one event, or many in one commit. For an id that the stack knows, the result is `duplicate`.",
  // Each is validated separately, so that faults of one do not affect the others.
  body: Type.Union([Type.Object({}), Type.Array(Type.Unknown(), { minItems: 1 })]),
  describedBody: Type.Union([EventMessage, Type.Array(EventMessage, { minItems: 1 })]),
  query: {
    awaitsMs: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 86_400_000,
        description:
          "How long the sender waits for the first decision, in milliseconds. A refusal within that time is its answer: the event is `refused` and not dead-lettered.",
      }),
    ),
  },
  example: { body: [{ event: "DEPLOY", stackId: "pr-1" }] },
  answers: {
    202: answer("PublishAnswer", "All events are accepted: each is stored, and is applied later."),
    207: answer(
      "PublishAnswer",
      "Some events of a list are refused, with the kind `invalid`; the others are accepted.",
    ),
    400: refusal("EVENT_INVALID for one event, not in a list, that is refused."),
    404: refusal("MACHINE_UNKNOWN for one event, not in a list, whose machine the yard has never had."),
  },
});

export const previewEvent = defineOperation("POST", "/v1/stacks/:stackId/simulate", {
  operationId: "previewEvent",
  permission: "read",
  subject: "items",
  tag: "machines",
  summary: "What an event would do to the stack in its current state. Changes nothing.",
  params: { stackId: StackId },
  body: Type.Object({}),
  // The stack id of the path counts.
  describedBody: Type.Omit(EventMessage, ["stackId"]),
  example: { body: { event: "DEPLOY" } },
  answers: {
    200: answer("Preview", "The engine's decision; a refusal when the machine is missing."),
    400: refusal("EVENT_INVALID"),
    404: refusal("STACK_UNKNOWN for an event without a machine."),
  },
});

export const listEventHistory = defineOperation("GET", "/v1/events/:eventId/history", {
  operationId: "listEventHistory",
  ...list,
  summary: "List the outcomes of an event, oldest first. Empty if the event is unknown or not decided yet.",
  params: { eventId: EventId },
  query: pageQuery,
  answers: { 200: page("HistoryEntry", "A page.") },
});

const troubleQuery = {
  stackId: Type.Optional(StackId),
  event: Type.Optional({ ...Name, description: "The name of the event." }),
  code: Type.Optional(Type.String({ maxLength: MAX_CODE })),
  ...pageQuery,
};

export const listParked = defineOperation("GET", "/v1/parked", {
  operationId: "listParked",
  ...list,
  summary: "List parked events, ordered by stack id, those of one stack oldest first.",
  query: troubleQuery,
  answers: { 200: page("ListedParkedEvent", "A page; it may be short and have a cursor.") },
});

export const listDeadLetters = defineOperation("GET", "/v1/dead-letters", {
  operationId: "listDeadLetters",
  ...list,
  summary: "List dead letters, newest first.",
  query: troubleQuery,
  answers: { 200: page("DeadLetter", "A page; it may be short and have a cursor.") },
});

const many = { minItems: 1, maxItems: 100 };
const ids = Type.Array(Name, many);
const names = Type.Array(Type.String());

function answerEach<Answer extends TSchema>(schema: Answer) {
  return {
    200: inline(schema, "All ids were found."),
    207: inline(schema, "Some ids, or all, were not found: they are in `unknown`."),
  };
}

export const redriveEvents = defineOperation("POST", "/v1/dead-letters/redrive", {
  operationId: "redriveEvents",
  ...repair,
  summary: "Send dead letters again with their own ids.",
  body: Type.Object({ ids }),
  example: { body: { ids: ["01jx3k8q5v0000000000000000"] } },
  answers: answerEach(Type.Object({ redriven: names, unknown: names })),
});

export const dismissEvents = defineOperation("POST", "/v1/dead-letters/dismiss", {
  operationId: "dismissEvents",
  ...repair,
  summary: "Remove dead letters that need not be sent again.",
  body: Type.Object({ ids, reason: Reason }),
  example: { body: { ids: ["01jx3k8q5v0000000000000000"], reason: "An event of a test." } },
  answers: answerEach(Type.Object({ dismissed: names, unknown: names })),
});

export const withdrawEvents = defineOperation("POST", "/v1/parked/withdraw", {
  operationId: "withdrawEvents",
  ...repair,
  summary: "Withdraw parked events: they are never applied, and their ids count as used.",
  body: Type.Object({ ids: Type.Array(ItemId, many), reason: Reason }),
  example: { body: { ids: ["pr-1/e-1"], reason: "An event of a test." } },
  answers: answerEach(Type.Object({ withdrawn: names, unknown: names })),
});
