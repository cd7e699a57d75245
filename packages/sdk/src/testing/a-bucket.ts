import { S3Client } from "@aws-sdk/client-s3";
import { type AwsSim, createAwsSim, createSimPlugin } from "@stackyard/aws-sim";
import { createFakeClock, type FakeClock } from "@stackyard/core/testing";
import type { PublishInput } from "../artifacts/publish-artifact.ts";

/** A bucket of the simulation, and a client for it. */
export interface ABucket {
  readonly sim: AwsSim;
  readonly clock: FakeClock;
  readonly client: S3Client;
  readonly bucket: string;
}

const ACCOUNT = "111122223333";

/** Creates an empty bucket with versioning. */
export function createBucket({ allow = ["*"], versioned = true }: BucketOptions = {}): ABucket {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  const credentials = sim.iam.addUser({ account: ACCOUNT, name: "pipeline", allow });
  sim.s3.createBucket({ name: "source", account: ACCOUNT, region: "eu-west-1", versioned });
  const client = new S3Client({ region: "eu-west-1", credentials, maxAttempts: 1 });
  client.middlewareStack.use(createSimPlugin(sim));
  return { sim, clock, client, bucket: "source" };
}

/** What differs from a bucket for all of S3. */
export interface BucketOptions {
  readonly allow?: readonly string[];
  readonly versioned?: boolean;
}

/** Returns the publication of one small file. */
export function aPublication({ client, bucket, clock }: ABucket, over: Partial<PublishInput> = {}): PublishInput {
  return {
    client,
    bucket,
    now: clock.now,
    name: "billing-api",
    version: "1.4.2",
    files: [{ path: "app.zip", body: Buffer.from("app") }],
    ...over,
  };
}

/** Makes a client die: its call number `at` (from 1) fails before or after S3 has served it, and all later ones too. */
export function dieAt(client: S3Client, at: number, when: "before" | "after"): { readonly calls: () => number } {
  let calls = 0;
  client.middlewareStack.add(
    (next) => async (args) => {
      calls += 1;
      if (calls > at || (calls === at && when === "before")) throw new Error("died");
      const output = await next(args);
      if (calls >= at) throw new Error("died");
      return output;
    },
    { step: "initialize", name: "die" },
  );
  return { calls: () => calls };
}

/** Returns `length` bytes that differ from position to position. */
export function someBytes(length: number): Buffer {
  return Buffer.alloc(length, Buffer.from(Array.from({ length: 251 }, (_, index) => index)));
}
