import { Aws } from "aws-cdk-lib";
import { allow, type Permission, type Statement } from "./statement.ts";

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
  const statement: Statement = {
    ...allow("OfQueues", ["kms:Decrypt", "kms:GenerateDataKey"], keyArn),
    Condition: { StringEquals: { "kms:ViaService": `sqs.${Aws.REGION}.${Aws.URL_SUFFIX}` } },
  };
  return { name: "QueueKey", statements: [statement] };
}
