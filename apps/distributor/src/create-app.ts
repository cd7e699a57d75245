import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { OrganizationsClient } from "@aws-sdk/client-organizations";
import { S3Client } from "@aws-sdk/client-s3";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SNSClient } from "@aws-sdk/client-sns";
import {
  type AwsAccess,
  createAwsAccess,
  findUploadEncryption,
  type LambdaContext,
  runInvocation,
  toArnPart,
} from "@stackyard/aws";
import { type Clock, defined, type Records, toPartition } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import type { EnvironmentVariables } from "@stackyard/core/environment";
import {
  createDistributor,
  createOrganization,
  createSignerCredentials,
  type Distributor,
} from "@stackyard/distributor/function";
import { createDynamodbRecords } from "@stackyard/store-dynamodb";
import { createTelemetry, type Telemetry } from "@stackyard/telemetry";
import { parseSettings, toDistributorConfig } from "./settings.ts";

/** The dependencies of the app. */
export interface CreateAppOptions {
  readonly environment: EnvironmentVariables;
  /** Access to AWS. Default: the SDK's region and credentials. */
  readonly access?: AwsAccess;
  /** Default: the table of the environment. */
  readonly records?: Records;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Default: as the environment says. */
  readonly telemetry?: AppTelemetry;
  /** Writes a line of metrics, including its line end. Default: standard output. */
  readonly write?: (line: string) => void;
}

/** The part of the telemetry that the app uses. */
export interface AppTelemetry extends Pick<Telemetry, "logger" | "invoke"> {
  readonly tracing: Pick<Telemetry["tracing"], "inject">;
}

/** The distributor's function. */
export interface DistributorApp {
  handler(event: unknown, context?: LambdaContext): Promise<unknown>;
}

/** Creates the function from its environment. If it is invalid, each call fails with `CONFIG_INVALID`. */
export function createApp(options: CreateAppOptions): DistributorApp {
  const { environment, clock = systemClock } = options;
  let opened: Promise<Opened> | undefined;

  async function open(): Promise<Opened> {
    const telemetry = options.telemetry ?? (await createTelemetry({ service: "distributor", environment, clock }));
    return { telemetry, distributor: make(options, telemetry, clock) };
  }

  return {
    async handler(event, context) {
      opened ??= open();
      const { distributor, telemetry } = await opened;
      const fields = defined({ invocationId: context?.awsRequestId });
      return telemetry.invoke(fields, () => runInvocation(clock, context, () => distributor.handle(event, context)));
    },
  };
}

interface Opened {
  readonly distributor: Distributor;
  readonly telemetry: AppTelemetry;
}

function make(options: CreateAppOptions, { logger, tracing }: AppTelemetry, clock: Clock): Distributor {
  const settings = parseSettings(options.environment);
  const { RECORDS_TABLE: table, SIGNER_ROLE: roleArn, ORGANIZATION_ROLE: role } = settings;
  const config = toDistributorConfig(settings, options.environment);
  const { account, region } = config;
  // Emulators do not have DNS names for buckets.
  const clientConfig = config.pathStyleUrls === true ? { forcePathStyle: true } : {};
  const session = { name: "stackyard-distributor" };
  const uploads = findUploadEncryption(options.environment);
  const access = options.access ?? createAwsAccess({ clock, logger, region, session, clientConfig, uploads });
  const records = options.records ?? createDynamodbRecords({ client: access.client(DynamoDBClient, undefined), table });
  const signer = { access, account, region, clock, ...defined({ roleArn }) };
  return createDistributor({
    config,
    records,
    clock,
    logger,
    credentials: createSignerCredentials(signer),
    s3: access.client(S3Client, undefined),
    sns: access.client(SNSClient, undefined),
    events: access.client(EventBridgeClient, undefined),
    states: access.client(SFNClient, undefined),
    organization: createOrganization({
      client: access.client(
        OrganizationsClient,
        role === undefined ? undefined : { account: toArnPart(role, 4), region, partition: toPartition(region), role },
      ),
      clock,
    }),
    traceparent: () => tracing.inject()["traceparent"],
    ...defined({ write: options.write }),
  });
}
