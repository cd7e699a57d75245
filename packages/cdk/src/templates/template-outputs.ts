import { CfnOutput, type Stack } from "aws-cdk-lib";
import type { StoreChoices } from "../functions/yard-settings.ts";
import { findCondition, type Given, toValue } from "../given.ts";
import type { QueueAddress } from "../queues/queue-address.ts";
import type { YardQueues } from "../queues/yard-queues.ts";

/** Adds the addresses of the queues: for senders of events, for runners elsewhere, and for operators of dead letters. */
export function addQueueOutputs(stack: Stack, queues: YardQueues): void {
  const told: readonly (readonly [string, Given<QueueAddress> | undefined, string])[] = [
    ["EventQueue", queues.events, "Queue of events: whoever sends one needs sqs:SendMessage on it."],
    ["TaskQueue", queues.tasks, "Queue of tasks."],
    ["TickQueue", queues.ticks, "Queue of what is due soon."],
    ["LongTaskQueue", queues.longTasks, "Queue of tasks that do not fit a function's time."],
    ["EventDeadLetterQueue", queues.eventDeadLetters, "Events that were given up, with their reasons."],
    ["TaskDeadLetterQueue", queues.taskDeadLetters, "Task messages that were given up, with their reasons."],
  ];
  for (const [name, queue, description] of told) {
    if (queue !== undefined) addQueueOutput(stack, name, queue, description);
  }
}

/** Adds the names of the tables, or of the secret. */
export function addStoreOutputs(stack: Stack, stores: StoreChoices): void {
  for (const choice of stores) {
    const store = toValue(choice);
    const condition = findCondition(choice);
    const add = (name: string, value: string, description: string) => {
      const output = new CfnOutput(stack, name, { value, description });
      if (condition !== undefined) output.condition = condition;
    };
    if (store.kind === "postgres") continue;
    add("StacksTableName", store.stacks.name, "Table of stacks.");
    add("WorkTableName", store.work.name, "Table of everything else.");
  }
}

/** Adds a function's name and role. */
export function addFunctionOutputs(
  stack: Stack,
  app: string,
  { name, role }: { readonly name: string; readonly role: { readonly roleArn: string } },
): void {
  new CfnOutput(stack, `${app}FunctionName`, { value: name, description: "Function." });
  new CfnOutput(stack, `${app}RoleArn`, { value: role.roleArn, description: "Its role; roles in targets trust it." });
}

/** An output may have the name of a resource or a parameter; a construct may not. */
export function addOutput(
  stack: Stack,
  name: string,
  { value, description }: { readonly value: string; readonly description: string },
): CfnOutput {
  const output = new CfnOutput(stack, `${name}Output`, { value, description });
  output.overrideLogicalId(name);
  return output;
}

function addQueueOutput(stack: Stack, name: string, queue: Given<QueueAddress>, description: string): void {
  const { url, arn } = toValue(queue);
  const condition = findCondition(queue);
  for (const [ending, value] of [["Url", url] as const, ["Arn", arn] as const]) {
    // An output must not have the name of a resource: the URL of EventQueue is EventQueueUrl.
    const output = new CfnOutput(stack, `${name}${ending}`, { value, description });
    if (condition !== undefined) output.condition = condition;
  }
}
