import { shortHashOf } from "../../machine/short-hash.ts";
import type { ReleaseEvent } from "./yard-service.ts";

/** The task that uses the service. */
export interface ReleaseTask {
  readonly stackId: string;
  readonly incarnation: string;
  readonly task: string;
}

/** Returns the id of an event of a release: the same for the same try, and no sender can take it. */
export function toEventId(
  { stackId, incarnation, task }: ReleaseTask,
  event: Pick<ReleaseEvent, "stackId" | "try">,
): string {
  return `stack:${shortHashOf(JSON.stringify([stackId, incarnation, task, event.stackId, event.try]))}`;
}
