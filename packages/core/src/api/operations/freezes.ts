import { Type } from "typebox";
import { FREEZE_NAME, MAX_FILTER, MAX_NAME } from "../../machine/limits.ts";
import { answer, defineOperation, items, refusal } from "./define-operation.ts";
import { ShortReason, StackId } from "./fields.ts";

const FreezeName = Type.String({ pattern: FREEZE_NAME });
const params = { freeze: FreezeName };
const seen = Type.Optional(
  Type.String({
    format: "date-time",
    description: "When the freeze that was seen started. Refused when another one has the name.",
  }),
);
const changed = refusal("RECORD_CONFLICT: another freeze has the name than the one that was `seen`.");
const NEEDED = "Needs `repair` for all that it matches: for the machine without a limit of stacks, or for the yard.";

export const listFreezes = defineOperation("GET", "/v1/freezes", {
  operationId: "listFreezes",
  permission: "read",
  subject: "list",
  tag: "freezes",
  summary:
    "List the freezes that have not ended, by name. A caller that may not read all that one may match sees it if it matches a stack that the caller may read: without its expression, and with the releases that it may read.",
  answers: { 200: items("Freeze", "All of them.") },
});

export const listFreezeHolds = defineOperation("GET", "/v1/freezes/:freeze/held", {
  operationId: "listFreezeHolds",
  permission: "read",
  subject: "list",
  tag: "freezes",
  summary: "List what a freeze holds now: the tasks of releases that wait for it, with how many stacks.",
  params,
  answers: { 200: items("FreezeHold", "Those that the caller may read."), 404: refusal("NOT_FOUND") },
});

export const startFreeze = defineOperation("POST", "/v1/freezes", {
  operationId: "startFreeze",
  audited: true,
  permission: "repair",
  subject: "list",
  tag: "freezes",
  summary: `Start a freeze: releases send no new events to the stacks that it matches. What runs, plans, approvals and undoing are not held. ${NEEDED}`,
  body: Type.Object(
    {
      name: FreezeName,
      reason: ShortReason,
      machine: Type.Optional(Type.String({ minLength: 1, maxLength: MAX_NAME, description: "Default: all machines." })),
      where: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: MAX_FILTER,
          description: "CEL over `stack` and `metadata`. Default: all.",
        }),
      ),
      to: Type.Optional(Type.String({ format: "date-time", description: "Default: until it is ended." })),
    },
    { additionalProperties: false },
  ),
  example: { body: { name: "winter", reason: "Christmas" } },
  answers: {
    200: answer("Freeze", "The freeze."),
    400: refusal("USAGE: the expression has errors, or the end has passed."),
    403: refusal("FORBIDDEN"),
    409: refusal("RECORD_CONFLICT: the name is in use."),
  },
});

export const exceptFromFreeze = defineOperation("POST", "/v1/freezes/:freeze/except", {
  operationId: "exceptFromFreeze",
  audited: true,
  permission: "repair",
  subject: "list",
  tag: "freezes",
  summary: `Let one release pass a freeze. ${NEEDED}`,
  params,
  body: Type.Object({ release: StackId, reason: ShortReason, seen }, { additionalProperties: false }),
  example: { body: { release: "shop-1.42.1", reason: "It repairs the outage." } },
  answers: {
    200: answer("Freeze", "The freeze."),
    403: refusal("FORBIDDEN"),
    404: refusal("NOT_FOUND, or STACK_UNKNOWN for the release"),
    409: changed,
  },
});

export const endFreeze = defineOperation("POST", "/v1/freezes/:freeze/end", {
  operationId: "endFreeze",
  audited: true,
  permission: "repair",
  subject: "list",
  tag: "freezes",
  summary: `End a freeze. ${NEEDED}`,
  params,
  body: Type.Object({ reason: Type.Optional(ShortReason), seen }, { additionalProperties: false }),
  answers: {
    200: answer("Freeze", "The freeze as it was."),
    403: refusal("FORBIDDEN"),
    404: refusal("NOT_FOUND"),
    409: changed,
  },
});
