import { EC2Client, type EC2ClientConfig } from "@aws-sdk/client-ec2";
import { SSMClient, type SSMClientConfig } from "@aws-sdk/client-ssm";

/**
 * One call is one try: a repeat by the SDK would send a command twice where only the answer was lost, and it would not keep
 * the run's deadline. `callAws` repeats instead.
 */
const ONE_TRY = { maxAttempts: 1, retryMode: "standard" } as const;

/** Systems Manager, without the SDK's own repeats. */
export class FleetSsmClient extends SSMClient {
  constructor(config: SSMClientConfig) {
    const { retryStrategy: _, ...rest } = config;
    super({ ...rest, ...ONE_TRY });
  }
}

/** EC2, without the SDK's own repeats. */
export class FleetEc2Client extends EC2Client {
  constructor(config: EC2ClientConfig) {
    const { retryStrategy: _, ...rest } = config;
    super({ ...rest, ...ONE_TRY });
  }
}
