import { optionalFlag, optionalInteger } from "@stackyard/core";
import { STACK_CONDITIONS, STACK_SORTS } from "@stackyard/core/api";
import { cancelStack, fieldOf, listStacks, settleStack, upgradeStack } from "@stackyard/core/api/operations";
import { Type } from "typebox";

/** The stack that a command is about. */
export const stackArg = {
  stack: fieldOf(cancelStack, "stackId", { completes: "stack", description: "The stack's id." }),
};

/** A task of that stack. */
export const taskArg = fieldOf(cancelStack, "task", { completes: "task", description: "The task's name." });

/** Metadata, as `parseMetadata` reads it. */
export const metadataArg = (what: string, limit = "May be repeated.") =>
  Type.Optional(
    Type.Array(Type.String(), {
      placeholder: "key=text",
      description: `${what} key=text, key:=json, or a JSON object. ${limit}`,
    }),
  );

/** The maximum number of items that a list prints. */
export const limitArg = {
  limit: optionalInteger("Maximum number.", { minimum: 1, short: "n" }),
};

/** The order of a list of stacks, or of items about stacks. */
export const sortArg = {
  sort: Type.Optional(
    Type.Enum([...STACK_SORTS], {
      description: "The order of the stacks. A leading - reverses it, as in --sort -updatedAt. Default: id.",
    }),
  ),
};

/** The states that a command waits for. */
export const untilArg = (what: string) =>
  Type.Optional(
    Type.Array(Type.String({ minLength: 1 }), {
      placeholder: "state",
      completes: "state",
      description: `Wait until ${what} is in this state, or \`removed\`. May be repeated.`,
    }),
  );

/** Why a stack is changed. */
export const reasonArg = fieldOf(settleStack, "reason", { description: "Reason, recorded in the history." });

/** The form of the digest of a dry run in help texts. */
const digestForm = { placeholder: "digest", expected: "the 32 digits that --dry-run prints" };

/** The digest of a dry run, which binds a command to it. */
export const planArg = (description: string) => fieldOf(upgradeStack, "plan", { ...digestForm, description });

/** Returns what binds a command to its dry run. */
export function formatDigest(digest: string): string {
  return `Pass --plan ${digest} to do exactly this, or nothing.`;
}

/** Which stacks a list shows or a bulk operation changes. */
export const stackFilterArgs = {
  machine: fieldOf(listStacks, "machine", {
    description: "Only stacks of this machine.",
    short: "m",
    completes: "machine",
  }),
  state: fieldOf(listStacks, "state", {
    description: "Only stacks in this state. Names are case-sensitive.",
    completes: "state",
  }),
  text: fieldOf(listStacks, "text", { description: "Only ids that contain this text. It is case-sensitive." }),
  condition: Type.Optional(
    Type.Enum([...STACK_CONDITIONS], {
      description:
        "Only stacks with a failed task, degraded, stalled, overdue, with an open approval, with a running task, or with one of these.",
    }),
  ),
  needsPerson: optionalFlag(
    "Only stacks that need attention: failed, degraded and not acknowledged, overdue, stalled, or with an open approval.",
  ),
  behind: optionalFlag(
    "Only stacks that do not move to the newest revision of their machine yet; `stacks show` prints why.",
  ),
};
