import { type SimCall, textOf, textsOf } from "../sim-call.ts";
import { type Alarms, checkAlarm, cloudWatchFaults as faults } from "./alarms.ts";

/** "DeleteAlarms" and "DescribeAlarms", AlarmNames: at most 100 items. */
const MAX_NAMES = 100;
/** "PutMetricAlarm": "the alarm state is immediately set to INSUFFICIENT_DATA". */
const FIRST = { value: "INSUFFICIENT_DATA", reason: "Unchecked: Initial alarm creation" } as const;

/** PutMetricAlarm: overwrites the whole configuration of an alarm that is there. */
export function putMetricAlarm(alarms: Alarms, call: SimCall): unknown {
  const { input, now } = call;
  checkAlarm(input);
  alarms.put(placeOf(call), {
    name: textOf(input, "AlarmName"),
    request: input,
    configuredAt: now,
    state: { ...FIRST, at: now },
  });
  return {};
}

/** DeleteAlarms: "the alarms you specify with correct names are still deleted" when others are not there. */
export function deleteAlarms(alarms: Alarms, call: SimCall): unknown {
  const names = namesOf(call);
  if (names.length === 0) throw faults.constraint("alarmNames", "Member must have length greater than or equal to 1");
  const missing = names.filter((name) => !alarms.remove(placeOf(call), name));
  if (missing.length > 0) throw faults.notFound(missing.join(", "));
  return {};
}

/** The names in a request. */
export function namesOf({ input }: SimCall): readonly string[] {
  const names = textsOf(input, "AlarmNames");
  if (names.length > MAX_NAMES) {
    throw faults.constraint("alarmNames", `Member must have length less than or equal to ${MAX_NAMES}`);
  }
  return names;
}

/** Whose alarms a request is about. */
export function placeOf({ identity, region }: SimCall): { readonly account: string; readonly region: string } {
  return { account: identity.account, region };
}
