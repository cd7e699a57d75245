/** Alarms of CloudWatch, as Auto Scaling works with them. */
export interface PolicyAlarms {
  /** Returns the alarms that have this ARN among their actions. */
  alarmsOf(policy: AlarmPlace & { readonly actionArn: string }): readonly NamedAlarm[];
  /** Makes an alarm of a target tracking policy, which belongs to Auto Scaling. */
  putTrackingAlarm(alarm: AlarmPlace & { readonly name: string; readonly actionArn: string }): void;
  deleteTrackingAlarm(alarm: AlarmPlace & { readonly name: string }): void;
}

/** Whose alarms. */
export interface AlarmPlace {
  readonly account: string;
  readonly region: string;
}

/** An alarm, as a policy names it. */
interface NamedAlarm {
  readonly name: string;
  readonly arn: string;
}
