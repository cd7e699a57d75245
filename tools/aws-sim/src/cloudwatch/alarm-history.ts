import { defined } from "@stackyard/core";
import { findNumber, findText, placeOf, type SimCall, textOf } from "../sim-call.ts";
import { cutPage } from "../sim-fault.ts";
import { type AlarmChange, type Alarms, type AlarmValue, cloudWatchFaults as faults } from "./alarms.ts";

/** "DescribeAlarmHistory", MaxRecords: 1 to 100. */
const MAX_PAGE = 100;
const VALUES: readonly AlarmValue[] = ["OK", "ALARM", "INSUFFICIENT_DATA"];

/** Implements SetAlarmState: the state of an alarm until its metric changes it. */
export function setAlarmState(alarms: Alarms, call: SimCall): unknown {
  const { input, now } = call;
  const name = textOf(input, "AlarmName");
  const value = VALUES.find((each) => each === textOf(input, "StateValue"));
  if (value === undefined) {
    throw faults.constraint("stateValue", `Member must satisfy enum value set: [${VALUES.join(", ")}]`);
  }
  const state = { value, reason: textOf(input, "StateReason"), at: now };
  if (!alarms.setState({ ...placeOf(call), name }, state)) throw faults.notFound(name);
  return {};
}

/**
 * Implements DescribeAlarmHistory for changes of state: of one alarm or all, between two instants, newest first unless
 * asked otherwise. Other items, such as changes of the configuration, are not kept.
 */
export function describeHistory(alarms: Alarms, call: SimCall): unknown {
  const { input } = call;
  const name = findText(input, "AlarmName");
  const [from, to] = [toMs(input["StartDate"]), toMs(input["EndDate"])];
  const found = alarms.listChanges(placeOf(call)).filter((change) => {
    const { at } = change.to;
    return (name === undefined || change.name === name) && at >= (from ?? 0) && at <= (to ?? Number.POSITIVE_INFINITY);
  });
  const isOther = (findText(input, "HistoryItemType") ?? "StateUpdate") !== "StateUpdate";
  const items = isOther ? [] : findText(input, "ScanBy") === "TimestampAscending" ? found : found.toReversed();
  const size = findNumber(input, "MaxRecords") ?? MAX_PAGE;
  if (size < 1 || size > MAX_PAGE) {
    throw faults.constraint("maxRecords", `Member must have value between 1 and ${MAX_PAGE}`);
  }
  const { rows, next } = cutPage(items, { size, token: findText(input, "NextToken") }, faults.badToken);
  return { AlarmHistoryItems: rows.map(toItem), ...defined({ NextToken: next }) };
}

/** User guide, "Alarm events": the data of a change has the old and the new state. */
function toItem({ name, from, to }: AlarmChange): object {
  const toState = ({ value, reason }: AlarmChange["to"]) => ({ stateValue: value, stateReason: reason });
  return {
    AlarmName: name,
    AlarmType: "MetricAlarm",
    Timestamp: new Date(to.at),
    HistoryItemType: "StateUpdate",
    HistorySummary: `Alarm updated from ${from.value} to ${to.value}`,
    HistoryData: JSON.stringify({ version: "1.0", oldState: toState(from), newState: toState(to) }),
  };
}

function toMs(instant: unknown): number | undefined {
  if (instant instanceof Date) return instant.getTime();
  if (typeof instant === "number") return instant * 1_000;
  return typeof instant === "string" ? Date.parse(instant) : undefined;
}
