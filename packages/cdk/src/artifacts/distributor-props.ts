import type { Code } from "aws-cdk-lib/aws-lambda";
import type { FunctionSettings } from "../functions/app-function.ts";
import type { Given } from "../given.ts";
import type { Switch } from "./switch.ts";
import type { TrustedConsumers } from "./trusted-consumers.ts";

/** A bucket or table that is there under a condition of the template, and made otherwise. */
export interface ExistingMemory {
  readonly bucket?: Given<string>;
  readonly table?: Given<string>;
}

/** What a distributor needs. */
export interface ArtifactDistributorProps extends FunctionSettings {
  readonly code: Code;
  /** Whom it serves. */
  readonly trusted: TrustedConsumers;
  /** What consumers must say when they ask for their initial set. Default: nothing, as consumers of old. */
  readonly externalId?: Given<string>;
  /** Of the function, at most 42 characters; state machine, table and signer are called so too. Default: `stackyard-distributor`. */
  readonly name?: string;
  /** A bucket of artifacts and a table of records that are there. Default: they are made, and kept. */
  readonly existing?: ExistingMemory;
  /** Beginning of the name of the bucket that is made; at most 34 characters. Default: `stackyard-artifact-source`. */
  readonly bucketPrefix?: string;
  /** The customer's key of the bucket. Default: S3's own. */
  readonly kmsKeyArn?: Given<string>;
  /** The customer's key of the topic; its policy must let `sns.amazonaws.com` use it. Default: none. */
  readonly topicKeyArn?: Given<string>;
  /** Beginning of the keys of artifacts. Default: the whole bucket. */
  readonly artifactPrefix?: Given<string>;
  /** Beginning of the keys of files that others upload without a manifest. Default: there are none. */
  readonly uploadPrefix?: Given<string>;
  /** `identity`, `presigned` or `auto`. Default: `auto`. */
  readonly transfer?: string;
  /** Consumers may read the bucket themselves. Default: unless `transfer` is `presigned`. */
  readonly readByIdentity?: Switch;
  /** The second distributor of an account needs another one. Default: `TriggerInitSetRole`, as consumers of old know it. */
  readonly initialSetRoleName?: string;
  /** Consumers may see when their initial set has ended. Default: no. */
  readonly consumersMayWait?: Switch;
  /** How long URLs are valid, at most. Default: 3600. */
  readonly urlSeconds?: number;
  /** After that time without a receipt an artifact is announced again. Default: 900. */
  readonly overdueSeconds?: number;
  /** Days for which versions are kept that are neither current nor missing anywhere. Default: for ever. */
  readonly keepDays?: Given<string>;
  /** `debug`, `info`, `warn` or `error`. Default: `info`. */
  readonly logLevel?: string;
}
