import type { Instance } from "@aws-sdk/client-ec2";
import { toAwsError } from "@stackyard/aws";
import { defineRecordKind } from "@stackyard/core/services";
import { Type } from "typebox";
import { toTagFilters } from "../fleet-calls.ts";
import type { Fleet } from "./fleet-deps.ts";

const DAY_MS = 86_400_000;
const At = Type.Object({ at: Type.Integer() });

const fleetStarts = defineRecordKind({
  prefix: "fleet-start/",
  value: At,
  holds: "when the event of an instance that started came",
  kept: "2 days",
  damaged: "missing",
});

const fleetLooks = defineRecordKind({
  prefix: "fleet-look/",
  value: At,
  holds: "up to when the starts of a fleet were compared with EC2",
  kept: "as long as the yard",
  damaged: "missing",
  tries: Number.POSITIVE_INFINITY,
});

const EVERY_MS = 60 * 60_000;
/** The event of an instance that started later may be on its way. */
const EVENT_MS = 15 * 60_000;

/** Notes that the event of an instance has come. */
export async function noteStart(fleet: Fleet, instanceId: string): Promise<void> {
  const at = fleet.clock.now();
  await fleetStarts.change(fleet, instanceId, () => ({ write: { value: { at }, expiresAt: at + 2 * DAY_MS } }));
}

/**
 * Once an hour, compares the instances of the fleet that have started with the events that have come, and says which are without:
 * a rule that is disabled, or that others have changed, is silent. They are not configured now, because they may be at work.
 */
export async function tellUnseenStarts(fleet: Fleet, signal: AbortSignal): Promise<void> {
  const { clock, environment, logger, settings, write } = fleet;
  if (settings.watchesStarts === false) return;
  const now = clock.now();
  const last = (await fleetLooks.find(fleet, environment))?.at;
  const to = now - EVENT_MS;
  if (last !== undefined && to - last < EVERY_MS) return;
  // What started before the first look may have started before the fleet's app was there.
  const unseen = last === undefined ? [] : await listUnseen(fleet, { from: last, to, signal });
  if (unseen.length > 0) {
    const why = "Instances have started whose event did not come: are the rules of the fleet enabled?";
    logger.error(why, { code: "EVENT_MISSING", instances: unseen.slice(0, 20), count: unseen.length });
  }
  write?.(toMetric(unseen.length, now));
  await fleetLooks.change(fleet, environment, () => ({ write: { value: { at: last === undefined ? now : to } } }));
}

/** Returns the metric in the embedded metric format of CloudWatch. */
function toMetric(UnseenStarts: number, now: number): string {
  const Metrics = [{ Name: "UnseenStarts", Unit: "Count" }];
  const CloudWatchMetrics = [{ Namespace: "Stackyard/Fleet", Dimensions: [[]], Metrics }];
  return `${JSON.stringify({ _aws: { Timestamp: now, CloudWatchMetrics }, UnseenStarts })}\n`;
}

/** Instants: epoch milliseconds. */
interface Span {
  readonly from: number;
  readonly to: number;
  readonly signal: AbortSignal;
}

async function listUnseen(fleet: Fleet, { from, to, signal }: Span): Promise<readonly string[]> {
  const { EC2Client, paginateDescribeInstances } = await import("@aws-sdk/client-ec2");
  const client = fleet.aws.fleet.client(EC2Client, undefined);
  const input = { Filters: toTagFilters({ ...fleet.boot, states: ["running"] }) };
  const unseen: string[] = [];
  try {
    for await (const { Reservations = [] } of paginateDescribeInstances({ client }, input, { abortSignal: signal })) {
      const instances = Reservations.flatMap(({ Instances = [] }) => Instances);
      for (const instance of instances)
        if (await isUnseen(fleet, instance, { from, to })) unseen.push(String(instance.InstanceId));
    }
  } catch (error) {
    throw toAwsError(error, "The instances of the fleet cannot be listed.", "Allow ec2:DescribeInstances.");
  }
  return unseen;
}

async function isUnseen(
  fleet: Fleet,
  { InstanceId = "", LaunchTime }: Instance,
  { from, to }: Pick<Span, "from" | "to">,
): Promise<boolean> {
  const startedAt = LaunchTime?.getTime() ?? 0;
  if (startedAt < from || startedAt >= to) return false;
  const seen = await fleetStarts.find(fleet, InstanceId);
  return seen === undefined || seen.at < startedAt;
}
