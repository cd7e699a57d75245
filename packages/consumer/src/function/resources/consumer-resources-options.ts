import type { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import type { S3Client } from "@aws-sdk/client-s3";
import type { SFNClient } from "@aws-sdk/client-sfn";
import type { Clock, Logger } from "@stackyard/core";
import type { Capabilities } from "../consumer-events.ts";

/** What the custom resources are made of. A type of resource whose part is absent is answered as failed. */
export interface ConsumerResourcesOptions {
  /** The consumer's own. */
  readonly account: string;
  readonly region: string;
  /** Sends the answer; the global `fetch` fits. */
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  /** Default: none. */
  readonly logger?: Logger;
  /** Address of an emulator of AWS, whose host may take answers too. Default: none. */
  readonly emulator?: string;
  /** `Custom::InitialSetTrigger`. What it throws, such as `CONFIG_INVALID`, is told to CloudFormation. */
  readonly initialSet?: () => InitialSetOptions;
  /** `Custom::AdoptedBucket`. */
  readonly bucket?: () => { readonly s3: S3Client };
}

/** What is started at the distributor. */
export interface InitialSetOptions {
  readonly machineArn: string;
  /** In the machine's region, with a session of the role that may start it. */
  readonly states: SFNClient;
  /** The consumer's. */
  readonly bucket: string;
  readonly capabilities: Capabilities;
  /** Where the consumer is registered; `client` is in the region of the bus. Default: nowhere. */
  readonly receipts?: { readonly client: EventBridgeClient; readonly bus: string };
}
