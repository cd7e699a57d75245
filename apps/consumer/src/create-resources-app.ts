import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { S3Client } from "@aws-sdk/client-s3";
import { SFNClient } from "@aws-sdk/client-sfn";
import { type AwsAccess, findEmulator } from "@stackyard/aws";
import { createConsumerResources, type InitialSetOptions } from "@stackyard/consumer/function";
import type { Clock, Logger } from "@stackyard/core";
import type { EnvironmentVariables } from "@stackyard/core/environment";
import { parsePlace, parseTriggerSettings, toArnPart } from "./parse-settings.ts";

/** The dependencies of the functions behind the custom resources. */
export interface ResourcesAppOptions {
  readonly environment: EnvironmentVariables;
  /** AWS in a region, with the function's role. */
  readonly access: (region: string) => AwsAccess;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly fetch: typeof globalThis.fetch;
}

/** The invocation context of Lambda. */
export interface ResourceContext {
  getRemainingTimeInMillis?(): number;
}

/** Serves a request of CloudFormation. */
export type ResourceHandler = (event: unknown, context?: ResourceContext) => Promise<void>;

/** Both handlers. Reports an invalid environment to CloudFormation. */
export function createResourcesApp(options: ResourcesAppOptions): {
  readonly initialSet: ResourceHandler;
  readonly bucket: ResourceHandler;
} {
  const { environment, clock, logger, fetch, access } = options;
  const place = { account: environment["CONSUMER_ACCOUNT_ID"] ?? "", region: environment["CONSUMER_REGION"] ?? "" };
  const emulator = findEmulator(environment, "S3");
  const common = { ...place, clock, logger, fetch, ...(emulator === undefined ? {} : { emulator }) };
  const ofSet = createConsumerResources({ ...common, initialSet: () => openInitialSet(options) });
  const ofBucket = createConsumerResources({
    ...common,
    bucket: () => ({ s3: access(parsePlace(environment).region).client(S3Client, undefined) }),
  });
  return {
    initialSet: (event, context) => ofSet.onResource(event, toTime(context)),
    bucket: (event, context) => ofBucket.onResource(event, toTime(context)),
  };
}

function openInitialSet({ environment, access }: ResourcesAppOptions): InitialSetOptions {
  const { machineArn, roleArn, region, externalId, receiptBus, bucket, capabilities } =
    parseTriggerSettings(environment);
  const states = access(region).client(SFNClient, {
    account: toArnPart(roleArn, 4),
    region,
    partition: toArnPart(roleArn, 1),
    role: roleArn,
    ...(externalId === undefined ? {} : { externalId }),
  });
  if (receiptBus === undefined) return { machineArn, states, bucket, capabilities };
  // PutEvents only reaches buses in its own region.
  const client = access(toArnPart(receiptBus, 3)).client(EventBridgeClient, undefined);
  return { machineArn, states, bucket, capabilities, receipts: { client, bus: receiptBus } };
}

function toTime(context: ResourceContext | undefined) {
  const getRemainingTimeInMillis = context?.getRemainingTimeInMillis?.bind(context);
  return getRemainingTimeInMillis === undefined ? {} : { getRemainingTimeInMillis };
}
