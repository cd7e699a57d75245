/**
 * What Auto Scaling's messages mean, first fit counts. Source: Amazon EC2 Auto Scaling user guide, "Troubleshoot
 * issues": its pages on launch failures, AMI issues and load balancers; EC2 API reference, "Error codes for the Amazon
 * EC2 API".
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
  [
    /snapshot .*(does not exist|not found)|block ?device|VolumeType|invalid device/is,
    "a volume is not possible as it is described",
  ],
  [/Lifecycle Action.*abandon|Heartbeat Timeout/is, "a launch hook was abandoned"],
  [/not authorized|UnauthorizedOperation|AccessDenied|service-linked role/i, "not allowed to launch"],
  [/ELB system health check|load balancer .*health check/i, "a load balancer found it unhealthy"],
  [
    /EC2 (instance status |health )check|health check indicating it has been terminated or stopped|status checks?/i,
    "its EC2 status checks failed",
  ],
  [/Spot interruption|rebalance recommendation|capacity rebalanc/i, "Spot took it back"],
  [/shrinking the capacity/i, "the group was scaled in"],
  [/user (request|health-check)/i, "somebody asked for it"],
];

/** Says in few words what a message of a scaling activity means; of one that is not known, its first sentence. */
export function explainActivity(message: string): string {
  const known = MEANINGS.find(([pattern]) => pattern.test(message));
  if (known !== undefined) return known[1];
  const [sentence = ""] = message.trim().split(/(?<=\.)\s/);
  return sentence.slice(0, 200) || "Auto Scaling says nothing of it";
}
