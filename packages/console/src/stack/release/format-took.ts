import type { DeployStack } from "@stackyard/sdk";
import { formatDuration } from "../../text/durations.ts";

/** Formats how long a stack of a release took to arrive, such as `took 4m 12s`; undefined for one that has not been sent an event or has not arrived. */
export function formatTook({
  state,
  since,
  sentAt,
}: Pick<DeployStack, "state" | "since" | "sentAt">): string | undefined {
  if (state !== "done" || sentAt === undefined) return undefined;
  return `took ${formatDuration(Date.parse(since) - Date.parse(sentAt))}`;
}
