import { type Static, Type } from "typebox";
import { KEY_PREFIXES, VARIABLE_FORMS } from "../environment/variable-forms.ts";

const ADDRESS = {
  pattern: "^https?://\\S{1,2000}$",
  expected: "an address such as https://stackyard.example.org",
};
const TEXT = { pattern: "^[^\\p{Cc}]{1,2048}$", expected: "text" };
const PREFIX = { pattern: "^[^\\p{Cc}]{0,1024}$", expected: "the beginning of keys" };

function text(form: { readonly pattern: string; readonly expected: string }, description: string) {
  return Type.Optional(Type.String({ ...form, description }));
}

/** Returns the schema of an optional place in S3. */
export function bucketPlace(description: string) {
  return Type.Optional(
    Type.Object(
      { bucket: Type.String(VARIABLE_FORMS.bucket), prefix: Type.Optional(Type.String(PREFIX)) },
      { additionalProperties: false, description },
    ),
  );
}

/** A yard whose servers answer at an address. */
export const ServerYardOptions = Type.Object(
  {
    url: Type.String({ ...ADDRESS, description: "Its address" }),
    // The token is undefined where the variable that it comes from is not set.
    token: Type.Optional(
      Type.Unsafe<string | undefined>(
        Type.String({
          pattern: "^[\\x21-\\x7e]{1,256}$",
          expected: "a token",
          description:
            "The token for it. Read it from the environment, because you commit the configuration. Default: `--token`, then `STACKYARD_TOKEN`, the token of a CI job, or `stackyard login`",
        }),
      ),
    ),
  },
  { additionalProperties: false },
);

/** A yard whose servers answer at an address. */
export type ServerYardOptions = Static<typeof ServerYardOptions>;

/**
 * A yard in an AWS account, as created by its template. Commands reach it without a server, with the user's own
 * credentials. With only account and region it is a deployment target.
 */
export const AwsYardOptions = Type.Object(
  {
    type: Type.Literal("aws", { description: '`"aws"`; needs the package `@stackyard/runtime`' }),
    region: text(VARIABLE_FORMS.region, "The region. Default: `AWS_REGION`, `AWS_DEFAULT_REGION`, or the profile's"),
    profile: text(TEXT, "A profile of the shared AWS configuration files; it overrides access keys in the environment"),
    role: text(VARIABLE_FORMS.role, "The ARN of a role that commands assume first; requires `region`"),
    externalId: text(VARIABLE_FORMS.externalId, "The external id for this role"),
    s3Encryption: text(
      VARIABLE_FORMS.uploadEncryption,
      "The encryption that uploads to S3 name, as in `STACKYARD_S3_ENCRYPTION`, which overrides it",
    ),
    eventQueueUrl: text(VARIABLE_FORMS.queue, "The queue of events; required without a topic"),
    eventTopicArn: text(VARIABLE_FORMS.topic, "The topic where events are sent instead of the queue"),
    taskQueueUrl: text(VARIABLE_FORMS.queue, "The queue of tasks; required"),
    longTaskQueueUrl: text(
      VARIABLE_FORMS.queue,
      "The queue of tasks that take longer than a function may run, for `doctor`",
    ),
    tickQueueUrl: text(VARIABLE_FORMS.standardQueue, "The queue `stack-ticks`, for `doctor`"),
    eventDeadLetterQueueUrl: text(VARIABLE_FORMS.queue, "The queue of dead-lettered events, for `doctor`"),
    taskDeadLetterQueueUrl: text(VARIABLE_FORMS.queue, "The queue of dead-lettered task messages, for `doctor`"),
    stacksTable: text(VARIABLE_FORMS.table, "The DynamoDB table of stacks"),
    workTable: text(VARIABLE_FORMS.table, "The DynamoDB table of all other records. Default: `<stacksTable>-work`"),
    connectionSecret: text(TEXT, "The name or ARN of the secret of a Postgres database; replaces the tables"),
    machines: bucketPlace("`bucket` and `prefix` of the machines; required"),
    messages: bucketPlace(
      `\`bucket\` and \`prefix\` for messages that are too large for a queue, when the yard has such a bucket. Default of \`prefix\`: \`${KEY_PREFIXES.messages}\``,
    ),
    logs: bucketPlace(
      `\`bucket\` and \`prefix\` of whole logs: the output \`TaskLogBucket\` and the parameter \`TaskLogPrefix\`. Default of \`prefix\`: \`${KEY_PREFIXES.logs}\``,
    ),
  },
  { additionalProperties: false },
);

/** A yard in an AWS account, as `stackyard.config.ts` has it under `yards`. */
export type AwsYardOptions = Static<typeof AwsYardOptions>;

/** Returns the keys that a yard lacks to be more than a deployment target; alternatives are one text with `or`. */
export function listMissingKeys(yard: { readonly [Key in keyof AwsYardOptions]?: unknown }): readonly string[] {
  const groups = [
    ["eventQueueUrl", "eventTopicArn"],
    ["taskQueueUrl"],
    ["stacksTable", "connectionSecret"],
    ["machines"],
  ] as const;
  return groups.filter((group) => group.every((key) => yard[key] === undefined)).map((group) => group.join(" or "));
}

/** The yards of a project by name. */
export type ConfiguredYards = Readonly<Record<string, Static<typeof ServerYardOptions> | AwsYardOptions>>;
