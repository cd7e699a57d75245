import type { AttemptView } from "@stackyard/core/engine";
import { type Static, Type } from "typebox";
import { Instant, toInstant } from "./common.ts";

const Cancelling = Type.Union([Type.Literal("requested"), Type.Literal("timed-out")]);

/** One try at a task. The token of its lease is no part of it: that is a secret of the runner. */
export const Attempt = Type.Object({
  attemptId: Type.String(),
  stackId: Type.String(),
  task: Type.String(),
  entry: Type.Integer({ description: "Which entry into a state of the stack it belongs to." }),
  attempt: Type.Integer({ description: "From 1." }),
  executor: Type.Optional(Type.String()),
  status: Type.Union([
    Type.Literal("unclaimed", { description: "No runner has taken it yet." }),
    Type.Literal("queued", { description: "It waits for an exclusive key." }),
    Type.Literal("running", { description: "A runner works on it." }),
    Type.Literal("suspended", { description: "The work goes on elsewhere and is polled." }),
    Type.Literal("settled", { description: "It has ended." }),
  ]),
  dispatchedAt: Instant,
  deadlineAt: Instant,
  owner: Type.Optional(Type.String({ description: "The runner." })),
  leaseUntil: Type.Optional(Instant),
  pollDueAt: Type.Optional(Instant),
  cancelling: Type.Optional(Cancelling),
  queuedFor: Type.Optional(Type.Object({ key: Type.String(), holder: Type.String(), place: Type.Integer() })),
  heldKeys: Type.Array(Type.String()),
  progressMessage: Type.Optional(Type.String()),
  hasLog: Type.Boolean(),
  outcome: Type.Optional(
    Type.Union([
      Type.Literal("succeeded"),
      Type.Literal("failed"),
      Type.Literal("cancelled"),
      Type.Literal("closed", { description: "Ended without an answer of its own." }),
    ]),
  ),
});
export type Attempt = Static<typeof Attempt>;

/** An attempt as the API shows it: without token and log. */
export function toAttempt(view: AttemptView): Attempt {
  const { token: _, log: __, dispatchedAt, deadlineAt, leaseUntil, pollDueAt, heldKeys, ...rest } = view;
  return {
    ...rest,
    dispatchedAt: toInstant(dispatchedAt),
    deadlineAt: toInstant(deadlineAt),
    ...(leaseUntil === undefined ? {} : { leaseUntil: toInstant(leaseUntil) }),
    ...(pollDueAt === undefined ? {} : { pollDueAt: toInstant(pollDueAt) }),
    heldKeys: [...heldKeys],
    hasLog: view.hasLog === true,
  };
}
