import {
  type CloudFormationClient,
  DescribeStacksCommand,
  paginateDescribeStacks,
  type Stack,
} from "@aws-sdk/client-cloudformation";
import { findAwsFault, toAwsError } from "@stackyard/aws";

/** A stack as it stands. */
export interface StackFacts {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly reason: string | undefined;
  /** Values of NoEcho parameters are asterisks. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly outputs: Readonly<Record<string, string>>;
  readonly tags: ReadonlyMap<string, string>;
  /** ISO 8601. */
  readonly changedAt: string;
}

/** A stack by name or id; undefined: there is none of that name, or it was deleted. */
export async function findStack(client: CloudFormationClient, name: string): Promise<StackFacts | undefined> {
  try {
    const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName: name }));
    return stack && toFacts(stack);
  } catch (error) {
    const { name: fault } = findAwsFault(error);
    // CloudFormation has no error of its own for it (API reference, "DescribeStacks").
    if (fault === "ValidationError" && String(error).includes("does not exist")) return undefined;
    throw toAwsError(error, `CloudFormation does not say how the stack ${name} stands.`);
  }
}

/** All stacks of the account and region that are not deleted. */
export async function listStacks(client: CloudFormationClient): Promise<readonly StackFacts[]> {
  const found: StackFacts[] = [];
  try {
    for await (const { Stacks = [] } of paginateDescribeStacks({ client }, {})) found.push(...Stacks.map(toFacts));
  } catch (error) {
    throw toAwsError(error, "CloudFormation does not list its stacks.");
  }
  return found;
}

function toFacts(stack: Stack): StackFacts {
  const { StackId: id = "", StackName: name = "", StackStatus: status = "", StackStatusReason: reason } = stack;
  const changedAt = stack.LastUpdatedTime ?? stack.CreationTime ?? new Date(0);
  return {
    id,
    name,
    status,
    reason,
    changedAt: changedAt.toISOString(),
    parameters: new Map(
      stack.Parameters?.map(({ ParameterKey = "", ParameterValue = "" }) => [ParameterKey, ParameterValue]),
    ),
    outputs: Object.fromEntries(
      stack.Outputs?.map(({ OutputKey = "", OutputValue = "" }) => [OutputKey, OutputValue]) ?? [],
    ),
    tags: new Map(stack.Tags?.map(({ Key = "", Value = "" }) => [Key, Value])),
  };
}
