import type { AlarmPlace } from "../auto-scaling/policies.ts";

/** An alarm as it is kept. */
export interface SimAlarm extends AlarmPlace {
  readonly name: string;
  readonly arn: string;
  /** What PutMetricAlarm was asked last. */
  readonly request: Readonly<Record<string, unknown>>;
  readonly configuredAt: number;
  readonly state: AlarmState;
}

/** How it stands and since when. */
export interface AlarmState {
  readonly value: AlarmValue;
  readonly reason: string;
  readonly at: number;
}

/** API reference, "MetricAlarm", StateValue. */
export type AlarmValue = "OK" | "ALARM" | "INSUFFICIENT_DATA";

/** The ARN of an alarm (Service authorization reference, "Amazon CloudWatch"). */
export function toAlarmArn({ account, region }: AlarmPlace, name: string): string {
  return `arn:aws:cloudwatch:${region}:${account}:alarm:${name}`;
}

/** An alarm as DescribeAlarms answers it: what was asked, and how it stands. */
export function toMetricAlarm({ arn, request, configuredAt, state }: SimAlarm): object {
  const { Tags: _tags, ...configuration } = request;
  return {
    ActionsEnabled: true,
    OKActions: [],
    AlarmActions: [],
    InsufficientDataActions: [],
    Dimensions: [],
    ...configuration,
    AlarmArn: arn,
    AlarmConfigurationUpdatedTimestamp: new Date(configuredAt),
    StateValue: state.value,
    StateReason: state.reason,
    StateUpdatedTimestamp: new Date(state.at),
    StateTransitionedTimestamp: new Date(state.at),
  };
}
