import { keepStart } from "@stackyard/core";

/** A scaling activity as listed by Auto Scaling. */
export interface ScalingActivity {
  readonly Description?: string | undefined;
  readonly Cause?: string | undefined;
  readonly StatusCode?: string | undefined;
  readonly StatusMessage?: string | undefined;
}

/** Terminations and failures read from a group's activities. */
interface ToldByActivities {
  /** Ids of instances that were or will be terminated, oldest first. */
  readonly terminated: readonly string[];
  /** Reasons for failed launches and terminations; each once, the latest first, at most ten. */
  readonly causes: readonly string[];
}

const CAUSES_KEPT = 10;

/** API reference, "Activity": StatusCode. A cancelled launch created no instance either. */
const UNSUCCESSFUL: readonly string[] = ["Failed", "Cancelled"];

/** Reads the activities of a group, newest first as listed by Auto Scaling. */
export function readActivities(activities: readonly ScalingActivity[]): ToldByActivities {
  const terminated = activities.flatMap((activity) => findTerminated(activity) ?? []).reverse();
  const causes = activities.flatMap((activity) => findCause(activity) ?? []);
  return { terminated: [...new Set(terminated)], causes: [...new Set(causes)].slice(0, CAUSES_KEPT) };
}

function findTerminated({ Description = "" }: ScalingActivity): string | undefined {
  return /^Terminating EC2 instance: (i-[0-9a-z]+)/.exec(Description)?.[1];
}

function findCause(activity: ScalingActivity): string | undefined {
  const { StatusCode = "", StatusMessage, Cause = "" } = activity;
  const id = findTerminated(activity);
  if (id !== undefined) return `${id} terminated: ${explainActivity(Cause)}`;
  if (!UNSUCCESSFUL.includes(StatusCode)) return undefined;
  return `launch failed: ${explainActivity(StatusMessage ?? Cause)}`;
}

/**
 * Meanings of Auto Scaling's messages; the first match counts. Source: Amazon EC2 Auto Scaling user guide,
 * "Troubleshoot issues": pages on launch failures, AMI issues and load balancers; EC2 API reference, "Error codes for
 * the Amazon EC2 API".
 */
const MEANINGS: readonly (readonly [pattern: RegExp, meaning: string])[] = [
  [/no Spot capacity|UnfulfillableCapacity|Spot.*InsufficientInstanceCapacity/is, "no Spot capacity"],
  [/Spot (request )?(bid )?price|price.*lower than the minimum|SpotMaxPriceTooLow/is, "the Spot price is too low"],
  [
    /Max spot instance count exceeded|MaxSpotInstanceCountExceeded/i,
    "the account's quota of Spot Instances is used up",
  ],
  [/vCPU (capacity|limit)|VcpuLimitExceeded/i, "the account's quota of vCPUs is used up"],
  [/quota allows for|InstanceLimitExceeded|running instances? limit/i, "the account's quota of instances is used up"],
  [/VolumeLimitExceeded|maximum number of .*volumes?|storage limit/i, "the account's quota of volumes is used up"],
  [
    /sufficient .*capacity|InsufficientInstanceCapacity|insufficient capacity/is,
    "no capacity for the instance type in this zone",
  ],
  [/free addresses|InsufficientFreeAddressesInSubnet/i, "no free address in the subnet"],
  [
    /image id .*does not exist|InvalidAMIID|AMI .*(not found|does not exist|is (pending|disabled|invalid))|image .*(not found|not available)/is,
    "AMI not found",
  ],
  [/architecture/i, "the AMI does not fit the instance type"],
  [/iam ?instance ?profile/i, "IAM profile invalid"],
  [/security group .*(does not exist|not found)|InvalidGroup\.NotFound/is, "security group not found"],
  [/subnet .*(does not exist|not found)|InvalidSubnet/is, "subnet not found"],
  [/key pair .*(does not exist|not found)/is, "key pair not found"],
  [/placement group/i, "placement group not usable"],
  [/launch template/i, "launch template not usable"],
  [
    /instance type .*not supported|not supported in your requested Availability Zone|InvalidInstanceType|Unsupported/is,
    "the instance type is not offered there",
  ],
  [/configuration is currently not supported/i, "the configuration is not supported for the instance type"],
  [/InvalidKMSKey|KMS|Client error on launch/i, "the KMS key of a volume is not usable"],
  [/snapshot .*(does not exist|not found)|block ?device|VolumeType|invalid device/is, "a volume is invalid"],
  [/Lifecycle Action.*abandon|Heartbeat Timeout/is, "a launch hook was abandoned"],
  [/not authorized|UnauthorizedOperation|AccessDenied|service-linked role/i, "not allowed to launch"],
  [/ELB system health check|load balancer .*health check/i, "a load balancer found it unhealthy"],
  [
    /EC2 (instance status |health )check|health check indicating it has been terminated or stopped|status checks?/i,
    "its EC2 status checks failed",
  ],
  [/Spot interruption|rebalance recommendation|capacity rebalanc/i, "interrupted by Spot"],
  [/shrinking the capacity/i, "the group was scaled in"],
  [/user (request|health-check)/i, "requested by a user"],
];

/** Returns a short explanation of a scaling activity's message, or its first sentence if it is unknown. */
export function explainActivity(message: string): string {
  const known = MEANINGS.find(([pattern]) => pattern.test(message));
  if (known !== undefined) return known[1];
  const [sentence = ""] = message.trim().split(/(?<=\.)\s/);
  return keepStart(sentence, 200) || "Auto Scaling gave no reason";
}
