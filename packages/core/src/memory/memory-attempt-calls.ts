import type { AttemptStore } from "../ports/attempt-store.ts";
import type { MemoryAttempts } from "./memory-attempts.ts";
import type { Guard } from "./memory-guard.ts";
import type { MemoryRows } from "./memory-rows.ts";

/** The workers' part of the port over the attempts in memory. */
export function guardAttempts(
  guard: Guard,
  { attempts, rows }: { readonly attempts: MemoryAttempts; readonly rows: MemoryRows },
): AttemptStore {
  return {
    claim: guard((input) => {
      rows.dropTasks(input.attemptId);
      return attempts.claim(input);
    }),
    renew: guard(attempts.renew),
    suspend: guard(attempts.suspend),
    settle: guard(attempts.settle),
    findAttempt: guard((attemptId) => {
      const attempt = attempts.find(attemptId);
      return attempt && attempts.view(attempt);
    }),
    listAttempts: guard((stackId) => attempts.listOf(stackId).map(attempts.view)),
    findTaskMessage: guard((attemptId) => attempts.find(attemptId)?.dispatch.message),
  };
}
