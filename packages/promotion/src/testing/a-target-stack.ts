import type { Stack } from "@stackyard/core";

/** A stack that rests in LIVE with an earlier version. */
export function aTargetStack(given: Partial<Stack> = {}): Stack {
  return {
    id: "prod",
    machine: "app",
    machineHash: "h1",
    state: "LIVE",
    previousState: "BUILD",
    tasks: [],
    metadata: { api: "1.41.0" },
    createdAt: 1,
    updatedAt: 1,
    enteredAt: 1,
    incarnation: "i1",
    entry: 2,
    attempts: {},
    runs: [],
    timers: [],
    automaticEntries: [],
    ...given,
  };
}
