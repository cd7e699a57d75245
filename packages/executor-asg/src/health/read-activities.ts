import { explainActivity } from "./explain-activity.ts";

/** A scaling activity as Auto Scaling lists it. */
export interface ScalingActivity {
  readonly Description?: string | undefined;
  readonly Cause?: string | undefined;
  readonly StatusCode?: string | undefined;
  readonly StatusMessage?: string | undefined;
}

/** What the activities of a group tell. */
export interface ToldByActivities {
  /** Ids of instances that were ended, or are about to be, oldest first. */
  readonly terminated: readonly string[];
  /** Why instances did not come, or went; each once, the latest first, at most ten. */
  readonly causes: readonly string[];
}

const CAUSES_KEPT = 10;

/** API reference, "Activity": StatusCode. A launch that was cancelled has not given an instance either. */
const UNSUCCESSFUL: readonly string[] = ["Failed", "Cancelled"];

/** Reads the activities of a group, newest first as Auto Scaling lists them. */
export function readActivities(activities: readonly ScalingActivity[]): ToldByActivities {
  const terminated = activities.flatMap((activity) => findTerminated(activity) ?? []).reverse();
  const causes = activities.flatMap((activity) => findCause(activity) ?? []);
  return { terminated: [...new Set(terminated)], causes: [...new Set(causes)].slice(0, CAUSES_KEPT) };
}

function findTerminated({ Description = "" }: ScalingActivity): string | undefined {
  return /^Terminating EC2 instance: (i-[0-9a-z]+)/.exec(Description)?.[1];
}

function findCause(activity: ScalingActivity): string | undefined {
  const { StatusCode = "", StatusMessage, Cause = "" } = activity;
  const id = findTerminated(activity);
  if (id !== undefined) return `${id} ended: ${explainActivity(Cause)}`;
  if (!UNSUCCESSFUL.includes(StatusCode)) return undefined;
  return `launch failed: ${explainActivity(StatusMessage ?? Cause)}`;
}
