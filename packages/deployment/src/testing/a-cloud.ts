import { CloudFormationClient } from "@aws-sdk/client-cloudformation";
import { S3Client } from "@aws-sdk/client-s3";
import { type AwsSim, createAwsSim, createSimPlugin, type SimCredentials } from "@stackyard/aws-sim";
import type { Clock } from "@stackyard/core";
import type { AppsAws } from "../apps-command.ts";

/** An account with a versioned bucket, and clients for it. */
export interface ACloud {
  readonly sim: AwsSim;
  readonly aws: AppsAws;
  readonly clock: Clock;
  /** Clients of another user, who may do only this. */
  as(allow: readonly string[]): AppsAws;
}

export const ACCOUNT = "111122223333";
export const BUCKET = "releases";
const REGION = "eu-west-1";

/** Creates a clock that sleeps without waiting and advances. */
function createJumpingClock(): Clock {
  let at = Date.UTC(2026, 0, 1);
  return {
    now: () => at,
    sleep: async (ms, signal) => {
      if (!signal?.aborted) at += ms;
    },
  };
}

/** Creates an empty account. */
export function createCloud({ versioned = true }: { readonly versioned?: boolean } = {}): ACloud {
  const clock = createJumpingClock();
  const sim = createAwsSim({ clock });
  const plugin = createSimPlugin(sim);
  sim.s3.createBucket({ name: BUCKET, account: ACCOUNT, region: REGION, versioned });
  const connect = (credentials: SimCredentials): AppsAws => {
    const config = { region: REGION, credentials, maxAttempts: 1 };
    const s3 = new S3Client(config);
    const cloudFormation = new CloudFormationClient(config);
    for (const client of [s3, cloudFormation]) client.middlewareStack.use(plugin as never);
    return { s3, cloudFormation, clock };
  };
  return {
    sim,
    clock,
    aws: connect(sim.iam.addUser({ account: ACCOUNT, name: "operator" })),
    as: (allow) => connect(sim.iam.addUser({ account: ACCOUNT, name: "weak", allow })),
  };
}
