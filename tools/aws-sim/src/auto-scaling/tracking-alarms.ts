import { randomUUID } from "node:crypto";
import type { AutoScalingDeps } from "./auto-scaling-state.ts";
import type { SimGroup, SimPolicy } from "./sim-group.ts";

type Alarms = Pick<AutoScalingDeps, "alarms">;

/** User guide, "Target tracking scaling policies": Auto Scaling makes and deletes a high and a low alarm. Gives their names. */
export function addAlarms({ alarms }: Alarms, group: SimGroup, { arn }: SimPolicy): readonly string[] {
  const { account, region } = group;
  return ["AlarmHigh", "AlarmLow"].map((side) => {
    const name = `TargetTracking-${group.name}-${side}-${randomUUID()}`;
    alarms.putTrackingAlarm({ account, region, name, actionArn: arn });
    return name;
  });
}

/** Deletes those that Auto Scaling made. */
export function removeAlarms({ alarms }: Alarms, { account, region }: SimGroup, { ownAlarms }: SimPolicy): void {
  for (const name of ownAlarms) alarms.deleteTrackingAlarm({ account, region, name });
}
