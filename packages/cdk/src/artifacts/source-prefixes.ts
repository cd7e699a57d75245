import { Aws, CfnCondition, Fn, Token } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { findCondition, type Given, mapGiven, toValue } from "../given.ts";

/** Key prefixes in the source bucket. */
export interface SourcePrefixes {
  /** Prefix of artifacts with a manifest. Default: the whole bucket. */
  readonly artifactPrefix?: Given<string> | undefined;
  /** Prefix of files that others upload without a manifest; may be empty. Default: no uploads. */
  readonly uploadPrefix?: Given<string> | undefined;
}

/** A single slash means the whole bucket. */
export function openRoot(scope: Construct, uploadPrefix: Given<string>): Given<string> {
  const prefix = toValue(uploadPrefix);
  if (findCondition(uploadPrefix) === undefined) return prefix === "/" ? "" : prefix;
  const isRoot = new CfnCondition(scope, "UploadsAnywhere", { expression: Fn.conditionEquals(prefix, "/") });
  return mapGiven(uploadPrefix, () => Token.asString(Fn.conditionIf(isRoot.logicalId, "", prefix)));
}

/** The objects that are announced: consumers may read no others. */
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
