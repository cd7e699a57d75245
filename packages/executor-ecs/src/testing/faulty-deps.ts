import { StackyardError } from "@stackyard/core";
import type { EcsTaskDeps } from "../custom-resource/turn.ts";
import { type GuardedPort, guardDeps } from "./a-mortal-function.ts";

/** At which of all calls of its ports the function meets an error, and whether the call has its effect. */
export interface Fault {
  readonly at: number;
  readonly after: boolean;
}

/** Ports with one failing call. */
export interface FaultyDeps {
  readonly deps: EcsTaskDeps;
  /** Returns true if the fault has occurred. */
  isMet(): boolean;
}

/**
 * Creates ports with a fault. Errors are those that each port may return: of AWS, of an unavailable store, of a
 * connection.
 */
export function createFaultyDeps(deps: EcsTaskDeps, fault: Fault): FaultyDeps {
  let calls = 0;
  const guarded = guardDeps(deps, async (call, port) => {
    calls += 1;
    if (calls !== fault.at) return call();
    if (fault.after) await call();
    throw ERRORS[port]();
  });
  return { isMet: () => calls >= fault.at, deps: guarded };
}

const ERRORS: Readonly<Record<GuardedPort, () => Error>> = {
  records: () => new StackyardError("STORE_UNAVAILABLE", "The table does not answer."),
  fetch: () => new TypeError("fetch failed"),
  aws: () =>
    Object.assign(new Error("no"), { name: "ServerException", $fault: "server", $metadata: { httpStatusCode: 500 } }),
};
