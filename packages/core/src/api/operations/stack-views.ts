import { Type } from "typebox";
import { answer, defineOperation, refusal } from "./define-operation.ts";
import { Name, Reason, StackId, TaskName } from "./fields.ts";

const params = { stackId: StackId };
const read = { permission: "read", subject: "stack", tag: "stacks" } as const;
const unknown = { 404: refusal("STACK_UNKNOWN") };

export const getStackSnapshot = defineOperation("GET", "/v1/stacks/:stackId/snapshot", {
  operationId: "getStackSnapshot",
  ...read,
  summary: "Get a stack as the first step of a simulation. Sensitive values are masked.",
  params,
  answers: { 200: answer("StackSnapshot", "The step."), ...unknown },
});

export const getStackAt = defineOperation("GET", "/v1/stacks/:stackId/at/:position", {
  operationId: "getStackAt",
  ...read,
  tag: "history",
  summary:
    "Get a stack as it was after a line of its history, by replay on the revisions that decided it. Works after its removal, too.",
  params: { ...params, position: Type.String({ pattern: "^[0-9]{1,15}$" }) },
  answers: {
    200: answer("StackAt", "The stack, as far as the history says."),
    404: refusal("NOT_FOUND: the history has no line of the stack up to that position."),
  },
});

export const listStackCommits = defineOperation("GET", "/v1/stacks/:stackId/commits", {
  operationId: "listStackCommits",
  ...read,
  tag: "approvals",
  summary:
    "List the commits that the stack has brought since its last success, by the API of the code host; without access, where they are compared.",
  params,
  query: {
    task: Type.Optional({
      ...TaskName,
      description: "The task whose last approval counts where no success is known.",
    }),
  },
  answers: { 200: answer("StackCommits", "The commits, or why they cannot be listed."), ...unknown },
});

export const revealSecret = defineOperation("POST", "/v1/stacks/:stackId/secrets/:key/reveal", {
  operationId: "revealSecret",
  ...read,
  permission: "secrets:read",
  audited: true,
  summary:
    "A sensitive value of a stack's metadata. Recorded in the audit log before it is read; fails if that record cannot be written.",
  params: { ...params, key: Name },
  body: Type.Object({ reason: Reason }),
  example: { body: { reason: "To sign in once." } },
  answers: {
    200: answer("RevealedSecret", "The value."),
    403: refusal("FORBIDDEN: no role includes `secrets:read`."),
    404: refusal("STACK_UNKNOWN, or NOT_FOUND: the stack has no sensitive value of that name."),
  },
});
