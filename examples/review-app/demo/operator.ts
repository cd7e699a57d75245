import type { HistoryEntry, Stackyard } from "@stackyard/sdk";
import type { ReviewApp } from "./review-app-events.ts";
import type { Timeline } from "./timeline.ts";

/** So many failures without a plan, and the demo gives up. */
const MAX_RETRIES = 8;

/**
 * Retries what fails without being part of the story, such as a Terraform that somebody has killed by hand. The first
 * failure of the database is planned.
 */
export function createOperator(
  yard: Stackyard<ReviewApp>,
  { timeline, giveUp }: { readonly timeline: Timeline; giveUp(reason: string): void },
): (entry: HistoryEntry) => Promise<void> {
  let planned = true;
  let retries = 0;
  return async ({ event, stackId, task, description }) => {
    if (event !== "TASK_ERROR") return;
    if (planned && task === "database") {
      planned = false;
      return;
    }
    retries += 1;
    if (retries > MAX_RETRIES) return giveUp(`The task ${task} of ${stackId} fails again and again: ${description}`);
    timeline.warn(`that was not planned; ${task} of ${stackId} is retried`);
    await yard.stacks.retry(stackId, { reason: "not planned" });
  };
}
