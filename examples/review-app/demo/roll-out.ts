import type { HistoryEntry } from "@stackyard/sdk";
import type { TaskReport } from "./control-plane.ts";
import type { Feed } from "./feed.ts";

/** The events of a roll-out. */
export interface RollOutFeeds {
  readonly history: Pick<Feed<Pick<HistoryEntry, "stackId" | "event" | "to">>, "next">;
  readonly reports: Pick<Feed<TaskReport>, "next">;
}

/**
 * Resolves when a commit's roll-out works, as its task reports, or is over: what reported to a process that was killed is
 * not said again when the work turns out to be done. To be called before the push.
 */
export async function waitForRollOut(
  { history, reports }: RollOutFeeds,
  { stackId, sha }: { readonly stackId: string; readonly sha: string },
): Promise<void> {
  const what = `the roll-out of ${sha} to ${stackId} was at work`;
  await Promise.race([
    // Without Terraform, the database's line is used instead.
    reports.next(what, (report) => report.stackId === stackId && isAtWork(report.line, sha)),
    history.next(what, ({ event, to, ...entry }) => {
      return entry.stackId === stackId && event === "TASK_COMPLETED" && to === "LIVE";
    }),
  ]);
}

function isAtWork(line: string, sha: string): boolean {
  return line.includes(`starting ${sha}`) || line.startsWith("making");
}
