import { ReleaseError } from "../release-error.ts";
import { isReleaseWorkName, type ReleaseWorkName } from "../run-state.ts";

/** What a state of the state machine asks for. */
export interface ReleaseCall {
  readonly task: "Validate" | ReleaseWorkName;
  readonly input: unknown;
}

/** Of a release, not of the call. */
const MAY_BE_INPUT = 2;

/**
 * Reads a call: `{ Task, Input }`, or the predecessor's `{ Task, …release }`. Throws `TASK_UNKNOWN`, and `RELEASE_UNREADABLE` for what is
 * no object.
 */
export function parseReleaseCall(event: unknown): ReleaseCall {
  if (typeof event !== "object" || event === null || Array.isArray(event)) {
    throw new ReleaseError("RELEASE_UNREADABLE", "The deployer is called with an object that has a Task.");
  }
  const { Task: task, ...rest }: Readonly<Record<string, unknown>> = { ...event };
  const keys = Object.keys(rest);
  const input = keys.length < MAY_BE_INPUT && "Input" in rest ? rest["Input"] : rest;
  if (task === "Validate" || isReleaseWorkName(task)) return { task, input };
  throw new ReleaseError("TASK_UNKNOWN", `There is no task ${JSON.stringify(task) ?? "without a name"}.`);
}
