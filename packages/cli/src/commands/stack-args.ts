import { optionalInteger, optionalText } from "@stackyard/core";
import { STACK_CONDITIONS, STACK_SORTS } from "@stackyard/core/api";
import { Type } from "typebox";

/** The stack that a command is about. */
export const stackArg = {
  stack: Type.String({ minLength: 1, maxLength: 255, completes: "stack", description: "The stack's id." }),
};

/** A task of that stack. */
export const taskArg = Type.String({
  minLength: 1,
  maxLength: 1_024,
  completes: "task",
  description: "The task's name.",
});

/** How many items a list prints. */
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
export const reasonArg = Type.String({
  minLength: 1,
  maxLength: 4_096,
  description: "Reason, recorded in the history.",
});

/** Which stacks a list shows or a bulk operation changes. */
export const stackFilterArgs = {
  machine: optionalText("Only stacks of this machine.", {
    minLength: 1,
    maxLength: 255,
    short: "m",
    completes: "machine",
  }),
  state: optionalText("Only stacks in this state. Names are case-sensitive.", {
    minLength: 1,
    maxLength: 255,
    completes: "state",
  }),
  text: optionalText("Only ids that contain this text. It is case-sensitive.", { minLength: 1, maxLength: 255 }),
  condition: Type.Optional(
    Type.Enum([...STACK_CONDITIONS], {
      description:
        "Only stacks with a failed task, degraded, stalled, overdue, with an open approval, with a running task, or with one of these.",
    }),
  ),
};
