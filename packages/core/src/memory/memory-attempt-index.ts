import type { Attempt } from "./memory-attempt.ts";

const SETTLED_LISTED = 50;

/** Attempts by id and by stack. */
export interface AttemptIndex {
  add(attempt: Attempt): void;
  /** Notes that the attempt has ended. */
  settle(attempt: Attempt): void;
  find(attemptId: string): Attempt | undefined;
  /** The open ones and the last 50 settled ones, newest first. */
  listOf(stackId: string): readonly Attempt[];
  countOpen(): number;
  /** Removes what was settled before that instant. */
  prune(before: number): void;
}

/** In order of dispatch, in all and by stack. */
export function createAttemptIndex(): AttemptIndex {
  const byId = new Map<string, Attempt>();
  const byStack = new Map<string, Set<Attempt>>();
  let open = 0;

  function remove(attempt: Attempt): void {
    byId.delete(attempt.attemptId);
    const ofStack = byStack.get(attempt.dispatch.stackId);
    ofStack?.delete(attempt);
    if (ofStack?.size === 0) byStack.delete(attempt.dispatch.stackId);
  }

  return {
    add(attempt) {
      open += 1;
      byId.set(attempt.attemptId, attempt);
      const { stackId } = attempt.dispatch;
      byStack.set(stackId, (byStack.get(stackId) ?? new Set()).add(attempt));
    },
    settle() {
      open -= 1;
    },
    find: (attemptId) => byId.get(attemptId),
    listOf(stackId) {
      let settled = 0;
      return [...(byStack.get(stackId) ?? [])].reverse().filter(({ status }) => {
        if (status === "settled") settled += 1;
        return status !== "settled" || settled <= SETTLED_LISTED;
      });
    },
    countOpen: () => open,
    prune(before) {
      for (const attempt of byId.values()) {
        if (attempt.settledAt !== undefined && attempt.settledAt < before) remove(attempt);
      }
    },
  };
}
