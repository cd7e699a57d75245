import { Aws, CfnCondition, Fn, Token } from "aws-cdk-lib";
import type { Code } from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";
import type { FunctionSettings } from "../app-function.ts";
import { findCondition, type Given, mapGiven, type Switch, toValue } from "../given.ts";
import type { UploadSettings } from "../upload-encryption.ts";
import type { TrustedConsumers } from "./announcements.ts";

/** An existing bucket or table under a condition of the template; otherwise a new one is created. */
export interface ExistingMemory {
  readonly bucket?: Given<string>;
  readonly table?: Given<string>;
}

/** The input of a distributor. */
export interface ArtifactDistributorProps extends FunctionSettings, UploadSettings {
  readonly code: Code;
  /** Whom it serves. */
  readonly trusted: TrustedConsumers;
  /**
   * A role of the management account, or of a delegated administrator, that may call `organizations:DescribeAccount`: by it the
   * distributor finds out which accounts have left the organization. Default: the function's own role.
   */
  readonly organizationRoleArn?: Given<string>;
  /** The external id of consumers that request their initial set. Default: none, as for old consumers. */
  readonly externalId?: Given<string>;
  /** The name of the function, at most 42 characters, and of state machine, table and signer. Default: `stackyard-distributor`. */
  readonly name?: string;
  /** An existing bucket of artifacts and table of records. Default: they are created, and retained. */
  readonly existing?: ExistingMemory;
  /** Beginning of the name of the bucket that is made; at most 34 characters. Default: `stackyard-artifact-source`. */
  readonly bucketPrefix?: string;
  /** The customer's key for the bucket. Default: S3's own. */
  readonly kmsKeyArn?: Given<string>;
  /** The customer's key for the topic; its policy must let `sns.amazonaws.com` use it. Default: none. */
  readonly topicKeyArn?: Given<string>;
  /** Beginning of the keys of artifacts. Default: the whole bucket. */
  readonly artifactPrefix?: Given<string>;
  /** Key prefix of files that are uploaded without a manifest. Default: no such uploads. */
  readonly uploadPrefix?: Given<string>;
  /** `identity`, `presigned` or `auto`. Default: `auto`. */
  readonly transfer?: string;
  /** Consumers may read the bucket themselves. Default: unless `transfer` is `presigned`. */
  readonly readByIdentity?: Switch;
  /**
   * The second distributor of an account needs another one. Default: `TriggerInitSetRole`, the name for old consumers.
   */
  readonly initialSetRoleName?: string;
  /** True to let consumers see when their initial set has ended. Default: false. */
  readonly consumersMayWait?: Switch;
  /** The longest time that URLs are valid. Default: 3600. */
  readonly urlSeconds?: number;
  /** After that time without a receipt an artifact is announced again. Default: 900. */
  readonly overdueSeconds?: number;
  /** Days to keep versions that are neither current nor missing anywhere. Default: unlimited. */
  readonly keepDays?: Given<string>;
  /** `debug`, `info`, `warn` or `error`. Default: `info`. */
  readonly logLevel?: string;
}

/** Key prefixes in the source bucket. */
export interface SourcePrefixes {
  /** Prefix of artifacts with a manifest. Default: the whole bucket. */
  readonly artifactPrefix?: Given<string> | undefined;
  /** Prefix of files that others upload without a manifest; may be empty. Default: no uploads. */
  readonly uploadPrefix?: Given<string> | undefined;
}

/** Returns the prefix. A single slash means the whole bucket. */
export function openRoot(scope: Construct, uploadPrefix: Given<string>): Given<string> {
  const prefix = toValue(uploadPrefix);
  if (findCondition(uploadPrefix) === undefined) return prefix === "/" ? "" : prefix;
  const isRoot = new CfnCondition(scope, "UploadsAnywhere", { expression: Fn.conditionEquals(prefix, "/") });
  return mapGiven(uploadPrefix, () => Token.asString(Fn.conditionIf(isRoot.logicalId, "", prefix)));
}

/** Returns the objects that are announced: consumers may read no others. */
export function toAnnouncedObjects(
  bucketArn: string,
  { artifactPrefix = "", uploadPrefix }: SourcePrefixes,
): readonly string[] {
  const artifacts = toObjects(bucketArn, artifactPrefix, toObjects(bucketArn, ""));
  return uploadPrefix === undefined ? [artifacts] : [artifacts, toObjects(bucketArn, uploadPrefix, Aws.NO_VALUE)];
}

function toObjects(bucketArn: string, prefix: Given<string>, otherwise = ""): string {
  const objects = Fn.join("", [bucketArn, "/", toValue(prefix), "*"]);
  const condition = findCondition(prefix);
  return condition === undefined ? objects : Token.asString(Fn.conditionIf(condition.logicalId, objects, otherwise));
}
