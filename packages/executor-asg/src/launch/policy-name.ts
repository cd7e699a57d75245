import type { ScalingPolicy } from "../document/release.ts";
import type { ReleaseConstants } from "../release-constants.ts";

/** Name of a policy in its group. The seed's was the type alone. */
export function toPolicyName(
  serviceId: string,
  policy: Pick<ScalingPolicy, "type" | "name">,
  { generation }: Pick<ReleaseConstants, "generation">,
): string {
  return generation === "odin" ? toAlarmName(serviceId, policy) : policy.type;
}

/** Name of the alarm that works a policy: unique in the account, since the group's name is. */
export function toAlarmName(serviceId: string, { type, name }: Pick<ScalingPolicy, "type" | "name">): string {
  return [serviceId, type, ...(name === undefined ? [] : [name])].join("-");
}
