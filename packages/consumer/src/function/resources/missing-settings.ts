import type { LifecycleRule, PublicAccessBlockConfiguration, Tag } from "@aws-sdk/client-s3";
import { StackyardError } from "@stackyard/core";
import { isObject, type JsonObject } from "../../parse-json.ts";
import type { BucketPlace } from "./bucket-place.ts";

const ABORT_DAYS = 7;
const MAX_TAGS = 50;
const TLS_ONLY = "StackyardTlsOnly";

/** True when nothing of the bucket can be public. */
export function hasAllBlocked(found: PublicAccessBlockConfiguration | undefined): boolean {
  const { BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets } = found ?? {};
  return [BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets].every((each) => each === true);
}

/** The rules with one that ends uploads which nobody goes on with; undefined: there is one that does so no later. */
export function completeRules(rules: readonly LifecycleRule[]): LifecycleRule[] | undefined {
  if (rules.some(endsUploads)) return undefined;
  const own: LifecycleRule = {
    ID: "stackyard-end-uploads",
    Status: "Enabled",
    Filter: { Prefix: "" },
    AbortIncompleteMultipartUpload: { DaysAfterInitiation: ABORT_DAYS },
  };
  return [...rules.filter(({ ID }) => ID !== own.ID), own];
}

function endsUploads({ Status, Filter, Prefix, AbortIncompleteMultipartUpload }: LifecycleRule): boolean {
  const { DaysAfterInitiation = Number.POSITIVE_INFINITY } = AbortIncompleteMultipartUpload ?? {};
  const isForAll = Object.values(Filter ?? {}).every((part) => part === undefined || part === "") && !Prefix;
  return Status === "Enabled" && isForAll && DaysAfterInitiation <= ABORT_DAYS;
}

/** The policy with a refusal of requests without TLS; undefined: it has one. The statements of others stay as they are. */
export function completePolicy(text: string | undefined, { bucket, region }: BucketPlace): string | undefined {
  const policy = text === undefined ? { Version: "2012-10-17" } : parsePolicy(text, bucket);
  const statements = toList(policy["Statement"]);
  if (statements.some(isTlsOnly)) return undefined;
  const arn = `arn:${toPartition(region)}:s3:::${bucket}`;
  const own = {
    Sid: TLS_ONLY,
    Effect: "Deny",
    Principal: "*",
    Action: "s3:*",
    Resource: [arn, `${arn}/*`],
    Condition: { Bool: { "aws:SecureTransport": "false" } },
  };
  return JSON.stringify({ ...policy, Statement: [...statements, own] });
}

/** Whoever else denies it for all may have written it otherwise; a second denial takes nothing away. */
function isTlsOnly(statement: unknown): boolean {
  return isObject(statement) && statement["Sid"] === TLS_ONLY && statement["Effect"] === "Deny";
}

function parsePolicy(text: string, bucket: string): JsonObject {
  const policy: unknown = JSON.parse(text);
  if (isObject(policy)) return policy;
  throw new StackyardError("CONFIG_INVALID", `The policy of the bucket ${bucket} cannot be read.`);
}

function toList(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

function toPartition(region: string): string {
  if (region.startsWith("cn-")) return "aws-cn";
  if (region.startsWith("eusc-")) return "aws-eusc";
  return region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
}

/** The tags with ours; undefined: they are there, or there is no room. The first stack that has taken a bucket stays its tag. */
export function completeTags(tags: readonly Tag[], stackId: string): Tag[] | undefined {
  const own = [
    { Key: "stackyard:part", Value: "consumer" },
    { Key: "stackyard:stack", Value: stackId.slice(0, 256) },
  ];
  const missing = own.filter(({ Key }) => !tags.some((tag) => tag.Key === Key));
  if (missing.length === 0 || tags.length + missing.length > MAX_TAGS) return undefined;
  return [...tags, ...missing];
}
