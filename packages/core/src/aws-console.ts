import { findAwsPartition } from "./aws-partitions.ts";

// Addresses in the consoles of AWS. Only texts that are ARNs become addresses: what a record contains is not trusted.

/** The parts of the ARN of a CloudFormation stack. */
export interface StackArn {
  readonly account: string;
  readonly region: string;
  readonly stack: string;
  /** The stack in the console; undefined in a partition whose console is not known. */
  readonly consoleUrl?: string;
}

const STACK = /^arn:(aws[a-z-]*):cloudformation:([a-z0-9-]+):(\d{12}):stack\/([A-Za-z][A-Za-z0-9-]{0,127})\/[\w-]+$/;

/**
 * Parses the ARN of a CloudFormation stack: `arn:aws:cloudformation:eu-west-1:111122223333:stack/shop/0123`. Undefined for
 * another text.
 */
export function parseStackArn(arn: string): StackArn | undefined {
  const [, partition = "", region = "", account = "", stack = ""] = STACK.exec(arn) ?? [];
  if (stack === "") return undefined;
  const domain = findAwsPartition(partition)?.consoleDomain;
  if (domain === undefined) return { account, region, stack };
  const page = `stackinfo?stackId=${encodeURIComponent(arn)}`;
  const consoleUrl = `https://${region}.${domain}/cloudformation/home?region=${region}#/stacks/${page}`;
  return { account, region, stack, consoleUrl };
}

const TASK = /^arn:(aws[a-z-]*):ecs:([a-z0-9-]+):\d{12}:task\/([\w-]+)\/([0-9a-f]{32})$/;

/** Returns the address of a task's logs in the console of ECS; undefined for what is not the ARN of a task there. */
export function toTaskLogsUrl(taskArn: string): string | undefined {
  const [, partition = "", region, cluster, task] = TASK.exec(taskArn) ?? [];
  const domain = findAwsPartition(partition)?.consoleDomain;
  if (domain === undefined) return undefined;
  return `https://${region}.${domain}/ecs/v2/clusters/${cluster}/tasks/${task}/logs?region=${region}`;
}
