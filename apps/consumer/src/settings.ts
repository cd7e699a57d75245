import { toArnPart } from "@stackyard/aws";
import type { ConsumerConfig } from "@stackyard/consumer";
import { defined } from "@stackyard/core";
import {
  type EnvironmentVariables,
  parseEnvironment,
  readEnvironment,
  SharedVariables,
  VARIABLE_FORMS,
} from "@stackyard/core/environment";
import { type Static, Type } from "typebox";

const { account, bucket, eventBus, externalId, key, queue, region, role, stateMachine, topic } = VARIABLE_FORMS;

/** An optional text of that form. */
const optional = (form: object, description: string) => Type.Optional(Type.String({ ...form, description }));

const TRANSFER = Type.Enum(["identity", "presigned", "auto"], {
  description:
    "`identity`: files are read with the function's role; `presigned`: by URL; `auto`: by URL where the role may not",
  default: "auto",
});
const RETIRE = Type.Boolean({
  description: "`true` deletes files that the distributor retires",
  default: false,
});

const TOPIC_FILTER = Type.Boolean({
  description:
    "`false`: the subscription has no filter policy, so that messages for other consumers arrive, which are left to them",
  default: true,
});

/** The variables that every function of the consumer reads. */
export const CommonVariables = Type.Object({
  CONSUMER_ACCOUNT_ID: Type.String({ ...account, description: "the consumer's account" }),
  CONSUMER_REGION: Type.String({ ...region, description: "the consumer's region" }),
  LOG_LEVEL: SharedVariables.properties.LOG_LEVEL,
});

/** The variables of the function behind the queue. */
export const CopyVariables = Type.Object({
  ARTIFACTS_BUCKET: Type.String({ ...bucket, description: "the bucket that files are copied into" }),
  DISTRIBUTOR_BUCKET: Type.String({ ...bucket, description: "the bucket that they come from" }),
  DISTRIBUTION_TOPIC: Type.String({ ...topic, description: "ARN of the topic that announces them" }),
  DISTRIBUTION_REGION: optional(region, "the distributor's region. Default: the topic's"),
  ...CommonVariables.properties,
  RECEIPT_BUS: optional(
    eventBus,
    "The ARN of the distributor's receipt bus. Default: none, so the consumer sends no receipts and requests no new URLs",
  ),
  QUEUE_URL: optional(
    queue,
    "the queue, so that a long copy continues soon and a failed one is retried later. Default: both wait for the queue's visibility timeout",
  ),
  PARKING_QUEUE_URL: optional(
    queue,
    "the queue of messages that failed or were rejected. Default: they are only logged",
  ),
  KMS_KEY_ARN: optional(key, "the key that files are encrypted with. Default: as the bucket says"),
  MAX_BYTES: Type.Optional(
    Type.Integer({
      description: "larger files are refused. Default: 50 GiB",
      minimum: 1,
      expected: "a number of bytes",
    }),
  ),
  TRANSFER,
  ACCEPT_V1: Type.Boolean({ description: "`false`: messages without a digest are refused", default: true }),
  REQUIRE_SIGNATURE: Type.Boolean({ description: "`true`: messages without a signature are refused", default: false }),
  EXTRA_HOSTS: Type.Array(Type.String({ pattern: "^[a-z0-9.-]+$" }), {
    description: "further hosts that URLs may name, separated by commas. Default: those of S3 only",
    expected: "names of hosts, separated by commas",
    default: [],
  }),
  PRIVATE_ENDPOINTS: Type.Boolean({
    description: "`true`: hosts may have private addresses, as interface endpoints have",
    default: false,
  }),
  RETIRE,
  TOPIC_FILTER,
  STACKYARD_S3_ENCRYPTION: SharedVariables.properties.STACKYARD_S3_ENCRYPTION,
});

/** The variables of the function behind `Custom::InitialSetTrigger`. */
export const TriggerVariables = Type.Object({
  INITIAL_DISTRIBUTION_MACHINE: Type.String({
    ...stateMachine,
    description: "ARN of the state machine that sends the initial set",
  }),
  INITIAL_DISTRIBUTION_ROLE: Type.String({ ...role, description: "ARN of the role that may start it" }),
  INITIAL_DISTRIBUTION_REGION: optional(region, "its region. Default: the machine's"),
  ...CommonVariables.properties,
  EXTERNAL_ID: optional(externalId, "the external id that the role requires. Default: none"),
  RECEIPT_BUS: optional(eventBus, "ARN of the distributor's bus, where the consumer is registered. Default: nowhere"),
  ARTIFACTS_BUCKET: optional(bucket, "the consumer's bucket, for the distributor to know: required with `RECEIPT_BUS`"),
  TRANSFER,
  RETIRE,
  TOPIC_FILTER,
});

/** @throws StackyardError `CONFIG_INVALID` that lists all problems, without values. */
export function parseCopySettings(environment: EnvironmentVariables): Static<typeof CopyVariables> {
  return parseEnvironment(CopyVariables, environment, { app: "copy function" });
}

/** Parses the settings of the initial set in the same way. */
export function parseTriggerSettings(environment: EnvironmentVariables): Static<typeof TriggerVariables> {
  return parseEnvironment(TriggerVariables, environment, {
    app: "initial set function",
    check: ({ RECEIPT_BUS, ARTIFACTS_BUCKET }) =>
      RECEIPT_BUS !== undefined && ARTIFACTS_BUCKET === undefined
        ? ["ARTIFACTS_BUCKET is not set: with RECEIPT_BUS the consumer's bucket is registered."]
        : [],
  });
}

/** Parses the variables that all functions need in the same way. */
export function parseCommonSettings(environment: EnvironmentVariables): Static<typeof CommonVariables> {
  return parseEnvironment(CommonVariables, environment, { app: "consumer" });
}

/** Reads the same variables for processes that report an invalid environment later: account and region may be empty. */
export function readCommonSettings(environment: EnvironmentVariables) {
  const { values } = readEnvironment(CommonVariables, environment);
  const { LOG_LEVEL: level, CONSUMER_ACCOUNT_ID: account = "", CONSUMER_REGION: region = "" } = values;
  return { level, account, region };
}

/** Returns how messages are accepted. */
export function toConsumerConfig(settings: Static<typeof CopyVariables>): ConsumerConfig {
  const { DISTRIBUTION_TOPIC: topicArn, MAX_BYTES } = settings;
  return {
    account: settings.CONSUMER_ACCOUNT_ID,
    region: settings.CONSUMER_REGION,
    topicArn,
    sourceBucket: settings.DISTRIBUTOR_BUCKET,
    sourceRegion: settings.DISTRIBUTION_REGION ?? toArnPart(topicArn, 3),
    partition: toArnPart(topicArn, 1),
    sourceAccount: toArnPart(topicArn, 4),
    acceptV1: settings.ACCEPT_V1,
    requireSignature: settings.REQUIRE_SIGNATURE,
    retire: settings.RETIRE,
    topicFilter: settings.TOPIC_FILTER,
    // A consumer that cannot request a new URL reports that the URL has expired.
    refresh: settings.RECEIPT_BUS !== undefined,
    extraHosts: settings.EXTRA_HOSTS,
    ...defined({ maxBytes: MAX_BYTES }),
  };
}
