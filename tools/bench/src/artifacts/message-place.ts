import type { ConsumerConfig } from "@stackyard/consumer";
import { SYNTHETIC_BUCKET } from "./synthetic-s3.ts";

/** Whence messages come. */
export const DISTRIBUTOR = { account: "111122223333", region: "eu-west-1", bucket: SYNTHETIC_BUCKET } as const;
/** Where they go. */
export const CONSUMER = { account: "444455556666", region: "eu-central-1", bucket: "artifacts" } as const;

/** What the consumer knows of itself and of its distributor. */
export const CONFIG: ConsumerConfig = {
  account: CONSUMER.account,
  region: CONSUMER.region,
  topicArn: "arn:aws:sns:eu-west-1:111122223333:artifacts",
  sourceBucket: DISTRIBUTOR.bucket,
  sourceRegion: DISTRIBUTOR.region,
  sourceAccount: DISTRIBUTOR.account,
};
