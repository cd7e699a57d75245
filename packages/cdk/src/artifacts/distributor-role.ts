import { defined } from "@stackyard/core";
import { Aws, Fn } from "aws-cdk-lib";
import { CfnRole } from "aws-cdk-lib/aws-iam";
import type { Construct } from "constructs";
import { toRolePolicies } from "../app-function.ts";
import { type Given, mapGiven, toCfnText } from "../given.ts";
import {
  announce,
  endSubscriptions,
  findMembers,
  keepArtifacts,
  keepRecords,
  readSigned,
  removeArtifacts,
  sendFailures,
  startInitialSets,
  takeOrganizationRole,
  takeSignerRole,
  useKeyVia,
} from "../policies/artifact-permissions.ts";
import type { Permission } from "../policies/statement.ts";
import { toBucketArn } from "../policies/statement.ts";
import { toUploadEnvironment, toUploadPermissions } from "../upload-encryption.ts";
import type { Variables } from "../yard-settings.ts";
import type { ArtifactDistributorProps } from "./distributor-props.ts";
import { type SourcePrefixes, toAnnouncedObjects } from "./distributor-props.ts";

/** The resources that the function of a distributor uses. */
export interface DistributorParts {
  readonly bucket: string;
  readonly table: { readonly name: string; readonly arn: string };
  readonly topicArn: string;
  readonly receiptBusArn: string;
  readonly failuresArn: string;
  readonly machineArn: string;
  readonly signerName: string;
  readonly prefixes: SourcePrefixes;
}

/** Returns the variables of the function. */
export function toDistributorEnvironment(props: ArtifactDistributorProps, parts: DistributorParts): Variables {
  const { accounts, organizationId } = props.trusted;
  return {
    ARTIFACTS_BUCKET: parts.bucket,
    ARTIFACT_PREFIX: props.artifactPrefix,
    UPLOAD_PREFIX: props.uploadPrefix,
    DISTRIBUTION_TOPIC: parts.topicArn,
    RECEIPT_BUS: parts.receiptBusArn,
    RECORDS_TABLE: parts.table.name,
    TRUSTED_ACCOUNTS: accounts && mapGiven(accounts, (numbers) => Fn.join(",", [...numbers])),
    ORGANIZATION_ID: organizationId,
    ORGANIZATION_ROLE: props.organizationRoleArn,
    SIGNER_ROLE: toRoleArn(parts.signerName),
    INITIAL_SET_MACHINE: parts.machineArn,
    URL_SECONDS: toText(props.urlSeconds),
    OVERDUE_SECONDS: toText(props.overdueSeconds),
    KEEP_DAYS: props.keepDays,
    TRANSFER: props.transfer,
    LOG_LEVEL: props.logLevel,
    ...toUploadEnvironment(props),
  };
}

/** Returns the permissions of the function. */
export function toDistributorPermissions(
  props: ArtifactDistributorProps,
  parts: DistributorParts,
): readonly Given<Permission>[] {
  const { kmsKeyArn, topicKeyArn, keepDays, organizationRoleArn, trusted } = props;
  const objectKey = (arn: string) => useKeyVia("ArtifactsKey", "s3", arn, ["kms:Decrypt", "kms:GenerateDataKey"]);
  const topicKey = (arn: string) => useKeyVia("TopicKey", "sns", arn, ["kms:Decrypt", "kms:GenerateDataKey"]);
  const { artifactPrefix } = parts.prefixes;
  const toObjects = (prefixes: SourcePrefixes) => toAnnouncedObjects(toBucketArn(parts.bucket), prefixes);
  return [
    keepRecords(parts.table.arn),
    keepArtifacts(parts.bucket, toObjects({ artifactPrefix })),
    ...(keepDays === undefined ? [] : [mapGiven(keepDays, () => removeArtifacts(toObjects(parts.prefixes)))]),
    announce(parts.topicArn),
    endSubscriptions(parts.topicArn),
    ...(trusted.organizationId === undefined ? [] : [mapGiven(trusted.organizationId, findMembers)]),
    ...(organizationRoleArn === undefined ? [] : [mapGiven(organizationRoleArn, takeOrganizationRole)]),
    startInitialSets(parts.machineArn),
    takeSignerRole(toRoleArn(parts.signerName)),
    sendFailures(parts.failuresArn),
    ...(kmsKeyArn === undefined ? [] : [mapGiven(kmsKeyArn, objectKey)]),
    ...(topicKeyArn === undefined ? [] : [mapGiven(topicKeyArn, topicKey)]),
    ...toUploadPermissions(props),
  ];
}

/**
 * Creates the role that signs URLs, which only the function assumes. A function's own credentials expire at an unknown
 * time, and so does a URL signed with them; the credentials of an assumed role include their expiry.
 */
export function createSignerRole(
  scope: Construct,
  id: string,
  input: {
    readonly props: ArtifactDistributorProps;
    readonly parts: DistributorParts;
    readonly functionRoleArn: string;
  },
): CfnRole {
  const { props, parts, functionRoleArn } = input;
  const { kmsKeyArn, permissionsBoundaryArn } = props;
  const decrypt = (arn: string) => useKeyVia("ArtifactsKey", "s3", arn, ["kms:Decrypt"]);
  return new CfnRole(scope, id, {
    // The function's own role names this role before it exists.
    roleName: parts.signerName,
    description: "Stackyard: signs URLs of artifacts.",
    assumeRolePolicyDocument: {
      Version: "2012-10-17",
      Statement: [{ Sid: "Take", Effect: "Allow", Principal: { AWS: functionRoleArn }, Action: "sts:AssumeRole" }],
    },
    policies: toRolePolicies([
      readSigned(toAnnouncedObjects(toBucketArn(parts.bucket), parts.prefixes)),
      ...(kmsKeyArn === undefined ? [] : [mapGiven(kmsKeyArn, decrypt)]),
    ]),
    ...defined({ permissionsBoundary: permissionsBoundaryArn && toCfnText(permissionsBoundaryArn) }),
  });
}

function toRoleArn(name: string): string {
  return Fn.join("", ["arn:", Aws.PARTITION, ":iam::", Aws.ACCOUNT_ID, ":role/", name]);
}

function toText(value: number | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}
