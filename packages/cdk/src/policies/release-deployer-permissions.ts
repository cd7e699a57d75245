import { Aws } from "aws-cdk-lib";
import { allow, type Permission } from "./statement.ts";

/** The resources that the deployer's function uses. */
export interface ReleaseDeployerRights {
  readonly bucket: string;
  readonly lockTable: string;
  /** The role in each account: its name. */
  readonly assumedRole: string;
}

/**
 * Reads documents, and writes locks and answers to halts; the clients that release write the documents. Without the right to list, S3
 * reports a missing key as forbidden ("GetObject", Permissions). Assumes the role in each account.
 */
export function deployReleases({ bucket, lockTable, assumedRole }: ReleaseDeployerRights): readonly Permission[] {
  const arn = `arn:${Aws.PARTITION}:s3:::${bucket}`;
  const table = `arn:${Aws.PARTITION}:dynamodb:${Aws.REGION}:${Aws.ACCOUNT_ID}:table/${lockTable}`;
  const written = ["lock", "lock-token", "halt"].map((name) => `${arn}/*/${name}`);
  const roles = `arn:${Aws.PARTITION}:iam::*:role/${assumedRole}`;
  return [
    {
      name: "Documents",
      statements: [
        allow("SeeWhatIsMissing", ["s3:ListBucket"], arn),
        allow("Read", ["s3:GetObject"], `${arn}/*`),
        allow("WriteLocksAndHalts", ["s3:PutObject", "s3:DeleteObject"], written),
      ],
    },
    {
      name: "Locks",
      statements: [allow("Items", ["dynamodb:PutItem", "dynamodb:DeleteItem"], table)],
    },
    { name: "Accounts", statements: [allow("TakeRole", ["sts:AssumeRole", "sts:TagSession"], roles)] },
  ];
}

/** Reads and writes objects under the customer managed key, and only through S3. */
export function readEncrypted(keyArn: string): Permission {
  const viaS3 = { StringEquals: { "kms:ViaService": `s3.${Aws.REGION}.${Aws.URL_SUFFIX}` } };
  return {
    name: "DocumentsKey",
    statements: [{ ...allow("OfObjects", ["kms:Decrypt", "kms:GenerateDataKey"], keyArn), Condition: viaS3 }],
  };
}
