import type { HistoryEntry } from "../../../ports/stack-store.ts";
import type { Invariant } from "./invariant.ts";

/** Every decision is made on what the one before has left. */
export const noLostUpdate: Invariant = {
  name: "no-lost-update",
  promise: "A commit writes over nothing that it has not read.",
  create(tell) {
    return {
      onCommitted({ change, versionBefore, before, after }) {
        const { stackId, expectedVersion } = change;
        if (expectedVersion !== versionBefore) {
          tell(`${stackId}: a decision on version ${expectedVersion} was written over version ${versionBefore}.`);
        }
        let state = before?.state;
        for (const line of change.history.filter(changesStack)) {
          if (line.from !== state)
            tell(`${stackId}: ${line.eventId} was applied to ${line.from}, and it was in ${state}.`);
          state = line.outcome === "removed" ? undefined : line.to;
        }
        if (state !== after?.state) tell(`${stackId}: the history ends in ${state}, the stack is in ${after?.state}.`);
      },
    };
  },
};

function changesStack({ outcome }: HistoryEntry): boolean {
  return outcome === "applied" || outcome === "removed";
}
