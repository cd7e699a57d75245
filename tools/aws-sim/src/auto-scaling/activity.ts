/** A scaling activity: a launch or the end of one instance. It changes as it goes on. */
export interface SimActivity {
  readonly id: string;
  cause: string;
  readonly startedAt: number;
  readonly details: string;
  description: string;
  status: ActivityStatus;
  message: string | undefined;
  endedAt: number | undefined;
}

/** API reference, "Activity", StatusCode, as far as anything here comes to it. */
export type ActivityStatus =
  | "InProgress"
  | "MidLifecycleAction"
  | "WaitingForELBConnectionDraining"
  | "Successful"
  | "Failed"
  | "Cancelled";

/** Ends an activity. The description then tells the reason too, as AWS writes it. */
export function endActivity(
  activity: SimActivity,
  at: number,
  end: { readonly status: ActivityStatus; readonly message?: string },
): void {
  activity.status = end.status;
  activity.endedAt = at;
  if (end.message === undefined) return;
  activity.message = end.message;
  activity.description += `.  Status Reason: ${end.message}`;
}

/** An instant as causes write it. */
export function toCauseTime(at: number): string {
  return new Date(at).toISOString().replace(/\.\d{3}/, "");
}
