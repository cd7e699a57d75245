import { Type } from "typebox";
import { MAX_NAME, MAX_STATE_KEY } from "../../machine/limits.ts";
import { answer, defineOperation, page, refusal } from "./define-operation.ts";
import { Name, pageQuery } from "./fields.ts";

const params = { key: Type.String({ minLength: 1, maxLength: MAX_STATE_KEY }) };
const list = { permission: "read", subject: "list", tag: "terraform" } as const;
const one = { subject: "state", tag: "terraform" } as const;
const unknown = { 404: refusal("NOT_FOUND") };
const query = {
  prefix: Type.Optional(Type.String({ maxLength: MAX_NAME, description: "Keys that begin so." })),
  ...pageQuery,
};

export const listTerraformStates = defineOperation("GET", "/v1/terraform/states", {
  operationId: "listTerraformStates",
  ...list,
  summary: "List Terraform states, ordered by key.",
  query,
  answers: { 200: page("TerraformState", "A page.") },
});

export const getTerraformState = defineOperation("GET", "/v1/terraform/states/:key", {
  operationId: "getTerraformState",
  ...one,
  permission: "read",
  summary: "Get the versions and the lock of a Terraform state.",
  params,
  answers: { 200: answer("TerraformState", "The state without its content."), ...unknown },
});

export const restoreTerraformState = defineOperation("POST", "/v1/terraform/states/:key/restore", {
  operationId: "restoreTerraformState",
  ...one,
  permission: "states:write",
  audited: true,
  summary: "Restore an old version as the newest, with the next serial. Refused while the state is locked.",
  params,
  body: Type.Object({
    version: Type.Integer({ minimum: 1 }),
    seen: Type.Optional(
      Type.Union([Type.Integer({ minimum: 1 }), Type.Null()], {
        description:
          "The current version as it was seen; null: the state was missing. Refused when it is another one now.",
      }),
    ),
  }),
  example: { body: { version: 1 } },
  answers: {
    200: answer("StateVersion", "The new version."),
    409: refusal("RECORD_CONFLICT: the state is locked, or has another current version than `seen`."),
    ...unknown,
  },
});

export const unlockTerraformState = defineOperation("POST", "/v1/terraform/states/:key/unlock", {
  operationId: "unlockTerraformState",
  ...one,
  permission: "repair",
  audited: true,
  summary:
    "Break the lock by force. Use it only when no Terraform uses the state any more. The state and the server's log record who broke the lock.",
  params,
  body: Type.Object({ id: { ...Name, description: "The lock's id." } }),
  example: { body: { id: "l1" } },
  answers: {
    200: answer("TerraformState", "The state, unlocked."),
    409: refusal("RECORD_CONFLICT: the state is locked with another id."),
    ...unknown,
  },
});

export const listUnsavedRuns = defineOperation("GET", "/v1/terraform/unsaved", {
  operationId: "listUnsavedRuns",
  ...list,
  summary: "List runs of Terraform that have not saved their state, or have not reported their end, ordered by state.",
  query,
  answers: { 200: page("UnsavedRun", "A page.") },
});

const ofRun = { ...params, id: Type.String({ minLength: 1, maxLength: 64 }) };

export const pushUnsavedState = defineOperation("POST", "/v1/terraform/states/:key/unsaved/:id/push", {
  operationId: "pushUnsavedState",
  ...one,
  permission: "states:write",
  audited: true,
  summary:
    "Make an unsaved state the newest version. Refused while the state is locked, and when another run has written resources into it since.",
  params: ofRun,
  answers: {
    200: answer("StateVersion", "The new version."),
    409: refusal("RECORD_CONFLICT: it cannot be pushed now."),
    ...unknown,
  },
});

export const dismissUnsavedRun = defineOperation("POST", "/v1/terraform/states/:key/unsaved/:id/dismiss", {
  operationId: "dismissUnsavedRun",
  ...one,
  permission: "repair",
  audited: true,
  summary:
    "Give up what a run may have left. Do it when nothing is left of it: afterwards nothing names these resources. Refused while the run works.",
  params: ofRun,
  body: Type.Object({ reason: Type.Optional(Type.String({ minLength: 1, maxLength: 1_024 })) }),
  answers: {
    200: answer("UnsavedRun", "The run that was given up."),
    409: refusal("RECORD_CONFLICT: the run works, or has reported meanwhile what it has left."),
    ...unknown,
  },
});
