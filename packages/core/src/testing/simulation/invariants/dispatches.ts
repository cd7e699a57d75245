import type { Dispatch } from "../../../machine/decide/decision.ts";
import { parseAttemptId } from "../../../machine/event-message.ts";
import type { Invariant } from "./invariant.ts";

/** What a commit dispatches is there with it, and what a stack waits for was dispatched. */
export const oneCommit: Invariant = {
  name: "one-commit",
  promise: "A transition and its dispatches are one commit.",
  create(tell) {
    const dispatched = new Set<string>();
    return {
      async onCommitted({ change, after }, store) {
        for (const { attemptId } of change.dispatches) {
          dispatched.add(attemptId);
          if ((await store.findAttempt(attemptId)) === undefined) tell(`The dispatch of ${attemptId} was lost.`);
        }
        for (const { attemptId } of after?.runs ?? []) {
          if (!dispatched.has(attemptId)) tell(`${change.stackId} waits for ${attemptId}, which nobody has sent.`);
        }
      },
    };
  },
};

/** The attempts of a run are counted without gaps, and each is made once. */
export const attemptNumbers: Invariant = {
  name: "attempt-numbers",
  promise: "An attempt is made once; those of a task in one entry are numbered 1, 2, 3.",
  create(tell) {
    const made = new Map<string, number>();
    function note({ attemptId, again }: Dispatch): void {
      const run = attemptId.slice(0, attemptId.lastIndexOf("/"));
      const attempt = parseAttemptId(attemptId)?.attempt ?? 0;
      const last = made.get(run) ?? 0;
      if (again && attempt > last) tell(`${attemptId} was sent again and was never sent before.`);
      if (!again && attempt !== last + 1) tell(`${attemptId} was made after attempt ${last}.`);
      made.set(run, Math.max(last, attempt));
    }
    return {
      onCommitted({ change }) {
        for (const dispatch of change.dispatches) note(dispatch);
      },
    };
  },
};
