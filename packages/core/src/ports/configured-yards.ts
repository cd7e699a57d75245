/** A yard whose servers answer at an address. */
export interface ServerYard {
  /** Such as `https://stackyard.example.org`. */
  readonly url: string;
  /** Take it from the environment: `process.env.STAGING_TOKEN`. Default: `STACKYARD_TOKEN`. */
  readonly token?: string | undefined;
}

/**
 * A yard in an AWS account, as its template has made it. Commands reach it without a server, with the credentials of who types
 * them. With account and region only it is a place to deploy to.
 */
export interface AwsYard {
  readonly type: "aws";
  /** Default: `AWS_REGION`, `AWS_DEFAULT_REGION`, or the profile's. */
  readonly region?: string;
  /** Of the shared configuration files. Default: credentials as the SDK finds them. */
  readonly profile?: string;
  /** The ARN of a role that is taken first. */
  readonly role?: string;
  readonly externalId?: string;
  /** Events are sent to the topic where there is one, else to the queue. */
  readonly eventQueueUrl?: string;
  readonly eventTopicArn?: string;
  readonly taskQueueUrl?: string;
  readonly longTaskQueueUrl?: string;
  readonly tickQueueUrl?: string;
  readonly eventDeadLetterQueueUrl?: string;
  readonly taskDeadLetterQueueUrl?: string;
  /** The state's tables in DynamoDB. Default of the second: `<stacksTable>-work`. */
  readonly stacksTable?: string;
  readonly workTable?: string;
  /** Or name or ARN of the secret of a Postgres database. */
  readonly connectionSecret?: string;
  readonly machines?: { readonly bucket: string; readonly prefix?: string };
  /** Where messages lie that are too large for a queue. Default prefix: `stackyard/messages/`. */
  readonly messages?: { readonly bucket: string; readonly prefix?: string };
}

/** The yards of a project by name. */
export type ConfiguredYards = Readonly<Record<string, ServerYard | AwsYard>>;
