import type { NamedResource, Place } from "../sim-call.ts";

/** Alarms of CloudWatch, as Auto Scaling works with them. */
export interface PolicyAlarms {
  /** Returns the alarms that have this ARN among their actions. */
  alarmsOf(policy: Place & { readonly actionArn: string }): readonly NamedAlarm[];
  /** Makes an alarm of a target tracking policy, which belongs to Auto Scaling. */
  putTrackingAlarm(alarm: NamedResource & { readonly actionArn: string }): void;
  deleteTrackingAlarm(alarm: NamedResource): void;
}

/** An alarm, as a policy names it. */
interface NamedAlarm {
  readonly name: string;
  readonly arn: string;
}
