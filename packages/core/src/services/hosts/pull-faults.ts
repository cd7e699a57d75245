import { type Static, Type } from "typebox";
import { cutText } from "../../machine/cut-text.ts";
import { defineRecordKind, keepAlive, type RecordsDeps } from "../../ports/record-kind.ts";

const PullFault = Type.Object({
  stackId: Type.String(),
  /**
   * `unreadable`: the code host does not show the pull request any more. `unfollowed`: its host or its mapping document is
   * not configured any more. `refused`: the yard has refused an event that the pull request needs, or has parked it.
   */
  kind: Type.Enum(["unreadable", "unfollowed", "refused"]),
  /** Epoch milliseconds. */
  since: Type.Number(),
  reason: Type.String({ maxLength: 1_024 }),
});

/** Why a stack is not what its pull request needs. Nothing is removed because of it. */
export type PullFault = Static<typeof PullFault>;

/** After the last time that it was noted. Code hosts are read every five minutes. */
const KEEP_MS = 3_600_000;

/** Why stacks are not what their pull requests need. */
export const pullFaults = defineRecordKind({
  prefix: "previews/faults/",
  value: PullFault,
  holds: "why a stack is not what its pull request needs",
  kept: "an hour after it was found last",
  damaged: "missing",
});

/** Remembers a fault for an hour. Call it each time that it is found. A stack has one; a later kind replaces it. */
export async function notePullFault(
  deps: RecordsDeps,
  { stackId, kind, reason }: Omit<PullFault, "since">,
): Promise<void> {
  await pullFaults.change(deps, stackId, (found, now) => {
    const since = found?.value.kind === kind ? found.value.since : now;
    const value: PullFault = { stackId, kind, since, reason: cutText(reason, 1_024) };
    return keepAlive(found, { value, keepMs: KEEP_MS, now });
  });
}

/** Forgets a fault of one of these kinds: it does not exist any more, or the preview has ended. */
export async function forgetPullFault(
  deps: RecordsDeps,
  { stackId, kinds }: { readonly stackId: string; readonly kinds: readonly PullFault["kind"][] },
): Promise<void> {
  await pullFaults.change(deps, stackId, (found) =>
    found !== undefined && kinds.includes(found.value.kind) ? { write: "remove" } : {},
  );
}
