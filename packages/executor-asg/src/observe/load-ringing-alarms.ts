import { CloudWatchClient, paginateDescribeAlarms } from "@aws-sdk/client-cloudwatch";
import { chunk } from "../chunk.ts";
import type { ReleaseDeps } from "../release-deps.ts";
import { ReleaseError } from "../release-error.ts";

/** API reference, "DescribeAlarms", AlarmNames: "maximum number of 100 items". */
const MAX_NAMES = 100;

/**
 * Which of the alarms are in ALARM. One that has too few data does not hold a release up; one that is not there does: an alarm that
 * was removed by mistake must not open the gate. Throws `HEALTH_CHECK_FAILED` then.
 */
export async function loadRingingAlarms(
  deps: Pick<ReleaseDeps, "target" | "signal">,
  names: readonly string[],
): Promise<readonly string[]> {
  const states = new Map<string, string | undefined>();
  for (const part of chunk(names, MAX_NAMES)) await addStates(deps, part, states);
  const missing = names.filter((name) => !states.has(name));
  if (missing.length > 0) {
    const what = missing.map((name) => `"${name}"`).join(", ");
    throw new ReleaseError("HEALTH_CHECK_FAILED", `There is no alarm ${what}. Create it, or take it out of "alarms".`);
  }
  return names.filter((name) => states.get(name) === "ALARM");
}

async function addStates(
  { target, signal }: Pick<ReleaseDeps, "target" | "signal">,
  AlarmNames: string[],
  states: Map<string, string | undefined>,
): Promise<void> {
  const client = target.client(CloudWatchClient);
  // Without the types it answers for metric alarms alone.
  const input = { AlarmNames, AlarmTypes: ["MetricAlarm" as const, "CompositeAlarm" as const] };
  for await (const page of paginateDescribeAlarms({ client, pageSize: MAX_NAMES }, input, { abortSignal: signal })) {
    for (const { AlarmName, StateValue } of [...(page.MetricAlarms ?? []), ...(page.CompositeAlarms ?? [])]) {
      if (AlarmName !== undefined) states.set(AlarmName, StateValue);
    }
  }
}
