import type { AlarmHistoryItem } from "@aws-sdk/client-cloudwatch";
import { chunk, type ExecutorContext, isMap, parseJson } from "@stackyard/core";

/** A CloudWatch alarm as it is now. */
export interface AlarmState {
  /** `MISSING`: the alarm does not exist. */
  readonly value: "OK" | "ALARM" | "INSUFFICIENT_DATA" | "MISSING";
  /** When it changed to that, epoch milliseconds; undefined: unknown. */
  readonly changedAt?: number;
}

type AwsContext = Pick<ExecutorContext, "aws" | "signal">;

/** API reference, "DescribeAlarms", AlarmNames: at most 100 items. */
const MOST_NAMES = 100;
// Without types, both calls return metric alarms only.
const TYPES = { AlarmTypes: ["MetricAlarm" as const, "CompositeAlarm" as const] };

/** Returns alarms of the task's target, by the names or ARNs of the request. Throws the errors of AWS. */
export async function loadAlarms(
  { aws, signal }: AwsContext,
  alarms: readonly string[],
): Promise<ReadonlyMap<string, AlarmState>> {
  const { CloudWatchClient, paginateDescribeAlarms } = await import("@aws-sdk/client-cloudwatch");
  const client = aws(CloudWatchClient);
  const found = new Map<string, AlarmState>();
  for (const part of chunk(alarms.map(toName), MOST_NAMES)) {
    const input = { AlarmNames: [...part], ...TYPES };
    for await (const page of paginateDescribeAlarms({ client, pageSize: MOST_NAMES }, input, { abortSignal: signal })) {
      for (const each of [...(page.MetricAlarms ?? []), ...(page.CompositeAlarms ?? [])]) {
        if (each.AlarmName !== undefined) found.set(each.AlarmName, toState(each));
      }
    }
  }
  return new Map(alarms.map((alarm) => [alarm, found.get(toName(alarm)) ?? { value: "MISSING" }]));
}

/** Returns when an alarm changed to ALARM first at or after an instant, by its history. Throws the errors of AWS. */
export async function findAlarmSince(
  { aws, signal }: AwsContext,
  alarm: string,
  since: number,
): Promise<number | undefined> {
  const { CloudWatchClient, paginateDescribeAlarmHistory } = await import("@aws-sdk/client-cloudwatch");
  const client = aws(CloudWatchClient);
  const input = {
    AlarmName: toName(alarm),
    HistoryItemType: "StateUpdate" as const,
    StartDate: new Date(since),
    ScanBy: "TimestampAscending" as const,
    ...TYPES,
  };
  const pages = paginateDescribeAlarmHistory({ client, pageSize: MOST_NAMES }, input, { abortSignal: signal });
  for await (const { AlarmHistoryItems = [] } of pages) {
    for (const item of AlarmHistoryItems) {
      const at = item.Timestamp?.getTime();
      if (at !== undefined && at >= since && isAlarm(item)) return at;
    }
  }
  return undefined;
}

/** The user guide, "Alarm events": the data of a state change has `newState.stateValue`; the summary is for people. */
function isAlarm({ HistoryData = "", HistorySummary = "" }: AlarmHistoryItem): boolean {
  const data = parseJson(HistoryData);
  const state = isMap(data) ? data["newState"] : undefined;
  const value = isMap(state) ? state["stateValue"] : undefined;
  return typeof value === "string" ? value === "ALARM" : / to ALARM\b/.test(HistorySummary);
}

function toState({
  StateValue,
  StateTransitionedTimestamp,
}: {
  readonly StateValue?: string | undefined;
  readonly StateTransitionedTimestamp?: Date | undefined;
}): AlarmState {
  const value = StateValue === "OK" || StateValue === "ALARM" ? StateValue : "INSUFFICIENT_DATA";
  const changedAt = StateTransitionedTimestamp?.getTime();
  return { value, ...(changedAt === undefined ? {} : { changedAt }) };
}

function toName(alarm: string): string {
  return /^arn:[^:]+:cloudwatch:[^:]*:[^:]*:alarm:(.+)$/.exec(alarm)?.[1] ?? alarm;
}
