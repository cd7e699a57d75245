import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { S3Client } from "@aws-sdk/client-s3";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SNSClient } from "@aws-sdk/client-sns";
import { type AwsAccess, findEmulator, type LambdaContext, toArnPart } from "@stackyard/aws";
import { createConsumerResources, type InitialSetOptions } from "@stackyard/consumer/function";
import { type Clock, defined, type Logger } from "@stackyard/core";
import type { EnvironmentVariables } from "@stackyard/core/environment";
import { parseCommonSettings, parseTriggerSettings, readCommonSettings } from "./settings.ts";

/** The dependencies of the functions behind the custom resources. */
export interface ResourcesAppOptions {
  readonly environment: EnvironmentVariables;
  /** Returns access to AWS in a region, with the function's role. */
  readonly access: (region: string) => AwsAccess;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly fetch: typeof globalThis.fetch;
}

/** Serves a request of CloudFormation. */
export type ResourceHandler = (event: unknown, context?: LambdaContext) => Promise<void>;

/** Creates both handlers. Reports an invalid environment to CloudFormation. */
export function createResourcesApp(options: ResourcesAppOptions): {
  readonly initialSet: ResourceHandler;
  readonly bucket: ResourceHandler;
} {
  const { environment, clock, logger, fetch, access } = options;
  const { account, region } = readCommonSettings(environment);
  const emulator = findEmulator(environment, "S3");
  const common = defined({ account, region, clock, logger, fetch, emulator });
  const ofSet = createConsumerResources({ ...common, initialSet: () => openInitialSet(options) });
  const ofBucket = createConsumerResources({
    ...common,
    bucket: () => ({ s3: access(parseCommonSettings(environment).CONSUMER_REGION).client(S3Client, undefined) }),
  });
  return {
    initialSet: (event, context) => ofSet.onResource(event, context),
    bucket: (event, context) => ofBucket.onResource(event, context),
  };
}

function openInitialSet({ environment, access }: ResourcesAppOptions): InitialSetOptions {
  const settings = parseTriggerSettings(environment);
  const { INITIAL_DISTRIBUTION_MACHINE: machineArn, INITIAL_DISTRIBUTION_ROLE: role, RECEIPT_BUS: bus } = settings;
  const region = settings.INITIAL_DISTRIBUTION_REGION ?? toArnPart(machineArn, 3);
  const states = access(region).client(SFNClient, {
    account: toArnPart(role, 4),
    region,
    partition: toArnPart(role, 1),
    role,
    ...defined({ externalId: settings.EXTERNAL_ID }),
  });
  const { ARTIFACTS_BUCKET: bucket = "", TRANSFER: transfer, RETIRE: retire, TOPIC_FILTER: topicFilter } = settings;
  // The topic is beside the machine.
  const sns = access(region).client(SNSClient, undefined);
  const common = { machineArn, states, sns, bucket, capabilities: { transfer, retire, topicFilter } };
  if (bus === undefined) return common;
  // PutEvents only reaches buses in its own region.
  const client = access(toArnPart(bus, 3)).client(EventBridgeClient, undefined);
  return { ...common, receipts: { client, bus } };
}
