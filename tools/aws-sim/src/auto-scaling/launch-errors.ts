/** What a launch was about. */
interface Attempt {
  readonly instanceType: string;
  readonly availabilityZone: string;
  readonly imageId: string;
}

/**
 * Messages of activities whose launch failed, by a name for scripts. Source: Auto Scaling user guide, "Troubleshoot Amazon EC2
 * Auto Scaling", its pages on launch failures and on AMI issues.
 */
export const LAUNCH_ERRORS: Readonly<Record<string, (attempt: Attempt) => string>> = {
  InsufficientInstanceCapacity: ({ instanceType, availabilityZone }) =>
    `We currently do not have sufficient ${instanceType} capacity in the Availability Zone you requested (${availabilityZone}). Our system will be working on provisioning additional capacity. You can currently get ${instanceType} capacity by not specifying an Availability Zone in your request.`,
  SpotCapacity: () =>
    "Could not launch Spot Instances. InsufficientInstanceCapacity - There is no Spot capacity available that matches your request.",
  VcpuLimitExceeded: () =>
    "You have requested more vCPU capacity than your current vCPU limit of 32 allows for the instance bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.",
  InvalidImage: ({ imageId }) => `The image id '[${imageId}]' does not exist.`,
  InvalidInstanceProfile: () => "Invalid IAM Instance Profile name.",
  SecurityGroup: () => "The security group 'default' does not exist.",
  KmsKey: () =>
    "Instance became unhealthy while waiting for instance to be in InService state. Termination Reason: Client.InternalError: Client error on launch.",
};

/** The message of an activity. What is no name is the message itself. */
export function toLaunchError(name: string, attempt: Attempt): string {
  const known = LAUNCH_ERRORS[name];
  return known === undefined ? name : `${known(attempt)} Launching EC2 instance failed.`;
}
