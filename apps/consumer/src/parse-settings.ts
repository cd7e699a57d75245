import type { ConsumerConfig } from "@stackyard/consumer";
import { checkEnvironment, type EnvironmentVariables } from "@stackyard/core/environment";
import { COMMON_VARIABLES, COPY_VARIABLES, TRIGGER_VARIABLES } from "./consumer-variables.ts";

type Transfer = "identity" | "presigned" | "auto";

/** The settings of the function behind the queue. */
export interface CopySettings {
  readonly config: ConsumerConfig;
  readonly bucket: string;
  readonly transfer: Transfer;
  readonly hasPrivateEndpoints: boolean;
  readonly receiptBus?: string;
  readonly queueUrl?: string;
  readonly parkingQueueUrl?: string;
  readonly kmsKeyArn?: string;
}

/** The settings of the function behind `Custom::InitialSetTrigger`. */
export interface TriggerSettings {
  readonly machineArn: string;
  readonly roleArn: string;
  /** The machine's. */
  readonly region: string;
  readonly externalId?: string;
  readonly receiptBus?: string;
  /** May be empty if no bus is configured. */
  readonly bucket: string;
  readonly capabilities: { readonly transfer: Transfer; readonly retire: boolean };
}

/** The account and region of the consumer. */
export interface PlaceSettings {
  readonly account: string;
  readonly region: string;
}

/** Throws one `CONFIG_INVALID` that lists all problems, without values. */
export function parseCopySettings(environment: EnvironmentVariables): CopySettings {
  checkEnvironment(environment, COPY_VARIABLES);
  const { RECEIPT_BUS, QUEUE_URL, PARKING_QUEUE_URL, KMS_KEY_ARN, TRANSFER, PRIVATE_ENDPOINTS } = environment;
  return {
    config: toConfig(environment),
    bucket: environment["ARTIFACTS_BUCKET"] ?? "",
    transfer: toTransfer(TRANSFER),
    hasPrivateEndpoints: PRIVATE_ENDPOINTS === "true",
    ...(RECEIPT_BUS ? { receiptBus: RECEIPT_BUS } : {}),
    ...(QUEUE_URL ? { queueUrl: QUEUE_URL } : {}),
    ...(PARKING_QUEUE_URL ? { parkingQueueUrl: PARKING_QUEUE_URL } : {}),
    ...(KMS_KEY_ARN ? { kmsKeyArn: KMS_KEY_ARN } : {}),
  };
}

/** The same for the initial set. */
export function parseTriggerSettings(environment: EnvironmentVariables): TriggerSettings {
  const { ARTIFACTS_BUCKET: named } = TRIGGER_VARIABLES;
  const isTold = Boolean(environment["RECEIPT_BUS"]);
  checkEnvironment(environment, { ...TRIGGER_VARIABLES, ARTIFACTS_BUCKET: { ...named, isRequired: isTold } });
  const { INITIAL_DISTRIBUTION_MACHINE: machineArn = "", INITIAL_DISTRIBUTION_ROLE: roleArn = "" } = environment;
  const { INITIAL_DISTRIBUTION_REGION, EXTERNAL_ID, RECEIPT_BUS, ARTIFACTS_BUCKET: bucket = "" } = environment;
  return {
    machineArn,
    roleArn,
    bucket,
    region: INITIAL_DISTRIBUTION_REGION || toArnPart(machineArn, 3),
    capabilities: { transfer: toTransfer(environment["TRANSFER"]), retire: environment["RETIRE"] === "true" },
    ...(EXTERNAL_ID ? { externalId: EXTERNAL_ID } : {}),
    ...(RECEIPT_BUS ? { receiptBus: RECEIPT_BUS } : {}),
  };
}

/** The same for the variables that all functions need. */
export function parsePlace(environment: EnvironmentVariables): PlaceSettings {
  checkEnvironment(environment, COMMON_VARIABLES);
  return { account: environment["CONSUMER_ACCOUNT_ID"] ?? "", region: environment["CONSUMER_REGION"] ?? "" };
}

/** Returns a part of an ARN, such as its region: `arn:partition:service:region:account:…`. */
export function toArnPart(arn: string, index: number): string {
  return arn.split(":")[index] ?? "";
}

function toConfig(environment: EnvironmentVariables): ConsumerConfig {
  const { DISTRIBUTION_TOPIC: topicArn = "", DISTRIBUTION_REGION, DISTRIBUTOR_BUCKET = "", MAX_BYTES } = environment;
  const { EXTRA_HOSTS, ACCEPT_V1, REQUIRE_SIGNATURE, RECEIPT_BUS, RETIRE } = environment;
  return {
    ...parsePlace(environment),
    topicArn,
    sourceBucket: DISTRIBUTOR_BUCKET,
    sourceRegion: DISTRIBUTION_REGION || toArnPart(topicArn, 3),
    partition: toArnPart(topicArn, 1),
    sourceAccount: toArnPart(topicArn, 4),
    acceptV1: ACCEPT_V1 !== "false",
    requireSignature: REQUIRE_SIGNATURE === "true",
    retire: RETIRE === "true",
    // A consumer that cannot request a new URL reports that the URL has expired.
    refresh: Boolean(RECEIPT_BUS),
    extraHosts: EXTRA_HOSTS ? EXTRA_HOSTS.split(",") : [],
    ...(MAX_BYTES ? { maxBytes: Number(MAX_BYTES) } : {}),
  };
}

function toTransfer(text: string | undefined): Transfer {
  return text === "identity" || text === "presigned" ? text : "auto";
}
