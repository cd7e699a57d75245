import { createHash } from "node:crypto";
import {
  type App,
  type CfnElement,
  CfnOutput,
  type IStackSynthesizer,
  LegacyStackSynthesizer,
  Stack,
} from "aws-cdk-lib";
import { CfnFunction } from "aws-cdk-lib/aws-lambda";
import { findCondition, type Given, toValue } from "../given.ts";
import type { QueueAddress, YardQueues } from "../queues.ts";
import type { StoreChoices } from "../yard-settings.ts";

/** Parts of the construct tree with names that are meaningless in the template. */
const UNNAMED = new Set([
  ...["Yard", "App", "Queues", "Functions", "Resource"],
  ...["Adoption", "Copying", "Asking", "Memory", "Announcing", "Receiving", "InitialSets"],
]);

/**
 * A stack with a standalone template: no parameters of the CDK's bootstrap, no assets, no hashes in the names of
 * resources. A release can change how constructs are nested without replacing deployed resources only while these names
 * stay the same, which a test checks.
 */
export class TemplateStack extends Stack {
  constructor(app: App, name: string, description: string) {
    // The interface does not allow undefined where the class may return it; both are from one library.
    const synthesizer = new LegacyStackSynthesizer() as IStackSynthesizer;
    super(app, name, { synthesizer, analyticsReporting: false, description });
  }

  protected override allocateLogicalId(element: CfnElement): string {
    const [, ...path] = element.node.path.split("/");
    return path.filter((part) => !UNNAMED.has(part)).join("");
  }
}

/** Adds the addresses of the queues: for senders of events, for runners elsewhere, and for operators of dead letters. */
export function addQueueOutputs(stack: Stack, queues: YardQueues): void {
  const outputs: readonly (readonly [string, Given<QueueAddress> | undefined, string])[] = [
    ["EventQueue", queues.events, "Queue of events. Senders need sqs:SendMessage on it."],
    ["TaskQueue", queues.tasks, "Queue of tasks."],
    ["TickQueue", queues.ticks, "Queue of what is due soon."],
    ["LongTaskQueue", queues.longTasks, "Queue of tasks that do not fit a function's time."],
    ["EventDeadLetterQueue", queues.eventDeadLetters, "Dead-lettered events with their reasons."],
    ["TaskDeadLetterQueue", queues.taskDeadLetters, "Dead-lettered task messages with their reasons."],
  ];
  for (const [name, queue, description] of outputs) {
    if (queue !== undefined) addQueueOutput(stack, name, queue, description);
  }
}

/** Adds the names of the tables, or the secret of the database, named like the parameters of runners and services. */
export function addStoreOutputs(stack: Stack, stores: StoreChoices): void {
  for (const choice of stores) {
    const store = toValue(choice);
    const condition = findCondition(choice);
    const outputs: readonly (readonly [string, string, string])[] =
      store.kind === "postgres"
        ? [["ConnectionSecretArn", store.secretArn, "Secret of the database."]]
        : [
            ["StacksTable", store.stacks.name, "Table of stacks."],
            ["WorkTable", store.work.name, "Table of everything else."],
          ];
    for (const [name, value, description] of outputs) {
      const output = addOutput(stack, name, value, description);
      if (condition !== undefined) output.condition = condition;
    }
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

/** Adds an output, which may have the name of a resource or a parameter; a construct may not. */
export function addOutput(stack: Stack, name: string, value: string, description: string): CfnOutput {
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

/** A file that a template contains. */
export interface InlineFile {
  /** The name of its output: `CopyCodeSha256`. */
  readonly output: string;
  /** The path where the repository's build writes it. */
  readonly file: string;
  readonly text: string;
  /** The logical ids of the functions with this code. */
  readonly functions: readonly string[];
}

const LICENSE = "MIT; packages within it as the notices and the bill of materials of the consumer's zip say";

/** Adds a description of each file, and its digest here and in outputs: minified code is hard to read, but a digest is easy to compare. */
export function describeInlineCode(stack: Stack, files: readonly InlineFile[]): void {
  const made = stack.node.findAll().filter((each) => each instanceof CfnFunction);
  for (const { output, file, text, functions } of files) {
    const sha256 = createHash("sha256").update(text).digest("hex");
    const bytes = Buffer.byteLength(text);
    for (const each of made.filter((each) => functions.includes(stack.getLogicalId(each)))) {
      each.addMetadata("Stackyard", { File: file, Bytes: bytes, Sha256: sha256, License: LICENSE });
    }
    addOutput(stack, output, sha256, `SHA-256 of ${file}, the index.js of its functions.`);
  }
}
