import type { AttemptView } from "@stackyard/core/engine";
import type { Attempt } from "../schemas/attempt.ts";
import { toInstant } from "../schemas/common.ts";

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
