import { Aws } from "aws-cdk-lib";
import { type Given, mapGiven, toCfn, toValue } from "../given.ts";
import { allow, type Permission } from "./statement.ts";

/** Objects of a bucket whose keys begin so. */
export interface BucketPrefix {
  readonly bucket: string;
  /** Default: the whole bucket. */
  readonly prefix?: Given<string>;
}

/** Returns the prefix of keys as text; empty if a parameter leaves it out. */
export function toPrefix({ prefix = "" }: BucketPrefix): string {
  return toValue(prefix);
}

/** Lists a bucket under a prefix and reads the objects there. A listing of the whole bucket has no prefix. */
export function readObjects(name: string, objects: BucketPrefix): Permission {
  const arn = `arn:${Aws.PARTITION}:s3:::${objects.bucket}`;
  const list = allow("List", ["s3:ListBucket"], arn);
  const { prefix } = objects;
  const only = prefix && mapGiven(prefix, (begin) => ({ StringLike: { "s3:prefix": `${begin}*` } }));
  const limited = only ? { ...list, Condition: toCfn(only, (condition) => condition) } : list;
  return { name, statements: [limited, allow("Read", ["s3:GetObject"], `${arn}/${toPrefix(objects)}*`)] };
}

/** Writes messages that are too large for a queue into a bucket, and reads them. */
export function claimMessages(objects: BucketPrefix): Permission {
  const keys = `arn:${Aws.PARTITION}:s3:::${objects.bucket}/${toPrefix(objects)}*`;
  return { name: "LargeMessages", statements: [allow("PutAndRead", ["s3:PutObject", "s3:GetObject"], keys)] };
}
