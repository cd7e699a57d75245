import { findEmulator, toArnPart } from "@stackyard/aws";
import { defined } from "@stackyard/core";
import {
  type EnvironmentVariables,
  parseEnvironment,
  SharedVariables,
  VARIABLE_FORMS,
} from "@stackyard/core/environment";
import type { DistributorConfig } from "@stackyard/distributor/function";
import { type Static, Type } from "typebox";

const { bucket, eventBus, role, stateMachine, table, topic } = VARIABLE_FORMS;
const PREFIX = "([A-Za-z0-9!_.*'()-]+/)+";

/** An optional text of that form. */
const optional = (form: object, description: string) => Type.Optional(Type.String({ ...form, description }));

/** The variables that the app reads itself, in the order of its README. */
export const Variables = Type.Object({
  ARTIFACTS_BUCKET: Type.String({ ...bucket, description: "the source bucket" }),
  ARTIFACT_PREFIX: optional(
    { pattern: `^${PREFIX}$`, expected: "a prefix of keys that ends with a slash" },
    "where published artifacts lie in it, such as `artifacts/`. Default: at the root",
  ),
  UPLOAD_PREFIX: optional(
    { pattern: `^(/|${PREFIX})$`, expected: "a prefix of keys that ends with a slash" },
    "where others put files that become artifacts, such as `uploads/`; `/` is the root, which needs an `ARTIFACT_PREFIX`. Default: nowhere",
  ),
  DISTRIBUTION_TOPIC: Type.String({
    ...topic,
    description: "ARN of the topic, which is in the distributor's account and region",
  }),
  RECEIPT_BUS: optional(
    eventBus,
    "The ARN of the receipt bus, whose rules send events to this function. The function does not call the bus. Default: none",
  ),
  RECORDS_TABLE: Type.String({
    ...table,
    description: "the DynamoDB table of everything that is remembered: key `pk` and `sk` (strings), time to live `ttl`",
  }),
  TRUSTED_ACCOUNTS: Type.Array(Type.String({ pattern: "^\\d{12}$" }), {
    description: "accounts that may have artifacts, with commas between. Default: none",
    maxItems: 5_000,
    expected: "accounts of 12 digits with commas between",
    default: [],
  }),
  ORGANIZATION_ID: optional(
    { pattern: "^o-[a-z0-9]{10,32}$", expected: "the id of an organisation" },
    "the organisation whose accounts may have artifacts. Default: none",
  ),
  ORGANIZATION_ROLE: optional(
    role,
    "ARN of a role of the management account, or of a delegated administrator, that may call `organizations:DescribeAccount`: it returns which accounts have left. Default: the function's own role",
  ),
  SIGNER_ROLE: optional(role, "ARN of the role whose credentials sign URLs. Default: the function's own credentials"),
  INITIAL_SET_MACHINE: optional(
    stateMachine,
    "ARN of the state machine of initial sets and replays. Default: none, which disables them",
  ),
  URL_SECONDS: Type.Integer({
    description: "how long presigned URLs should be good, 600 to 604800; never longer than the credentials behind them",
    minimum: 600,
    maximum: 604_800,
    default: 3_600,
  }),
  OVERDUE_SECONDS: Type.Integer({
    description: "after which a consumer that has not answered receives the message again, 60 to 86400",
    minimum: 60,
    maximum: 86_400,
    default: 900,
  }),
  KEEP_DAYS: Type.Optional(
    Type.Integer({
      description:
        "versions are removed from the source when they are older, not current, and have stood everywhere: 1 to 3650. Default: never",
      minimum: 1,
      maximum: 3_650,
    }),
  ),
  TRANSFER: Type.Enum(["presigned", "identity", "auto"], {
    description:
      "`presigned`, `identity` (messages without a URL, which consumers of the first generation fail on) or `auto`: both",
    default: "auto",
  }),
  STACKYARD_S3_ENCRYPTION: SharedVariables.properties.STACKYARD_S3_ENCRYPTION,
});

/** @throws StackyardError `CONFIG_INVALID` that lists all problems, without values. */
export function parseSettings(environment: EnvironmentVariables): Static<typeof Variables> {
  return parseEnvironment(Variables, environment, { app: "distributor" });
}

/** Returns what the distributor is created with. */
export function toDistributorConfig(
  settings: Static<typeof Variables>,
  environment: EnvironmentVariables,
): DistributorConfig {
  const { DISTRIBUTION_TOPIC: topicArn, UPLOAD_PREFIX: uploadPrefix } = settings;
  return {
    // The topic's ARN contains the distributor's account and region.
    account: toArnPart(topicArn, 4),
    region: toArnPart(topicArn, 3),
    bucket: settings.ARTIFACTS_BUCKET,
    topicArn,
    prefix: settings.ARTIFACT_PREFIX ?? "",
    trustedAccounts: [...new Set(settings.TRUSTED_ACCOUNTS)],
    urlSeconds: settings.URL_SECONDS,
    overdueSeconds: settings.OVERDUE_SECONDS,
    transfer: settings.TRANSFER,
    ...defined({
      uploadPrefix: uploadPrefix === "/" ? "" : uploadPrefix,
      organizationId: settings.ORGANIZATION_ID,
      machineArn: settings.INITIAL_SET_MACHINE,
      keepDays: settings.KEEP_DAYS,
      pathStyleUrls: findEmulator(environment, "S3") === undefined ? undefined : true,
    }),
  };
}
