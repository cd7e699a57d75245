import type { HistoryEntry, Stackyard } from "@stackyard/sdk";
import type { ReviewApp } from "./review-app-events.ts";
import type { Timeline } from "./timeline.ts";

/** The number of unplanned failures after which the demo gives up. */
const MAX_FAILURES = 20;

/**
 * Retries permanent failures that are not part of the story, such as a Terraform that a user kills again and
 * again; the machine's own retries need no operator. The first failure of the database is planned.
 */
export function createOperator(
  yard: Stackyard<ReviewApp>,
  { timeline, giveUp }: { readonly timeline: Timeline; giveUp(reason: string): void },
): (entry: HistoryEntry) => Promise<void> {
  let planned = true;
  let failures = 0;
  return async ({ event, stackId, task, description }) => {
    if (event !== "TASK_ERROR") return;
    if (planned && task === "database") {
      planned = false;
      return;
    }
    failures += 1;
    if (failures > MAX_FAILURES) return giveUp(`The task ${task} of ${stackId} fails again and again: ${description}`);
    const { metadata, state, tasks } = await yard.stacks.get(stackId);
    const { sha } = metadata;
    if (state === "BROKEN" && sha !== undefined) {
      timeline.warn(`that was not planned; ${stackId} is rolled out again`);
      await yard.publish({ stackId, event: "PUSHED", metadata: { sha } });
    } else if (tasks.some(({ status }) => status === "ERROR")) {
      timeline.warn(`that was not planned; ${task} of ${stackId} is retried`);
      await yard.stacks.retry(stackId, { reason: "not planned" });
    }
  };
}
