import { CloudWatchClient, DeleteAlarmsCommand, DescribeAlarmsCommand } from "@aws-sdk/client-cloudwatch";
import { chunk } from "../chunk.ts";
import type { ReleaseDeps } from "../release-deps.ts";
import { isGone } from "./is-gone.ts";

/** API reference, "DeleteAlarms" and "DescribeAlarms", AlarmNames: at most 100. */
const MAX_NAMES = 100;

/** Deletes alarms by name; without names there is no call. Those that are gone already do not matter. */
export async function deleteAlarms(
  deps: Pick<ReleaseDeps, "target" | "signal">,
  names: readonly string[],
): Promise<void> {
  for (const part of chunk([...new Set(names)].toSorted(), MAX_NAMES)) await deletePart(deps, part);
}

/** One unknown name makes CloudWatch refuse the whole call, so that those which are there are asked for then. */
async function deletePart({ target, signal }: Pick<ReleaseDeps, "target" | "signal">, names: string[]): Promise<void> {
  const client = target.client(CloudWatchClient);
  const remove = (AlarmNames: string[]) =>
    client.send(new DeleteAlarmsCommand({ AlarmNames }), { abortSignal: signal });
  try {
    await remove(names);
  } catch (error) {
    if (!isGone(error)) throw error;
    const there = await findAlarms({ target, signal }, names);
    if (there.length > 0) await remove(there);
  }
}

/** Those of the names that CloudWatch has. At most 100 names. */
async function findAlarms(
  { target, signal }: Pick<ReleaseDeps, "target" | "signal">,
  names: readonly string[],
): Promise<string[]> {
  const input = { AlarmNames: [...names], MaxRecords: MAX_NAMES };
  const { MetricAlarms = [] } = await target
    .client(CloudWatchClient)
    .send(new DescribeAlarmsCommand(input), { abortSignal: signal });
  return MetricAlarms.flatMap(({ AlarmName }) => AlarmName ?? []);
}
