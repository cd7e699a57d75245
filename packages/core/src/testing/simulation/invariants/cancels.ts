import type { Stack } from "../../../machine/stack.ts";
import type { Invariant } from "./invariant.ts";

/** What a stack has cancelled is asked to stop, or has ended. */
export const cancelsAsked: Invariant = {
  name: "cancels-asked",
  promise: "A run that its stack cancels is asked to stop by the same commit.",
  create(tell) {
    return {
      async onCommitted({ before, after }, store) {
        for (const attemptId of listCancelled(before, after)) {
          const attempt = await store.findAttempt(attemptId);
          if (attempt?.status === "settled" || attempt?.cancelling !== undefined) continue;
          tell(`Nobody was asked to cancel ${attemptId}.`);
        }
      },
    };
  },
};

/** Runs that are cancelled now and were not before. */
function listCancelled(before: Stack | undefined, after: Stack | undefined): readonly string[] {
  const known = new Set(before?.runs.flatMap(({ cancelling, attemptId }) => (cancelling ? [attemptId] : [])));
  const runs = (after?.runs ?? []).filter(({ cancelling, attemptId }) => cancelling && !known.has(attemptId));
  return runs.map(({ attemptId }) => attemptId);
}
