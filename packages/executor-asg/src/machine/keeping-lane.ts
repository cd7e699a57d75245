import type { StateOfRelease, StatesOfRelease } from "./state-of-release.ts";

const SHARED: readonly string[] = ["WaitForDetach", "DetachForSuccess", "WaitDetachForSuccess", "CleanUpSuccess"];

/**
 * Adds the way of a healthy release whose old groups are kept for a while: the states that every healthy release goes
 * through, under names of their own, and then, before the end, the rollback window and the deletion of the kept groups.
 * Step Functions alone needs it; a yard starts a run for that.
 */
export function withKeepingLane(states: StatesOfRelease): StatesOfRelease {
  const { "Healthy?": choice, CleanUpSuccess: cleanUp } = states;
  if (choice === undefined || cleanUp === undefined) return states;
  const shared = Object.entries(states).filter(([name]) => SHARED.includes(name));
  return {
    ...states,
    "Healthy?": { ...choice, Choices: [KEEPS, ...(choice.Choices ?? [])] },
    ...Object.fromEntries(shared.map(([name, state]) => [toLane(name), divert(state)])),
    WaitForRetire: { Type: "Wait", SecondsPath: "$.rollback_window", Next: "RetireKept" },
    RetireKept: toRetire(cleanUp),
  };
}

/** Documents that say nothing about a rollback window have none in their state. */
const KEEPS = {
  And: [
    { Variable: "$.healthy", IsPresent: true },
    { Variable: "$.healthy", BooleanEquals: true },
    { Variable: "$.rollback_window", IsPresent: true },
    { Variable: "$.rollback_window", NumericGreaterThan: 0 },
  ],
  Next: toLane("WaitForDetach"),
};

/** While the next release works, it holds the lock; it deletes kept groups itself when it begins to create. */
function toRetire({ Retry = [], Catch = [], ...cleanUp }: StateOfRelease): StateOfRelease {
  const held = { ErrorEquals: ["LockExistsError"] };
  return {
    ...cleanUp,
    Parameters: { ...cleanUp.Parameters, Task: "RetireKept" },
    Retry: [{ ...held, IntervalSeconds: 60, MaxAttempts: 60, BackoffRate: 1 }, ...Retry],
    Catch: [{ ...held, ResultPath: "$.error", Next: "Success" }, ...Catch],
  };
}

function divert({ Next, Catch, ...state }: StateOfRelease): StateOfRelease {
  return {
    ...state,
    ...(Catch && { Catch: Catch.map((rule) => ({ ...rule, Next: toLane(rule.Next) })) }),
    ...(Next !== undefined && { Next: toLane(Next) }),
  };
}

function toLane(name: string): string {
  if (name === "Success") return "WaitForRetire";
  return SHARED.includes(name) ? `${name}Keeping` : name;
}
