import { queryFaults } from "../query-faults.ts";
import { type SimCall, textOf } from "../sim-call.ts";
import { openTargetGroup, type TargetGroups } from "./target-groups.ts";

/** "TargetGroupAttribute": the range of 0 to 3600 seconds, and 30 to 900 with 0 for none. */
const RANGES: Readonly<Record<string, (seconds: number) => boolean>> = {
  "deregistration_delay.timeout_seconds": (seconds) => seconds >= 0 && seconds <= 3_600,
  "slow_start.duration_seconds": (seconds) => seconds === 0 || (seconds >= 30 && seconds <= 900),
};

/** DescribeTargetGroupAttributes. */
export function describeTargetGroupAttributes(groups: TargetGroups, call: SimCall): unknown {
  return toAttributes(openTargetGroup(groups, textOf(call.input, "TargetGroupArn"), call).attributes);
}

/** ModifyTargetGroupAttributes: all of the request or nothing. */
export function modifyTargetGroupAttributes(groups: TargetGroups, call: SimCall): unknown {
  const group = openTargetGroup(groups, textOf(call.input, "TargetGroupArn"), call);
  const changes = Array.isArray(call.input["Attributes"]) ? call.input["Attributes"] : [];
  for (const { Key, Value } of changes) check(group.attributes, String(Key), String(Value));
  const changed = changes.map(({ Key, Value }) => [String(Key), String(Value)]);
  group.attributes = { ...group.attributes, ...Object.fromEntries(changed) };
  return toAttributes(group.attributes);
}

function check(known: Readonly<Record<string, string>>, key: string, value: string): void {
  if (known[key] === undefined) throw queryFaults.invalid(`Target group attribute key '${key}' is not recognized`);
  const fits = RANGES[key];
  if (fits === undefined) return;
  if (!/^\d+$/.test(value) || !fits(Number(value))) {
    throw queryFaults.invalid(`'${key}' value '${value}' is not valid`);
  }
}

function toAttributes(attributes: Readonly<Record<string, string>>): object {
  return { Attributes: Object.entries(attributes).map(([Key, Value]) => ({ Key, Value })) };
}
