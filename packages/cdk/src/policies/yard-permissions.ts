import { Aws } from "aws-cdk-lib";
import { type Given, mapGiven, type Switch, toCfn, toValue, whereOn } from "../given.ts";
import { allow, type Permission, type Statement, viaService, withEnding } from "./statement.ts";

/** Writes into one log group. The group exists; a role cannot create one. */
export function writeLogs(logGroupArn: string): Permission {
  return { name: "Logs", statements: [allow("Write", ["logs:CreateLogStream", "logs:PutLogEvents"], logGroupArn)] };
}

/** Reads one secret. */
export function readSecret(secretArn: string): Permission {
  return { name: "StoreSecret", statements: [allow("ConnectionSecret", ["secretsmanager:GetSecretValue"], secretArn)] };
}

/**
 * Lets Lambda place a function in subnets. These calls have no resources before they are created.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
 */
export function placeInSubnets(): Permission {
  const actions = [
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
  ];
  return { name: "Subnets", statements: [allow("NetworkInterfaces", actions, "*")] };
}

/** Uses the customer managed key of queues, and only through SQS. A sender to a queue needs a data key too. */
export function useQueueKey(keyArn: string): Permission {
  const use = allow("OfQueues", ["kms:Decrypt", "kms:GenerateDataKey"], keyArn);
  return { name: "QueueKey", statements: [viaService("sqs", use)] };
}

/**
 * Generates and decrypts data keys that seal what a yard stores, and no others.
 * Source: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-encryption-context
 */
export function sealWith(keyArn: string, yardName: string): Permission {
  const context = {
    "kms:EncryptionContext:stackyard:yard": yardName,
    "kms:EncryptionContext:stackyard:purpose": "seal",
  };
  const statement: Statement = {
    ...allow("DataKeys", ["kms:Decrypt", "kms:GenerateDataKey"], keyArn),
    Condition: { StringEquals: context },
  };
  return { name: "SealKey", statements: [statement] };
}

/** Objects of a bucket with this key prefix. */
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

/**
 * Writes whole logs of tasks into a bucket, and reads them. Without the right to list, S3 reports a missing key as forbidden
 * ("GetObject", Permissions).
 */
export function keepTaskLogs(objects: BucketPrefix): Permission {
  const arn = `arn:${Aws.PARTITION}:s3:::${objects.bucket}`;
  const keys = `${arn}/${toPrefix(objects)}*`;
  return {
    name: "TaskLogs",
    statements: [
      allow("SeeWhatIsMissing", ["s3:ListBucket"], arn),
      allow("Keep", ["s3:PutObject", "s3:GetObject"], keys),
    ],
  };
}

const ITEMS = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"];

/** Returns the permission for the store's calls on its two tables: no transactions, and no creation of tables. */
export function toDynamodbPermission(tables: { readonly stacksArn: string; readonly workArn: string }): Permission {
  const { stacksArn, workArn } = tables;
  return {
    name: "StoreTables",
    statements: [
      allow("Stacks", ["dynamodb:DescribeTable", ...ITEMS, "dynamodb:Scan"], stacksArn),
      allow("StacksThatAreDue", ["dynamodb:Query"], `${stacksArn}/index/*`),
      allow("Work", ["dynamodb:DescribeTable", ...ITEMS, "dynamodb:UpdateItem"], workArn),
      allow("WorkInOrder", ["dynamodb:Query"], [workArn, `${workArn}/index/*`]),
    ],
  };
}

/** Returns the permission of `readByLambda`, plus that for the function to set when a failed message is redelivered. */
export function workByLambda(sid: string, queueArn: string): Statement {
  return allow(sid, [...READ_ACTIONS, "sqs:ChangeMessageVisibility"], queueArn);
}

/**
 * Returns the permission with which Lambda reads a queue with a function's role; the function itself neither reads nor
 * hides messages. Source:
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-permissions
 */
export function readByLambda(sid: string, queueArn: string): Statement {
  return allow(sid, READ_ACTIONS, queueArn);
}

const READ_ACTIONS = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"] as const;

/** Returns the permission of a container, which keeps a message hidden while it runs the task. */
export function readByContainer(sid: string, queueArn: string): Statement {
  return allow(sid, ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"], queueArn);
}

/** Sends messages, individually or in batches. */
export function sendTo(sid: string, queueArn: string): Statement {
  return allow(sid, ["sqs:SendMessage"], queueArn);
}

/** The permissions of a runner's executors, beyond the yard itself. Resources of Terraform need further policies. */
export interface ExecutorRights {
  /** Functions that tasks of `lambda` call: ARNs, with `:*` for their versions and aliases. Default: none. */
  readonly functionArns?: Given<readonly string[]>;
  /** Buckets with the sources of `terraform`: their ARNs. Default: none. */
  readonly sourceBucketArns?: Given<readonly string[]>;
  /** Roles in targets that the runner assumes. Default: none. */
  readonly targetRoleArns?: Given<readonly string[]>;
  /** The function of the distributor of build artifacts, which `artifacts` of `gate` asks: its ARN. Default: none. */
  readonly distributorArn?: Given<string>;
  /** Lets tasks `gate` and `deploy` read the CloudWatch alarms that they name, in this account. Default: `false`. */
  readonly readsAlarms?: Switch;
}

/** Returns the permissions of those rights, one policy each. */
export function toExecutorPermissions(rights: ExecutorRights): readonly Given<Permission>[] {
  const { functionArns, sourceBucketArns, targetRoleArns, distributorArn, readsAlarms = false } = rights;
  return [
    ...(functionArns === undefined ? [] : [mapGiven(functionArns, callFunctions)]),
    ...(sourceBucketArns === undefined ? [] : [mapGiven(sourceBucketArns, readSources)]),
    ...(targetRoleArns === undefined ? [] : [mapGiven(targetRoleArns, takeRoles)]),
    ...(distributorArn === undefined ? [] : [mapGiven(distributorArn, askDistributor)]),
    ...whereOn(readsAlarms, READ_ALARMS),
  ];
}

function callFunctions(arns: readonly string[]): Permission {
  return { name: "Functions", statements: [allow("Call", ["lambda:InvokeFunction"], arns)] };
}

/** It is called by its name, without a version or an alias. */
function askDistributor(arn: string): Permission {
  return { name: "Distributor", statements: [allow("Ask", ["lambda:InvokeFunction"], arn)] };
}

/**
 * With a narrower scope than `*`, both calls return no composite alarms. Source: CloudWatch API reference,
 * "DescribeAlarms" and "DescribeAlarmHistory".
 */
const READ_ALARMS: Permission = {
  name: "Alarms",
  statements: [allow("Read", ["cloudwatch:DescribeAlarms", "cloudwatch:DescribeAlarmHistory"], "*")],
};

function readSources(arns: readonly string[]): Permission {
  const statements = [allow("List", ["s3:ListBucket"], arns), allow("Read", ["s3:GetObject"], withEnding(arns, "/*"))];
  return { name: "Sources", statements };
}

function takeRoles(arns: readonly string[]): Permission {
  return { name: "Targets", statements: [allow("TakeRoles", ["sts:AssumeRole", "sts:TagSession"], arns)] };
}
