import { textsOf } from "../input-lists.ts";
import { parsePageToken, toPageToken } from "../page-token.ts";
import { findNumber, findText, type SimCall } from "../sim-call.ts";
import { namesOf, placeOf } from "./alarm-operations.ts";
import type { Alarms } from "./alarms.ts";
import { cloudWatchFaults as faults } from "./cloudwatch-faults.ts";
import { type SimAlarm, toMetricAlarm } from "./sim-alarm.ts";

/** "DescribeAlarms", MaxRecords: 1 to 100; a page has 50 where it is left out. */
const MAX_PAGE = 100;
const PAGE = 50;

/** DescribeAlarms: metric alarms by names, by a prefix, by state or action. A name that there is not is left out. */
export function describeAlarms(alarms: Alarms, call: SimCall): unknown {
  const { input } = call;
  const names = namesOf(call);
  const prefix = findText(input, "AlarmNamePrefix");
  if (names.length > 0 && prefix !== undefined) {
    throw faults.badCombination("AlarmNamePrefix and AlarmNames are mutually exclusive.");
  }
  const found = alarms.list(placeOf(call)).filter((alarm) => isAsked(alarm, { names, prefix, input }));
  const size = findNumber(input, "MaxRecords") ?? PAGE;
  if (size < 1 || size > MAX_PAGE)
    throw faults.constraint("maxRecords", `Member must have value between 1 and ${MAX_PAGE}`);
  const from = parsePageToken(findText(input, "NextToken"));
  if (from === undefined) throw faults.badToken();
  const isMore = from + size < found.length;
  return {
    MetricAlarms: found.slice(from, from + size).map(toMetricAlarm),
    CompositeAlarms: [],
    ...(isMore ? { NextToken: toPageToken(from + size) } : {}),
  };
}

interface Asked {
  readonly names: readonly string[];
  readonly prefix: string | undefined;
  readonly input: SimCall["input"];
}

function isAsked({ name, state, request }: SimAlarm, { names, prefix, input }: Asked): boolean {
  const types = textsOf(input, "AlarmTypes");
  if (types.length > 0 && !types.includes("MetricAlarm")) return false;
  if (names.length > 0 && !names.includes(name)) return false;
  if (!name.startsWith(prefix ?? "")) return false;
  const value = findText(input, "StateValue");
  if (value !== undefined && value !== state.value) return false;
  const action = findText(input, "ActionPrefix");
  return action === undefined || textsOf(request, "AlarmActions").some((arn) => arn.startsWith(action));
}
