import type { EnvironmentVariable } from "@stackyard/core/environment";

const PREFIX = /^([A-Za-z0-9!_.*'()-]+\/)+$/;

/** The variables that the app reads itself, in the order of its README. */
export const VARIABLES = {
  ARTIFACTS_BUCKET: {
    meaning: "the source bucket",
    pattern: /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
    must: "be the name of a bucket",
    isRequired: true,
  },
  ARTIFACT_PREFIX: {
    meaning: "where published artifacts lie in it, such as `artifacts/`. Default: at the root",
    pattern: PREFIX,
    must: "be a prefix of keys that ends with a slash",
    isRequired: false,
  },
  UPLOAD_PREFIX: {
    meaning:
      "where others put files that become artifacts, such as `uploads/`; `/` is the root, which needs an `ARTIFACT_PREFIX`. Default: nowhere",
    pattern: /^(\/|([A-Za-z0-9!_.*'()-]+\/)+)$/,
    must: "be a prefix of keys that ends with a slash",
    isRequired: false,
  },
  DISTRIBUTION_TOPIC: {
    meaning: "ARN of the topic, which is in the distributor's account and region",
    pattern: /^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}$/,
    must: "be the ARN of a topic",
    isRequired: true,
  },
  RECEIPT_BUS: {
    meaning:
      "ARN of the bus of receipts. Nothing is called there: its rules bring events to this function. Default: none",
    pattern: /^arn:aws[a-z-]*:events:[a-z0-9-]+:\d{12}:event-bus\/[A-Za-z0-9._/-]{1,256}$/,
    must: "be the ARN of an event bus",
    isRequired: false,
  },
  RECORDS_TABLE: {
    meaning: "the DynamoDB table of everything that is remembered: key `pk` and `sk` (strings), time to live `ttl`",
    pattern: /^[a-zA-Z0-9_.-]{3,255}$/,
    must: "be the name of a DynamoDB table",
    isRequired: true,
  },
  TRUSTED_ACCOUNTS: {
    meaning: "accounts that may have artifacts, with commas between. Default: none",
    pattern: /^\d{12}( *, *\d{12}){0,4999}$/,
    must: "be accounts of 12 digits with commas between",
    isRequired: false,
  },
  ORGANIZATION_ID: {
    meaning: "the organisation whose accounts may have artifacts. Default: none",
    pattern: /^o-[a-z0-9]{10,32}$/,
    must: "be the id of an organisation",
    isRequired: false,
  },
  SIGNER_ROLE: {
    meaning: "ARN of the role whose credentials sign URLs. Default: the function's own credentials",
    pattern: /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/,
    must: "be the ARN of a role",
    isRequired: false,
  },
  INITIAL_SET_MACHINE: {
    meaning: "ARN of the state machine of initial sets and replays. Default: none, and then there are no sets",
    pattern: /^arn:aws[a-z-]*:states:[a-z0-9-]+:\d{12}:stateMachine:[A-Za-z0-9_-]{1,80}$/,
    must: "be the ARN of a state machine",
    isRequired: false,
  },
  URL_SECONDS: {
    meaning:
      "how long presigned URLs should be good, 600 to 604800; never longer than the credentials behind them. Default: 3600",
    pattern: /^([6-9]\d\d|\d{4,5}|[1-5]\d{5}|60[0-3]\d{3}|604[0-7]\d\d|604800)$/,
    must: "be 600 to 604800",
    isRequired: false,
  },
  OVERDUE_SECONDS: {
    meaning: "after which a consumer that has not answered is asked again, 60 to 86400. Default: 900",
    pattern: /^([6-9]\d|\d{3,4}|[1-7]\d{4}|8[0-5]\d{3}|86[0-3]\d\d|86400)$/,
    must: "be 60 to 86400",
    isRequired: false,
  },
  KEEP_DAYS: {
    meaning:
      "versions are removed from the source when they are older, not current, and have stood everywhere: 1 to 3650. Default: never",
    pattern: /^([1-9]\d{0,2}|[12]\d{3}|3[0-5]\d\d|36[0-4]\d|3650)$/,
    must: "be 1 to 3650",
    isRequired: false,
  },
  TRANSFER: {
    meaning:
      "`presigned`, `identity` (messages without a URL, which consumers of the first generation fail on) or `auto`: both. Default: `auto`",
    pattern: /^(presigned|identity|auto)$/,
    must: "be presigned, identity or auto",
    isRequired: false,
  },
} as const satisfies Readonly<Record<string, EnvironmentVariable>>;
