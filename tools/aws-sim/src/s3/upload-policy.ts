import { findText, type SimCall } from "../sim-call.ts";
import { type Bucket, s3Faults } from "./buckets.ts";

/** The headers of an upload that policies compare (Service authorization reference, "Condition keys for Amazon S3"). */
const FIELDS: Readonly<Record<string, string>> = {
  "s3:x-amz-server-side-encryption": "ServerSideEncryption",
  "s3:x-amz-server-side-encryption-aws-kms-key-id": "SSEKMSKeyId",
};

/**
 * Throws as S3 does for an upload that the bucket's policy denies: the statement sees what was sent, not how the bucket
 * encrypts by default (S3 guide, "Using server-side encryption with Amazon S3 managed keys", bucket policy).
 */
export function checkUploadPolicy({ settings }: Bucket, { input, identity }: SimCall): void {
  const policy: unknown = Object(settings.get("BucketPolicy")).Policy;
  if (typeof policy !== "string") return;
  const statements: readonly unknown[] = [Object(JSON.parse(policy)).Statement ?? []].flat();
  if (statements.some((each) => denies(each, input))) {
    throw s3Faults.deniedExplicitly(identity.arn, "s3:PutObject");
  }
}

function denies(statement: unknown, input: SimCall["input"]): boolean {
  const { Effect, Action, Condition } = Object(statement);
  const actions: readonly unknown[] = [Action].flat();
  if (Effect !== "Deny" || !actions.some((each) => each === "s3:PutObject" || each === "s3:*")) return false;
  const tests = Object.entries(Object(Condition ?? {})).flatMap(([operator, keys]) =>
    Object.entries(Object(keys)).map(([key, expected]) => ({ operator, key: key.toLowerCase(), expected })),
  );
  const isAboutUploads = tests.length > 0 && tests.every(({ key }) => Object.hasOwn(FIELDS, key));
  return isAboutUploads && tests.every((test) => matches(test, findText(input, FIELDS[test.key] ?? "")));
}

/** The operators that such policies use (IAM guide, "IAM JSON policy elements: Condition operators"). */
function matches({ operator, expected }: { readonly operator: string; readonly expected: unknown }, sent?: string) {
  const values = [expected].flat().map(String);
  if (operator === "Null") return values.includes(String(sent === undefined));
  if (operator === "StringNotEquals") return sent === undefined || !values.includes(sent);
  if (operator === "StringNotEqualsIfExists") return sent !== undefined && !values.includes(sent);
  return false;
}

/** Returns the policy that many organizations use: no upload without the header. */
export function toEncryptionPolicy(bucket: string, kind: string | undefined): string {
  const header = "s3:x-amz-server-side-encryption";
  const Condition = kind === undefined ? { Null: { [header]: "true" } } : { StringNotEquals: { [header]: kind } };
  const Resource = `arn:aws:s3:::${bucket}/*`;
  const Statement = [{ Effect: "Deny", Principal: "*", Action: "s3:PutObject", Resource, Condition }];
  return JSON.stringify({ Version: "2012-10-17", Statement });
}
