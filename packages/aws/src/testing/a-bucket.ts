import { S3Client } from "@aws-sdk/client-s3";
import { createAwsSim, createSimPlugin } from "@stackyard/aws-sim";
import { createFakeClock } from "@stackyard/core/testing";

const ACCOUNT = "111122223333";

/** What differs from one client for all of S3 that tries once. */
export interface BucketOptions {
  /** IAM actions of the client. Default: all. */
  readonly allow?: readonly string[];
  readonly maxAttempts?: number;
}

/** Creates an empty bucket of the simulation and a client for it. */
export function createBucket({ allow = ["*"], maxAttempts = 1 }: BucketOptions = {}) {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  const credentials = sim.iam.addUser({ account: ACCOUNT, name: "app", allow });
  sim.s3.createBucket({ name: "yard", account: ACCOUNT, region: "eu-west-1" });
  const client = new S3Client({ region: "eu-west-1", credentials, maxAttempts });
  client.middlewareStack.use(createSimPlugin(sim));
  return { sim, clock, client, bucket: "yard" };
}
