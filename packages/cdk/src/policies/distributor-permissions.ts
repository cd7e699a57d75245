import { Aws } from "aws-cdk-lib";
import { toBucketArn } from "./bucket-arn.ts";
import { allow, type Permission } from "./statement.ts";

/** Registry, coverage and outbox. */
export function keepRecords(tableArn: string): Permission {
  const items = ["GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"].map((call) => `dynamodb:${call}`);
  return { name: "Records", statements: [allow("Items", items, tableArn)] };
}

/**
 * Reads artifacts, and writes manifests of files that others have uploaded, which are among the artifacts. Without the right to list, S3
 * reports a missing key as forbidden ("GetObject", Permissions).
 */
export function keepArtifacts(bucket: string, manifests: readonly string[]): Permission {
  const arn = toBucketArn(bucket);
  return {
    name: "Artifacts",
    statements: [
      allow("SeeWhatIsMissing", ["s3:ListBucket"], arn),
      allow("Read", ["s3:GetObject", "s3:GetObjectVersion"], `${arn}/*`),
      allow("WriteManifests", ["s3:PutObject"], manifests),
    ],
  };
}

/** Removes expired versions by their version ids, which needs a separate permission. */
export function removeArtifacts(objects: readonly string[]): Permission {
  return { name: "Retention", statements: [allow("Remove", ["s3:DeleteObject", "s3:DeleteObjectVersion"], objects)] };
}

/** Announces versions, and notifies the account when a version is present everywhere. */
export function announce(topicArn: string): Permission {
  const bus = `arn:${Aws.PARTITION}:events:${Aws.REGION}:${Aws.ACCOUNT_ID}:event-bus/default`;
  return {
    name: "Announcements",
    statements: [allow("Publish", ["sns:Publish"], topicArn), allow("TellCovered", ["events:PutEvents"], bus)],
  };
}

/** Starts initial sets. */
export function startInitialSets(machineArn: string): Permission {
  return { name: "InitialSets", statements: [allow("Start", ["states:StartExecution"], machineArn)] };
}

/** Assumes the role that signs URLs, whose credentials have a known expiry. */
export function takeSignerRole(roleArn: string): Permission {
  return { name: "Signer", statements: [allow("TakeRole", ["sts:AssumeRole"], roleArn)] };
}

/** The objects that a URL may name. */
export function readSigned(objects: readonly string[]): Permission {
  return { name: "Artifacts", statements: [allow("Read", ["s3:GetObject", "s3:GetObjectVersion"], objects)] };
}

/** Uses the customer managed key of the bucket or of the topic, and only through these services. */
export function useKeyVia(name: string, service: "s3" | "sns", keyArn: string, actions: readonly string[]): Permission {
  const Condition = { StringEquals: { "kms:ViaService": `${service}.${Aws.REGION}.${Aws.URL_SUFFIX}` } };
  return { name, statements: [{ ...allow("Use", actions, keyArn), Condition }] };
}

/** Lets Lambda send the events there that the function failed to process. */
export function sendFailures(queueArn: string): Permission {
  return { name: "Failures", statements: [allow("Send", ["sqs:SendMessage"], queueArn)] };
}
