import { defined } from "@stackyard/core";
import type { UnsavedRun } from "@stackyard/core/api";
import { formatUnsavedRun, type UnsavedRun as StoredRun, toUnsavedId } from "@stackyard/core/services";
import { toInstant } from "../schemas/event.ts";

/** Converts an unsaved run for the API, without the token of its lease. */
export function toUnsavedRun(run: StoredRun): UnsavedRun {
  const { state, stack, machine, attempt, action, host, at, place, left, pushed } = run;
  return defined({
    id: toUnsavedId(run),
    state,
    stackId: stack,
    machine,
    attemptId: attempt,
    action,
    host,
    at: toInstant(at),
    place,
    left:
      left &&
      defined({
        file: left.file,
        isKept: left.content !== undefined,
        count: left.count,
        resources: left.resources,
      }),
    pushed: pushed && { ...pushed, at: toInstant(pushed.at) },
    description: formatUnsavedRun(run),
  });
}
