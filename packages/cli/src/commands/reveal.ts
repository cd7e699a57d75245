import { fieldOf, revealSecret } from "@stackyard/core/api/operations";
import { Type } from "typebox";
import { defineServerCommand } from "../server/connection.ts";
import { stackArg } from "./stack-args.ts";

/** `stackyard stacks reveal` */
export const stacksReveal = defineServerCommand({
  name: "stacks reveal",
  summary: "Print a sensitive value of a stack.",
  description:
    "Needs the permission secrets:read, which no role includes. The audit log records who read which value, and why, before the value is sent. Only the value goes to standard output.",
  examples: {
    'stackyard stacks reveal pr-12 dbPassword --reason "INC-42: cannot log in"': "Print the value.",
    "stackyard stacks reveal pr-12 dbPassword --reason INC-42 --json": "Print it as JSON.",
  },
  args: Type.Object({
    ...stackArg,
    key: fieldOf(revealSecret, "key", { description: "The key in the stack's metadata." }),
    reason: fieldOf(revealSecret, "reason", { description: "Why; recorded in the audit log." }),
  }),
  positionals: ["stack", "key"],
  async run({ out, yard, signal }, { stack, key, reason }) {
    const value = await yard.stacks.reveal(stack, key, { reason, signal });
    out.result({ stackId: stack, key, value }, () => String(value));
  },
});
