import { MAX_DELIVERIES } from "../parts.ts";
import { evaluateFunctions, type FunctionFacts, loadFunctions } from "./check-functions.ts";
import { type Finding, fail, look, ok, warn, type YardScene } from "./finding.ts";
import { loadQueue, type PolicyStatement, type QueueFacts, type QueueRole } from "./load-queue.ts";
import { findYardRegion } from "./open-yard.ts";

/** The findings about queues and the functions that read them. */
export interface CheckedQueues {
  readonly findings: readonly Finding[];
  readonly queues: readonly QueueFacts[];
  readonly functions: readonly FunctionFacts[];
}

/** Looks at all queues of a yard and at the functions that read them. Never throws. */
export async function checkQueues(scene: YardScene): Promise<CheckedQueues> {
  const { SQSClient } = await import("@aws-sdk/client-sqs");
  const sqs = scene.aws.client(SQSClient, undefined);
  const region = findYardRegion(scene.yard, scene.deps.environment);
  const found = listQueues(scene).map(async ([role, url]) => {
    const facts: QueueFacts[] = [];
    const findings = await look("queue", "Correct its URL, or its policy.", async () => {
      facts.push(await loadQueue(sqs, role, url));
      return [];
    });
    return { facts, findings: [...evaluateAddress(url, region), ...findings] };
  });
  const looked = await Promise.all(found);
  const queues = looked.flatMap(({ facts }) => facts);
  const { functions, findings } = await checkFunctions(scene, queues);
  return {
    queues,
    functions,
    findings: [
      ...looked.flatMap((each) => each.findings),
      ...queues.flatMap((queue) => evaluateQueue(queue, toSurroundings(queue, queues, functions))),
      ...findings,
    ],
  };
}

function listQueues({ parts }: YardScene): readonly (readonly [QueueRole, string])[] {
  const { events, tasks, longTasks, ticks, eventDeadLetters, taskDeadLetters } = parts.queues;
  const all: readonly (readonly [QueueRole, string | undefined])[] = [
    ["events", events],
    ["tasks", tasks],
    ["longTasks", longTasks],
    ["ticks", ticks],
    ["eventDeadLetters", eventDeadLetters],
    ["taskDeadLetters", taskDeadLetters],
  ];
  return all.flatMap(([role, url]) => (url === undefined ? [] : [[role, url] as const]));
}

async function checkFunctions(
  { aws }: YardScene,
  queues: readonly QueueFacts[],
): Promise<Pick<CheckedQueues, "functions" | "findings">> {
  const { LambdaClient } = await import("@aws-sdk/client-lambda");
  const functions: FunctionFacts[] = [];
  const hint = "Allow lambda:ListEventSourceMappings and lambda:GetFunctionConfiguration, to see who reads the queues.";
  const findings = await look("function", hint, async () => {
    functions.push(...(await loadFunctions(aws.client(LambdaClient, undefined), queues)));
    return evaluateFunctions(functions, queues);
  });
  // A yard of containers has no functions, and a user without permission to read them can still use the yard.
  const softened = findings.map((each): Finding => {
    return functions.length === 0 && each.status === "fail" ? { ...each, status: "warn" } : each;
  });
  return { functions, findings: softened };
}

function toSurroundings(
  { role }: QueueFacts,
  queues: readonly QueueFacts[],
  functions: readonly FunctionFacts[],
): QueueSurroundings {
  const timeouts = functions.filter(({ queue }) => queue === role).map(({ timeoutMs }) => timeoutMs);
  const target = role === "events" ? "eventDeadLetters" : "taskDeadLetters";
  return {
    deadLetters: queues.find((queue) => queue.role === target),
    timeoutMs: timeouts.length === 0 ? undefined : Math.max(...timeouts),
  };
}

/** The related parts of a queue. */
interface QueueSurroundings {
  /** Where its messages should go that are given up, where the yard names one. */
  readonly deadLetters: QueueFacts | undefined;
  /** The longest timeout of the functions that read it. Undefined when no function reads it. */
  readonly timeoutMs: number | undefined;
}

/** AWS advises six times, so that a batch that was throttled meanwhile is not delivered twice. */
const VISIBILITY_FACTOR = 6;

/** Returns the findings about a queue: one line if it has no faults, or all faults. */
export function evaluateQueue(queue: QueueFacts, { deadLetters, timeoutMs }: QueueSurroundings): readonly Finding[] {
  const isDeadLetters = queue.role === "eventDeadLetters" || queue.role === "taskDeadLetters";
  const faults = [
    ...evaluatePolicy(queue),
    ...(isDeadLetters ? evaluateDeadLetters(queue) : evaluateVisibility(queue, timeoutMs)),
    // Due work is in the store: a tick that is lost comes again.
    ...(isDeadLetters || queue.role === "ticks" ? [] : evaluateRedrive(queue, deadLetters)),
  ];
  return faults.length === 0 ? [ok("queue", formatQueue(queue))] : faults;
}

function formatQueue({ name, isFifo, visibilityMs, redrive, waiting }: QueueFacts): string {
  const gone = redrive === undefined ? "" : `, dead letters after ${redrive.maxReceiveCount} deliveries`;
  return `${name}: ${isFifo ? "FIFO" : "standard"}, visibility ${visibilityMs / 1_000} s${gone}, ${waiting} waiting.`;
}

function evaluatePolicy({ name, statements }: QueueFacts): readonly Finding[] {
  if (!statements.some(isOpen)) return [];
  const message = `${name}: its policy allows every AWS principal, without a condition.`;
  return [
    warn("queue", message, "Name the accounts or roles that may use it, or add a condition such as aws:SourceArn."),
  ];
}

function isOpen({ effect, principals, hasCondition }: PolicyStatement): boolean {
  return effect === "Allow" && principals.includes("*") && !hasCondition;
}

function evaluateDeadLetters({ name, role, arn, waiting }: QueueFacts): readonly Finding[] {
  if (waiting === 0) return [];
  // SQS moved messages on which a function failed five times, and the store does not record that.
  const move = `aws sqs start-message-move-task --source-arn ${arn} --destination-arn <ARN of the queue of events>`;
  const hint =
    role === "eventDeadLetters"
      ? `\`stackyard events ls\` shows the dead letters and why; \`stackyard events redrive\` sends it again, and its copy here may be deleted. What is not listed: ${move}`
      : "Look at the runner's log; `stackyard stacks retry` starts the tasks again.";
  return [warn("dead letters", `${name}: ${waiting} messages were dead-lettered.`, hint)];
}

function evaluateVisibility({ name, url, visibilityMs }: QueueFacts, timeoutMs = 0): readonly Finding[] {
  const needed = timeoutMs * VISIBILITY_FACTOR;
  if (visibilityMs >= needed) return [];
  const message = `${name}: messages are delivered again after ${visibilityMs / 1_000} s, but a function that reads them may take ${timeoutMs / 1_000} s.`;
  return [
    warn("queue", message, `Set it to six times that: ${setAttribute(url, "VisibilityTimeout", needed / 1_000)}`),
  ];
}

function evaluateRedrive(queue: QueueFacts, deadLetters: QueueFacts | undefined): readonly Finding[] {
  const { name, redrive, retentionMs } = queue;
  if (redrive === undefined) {
    const message = `${name} has no redrive policy. A message that always fails is delivered again for ${toDays(retentionMs)}.`;
    return [warn("queue", message, `Give it a dead-letter queue, with maxReceiveCount ${MAX_DELIVERIES}.`)];
  }
  return [
    ...evaluateCount(queue, redrive.maxReceiveCount),
    ...(deadLetters === undefined ? [] : evaluateTarget(queue, redrive.targetArn, deadLetters)),
  ];
}

function evaluateCount({ name }: QueueFacts, count: number): readonly Finding[] {
  if (count >= MAX_DELIVERIES) return [];
  const message = `${name}: SQS removes messages after ${count} deliveries, before they are dead-lettered with a reason.`;
  return [warn("queue", message, `Set maxReceiveCount in its redrive policy to ${MAX_DELIVERIES}.`)];
}

function evaluateTarget(queue: QueueFacts, targetArn: string, deadLetters: QueueFacts): readonly Finding[] {
  const { name, retentionMs } = queue;
  if (targetArn !== deadLetters.arn) {
    const message = `${name}: its dead letters go to ${targetArn}, and the yard looks for them in ${deadLetters.name}.`;
    return [warn("queue", message, "Correct the redrive policy, or the dead-letter queue of the yard.")];
  }
  // A message in a standard dead-letter queue is as old as when it was first sent.
  if (deadLetters.retentionMs >= retentionMs) return [];
  const message = `${deadLetters.name}: it keeps messages ${toDays(deadLetters.retentionMs)}, less than ${name} with ${toDays(retentionMs)}.`;
  const seconds = Math.max(retentionMs / 1_000, 1_209_600);
  return [
    warn("queue", message, `Keep them longer: ${setAttribute(deadLetters.url, "MessageRetentionPeriod", seconds)}`),
  ];
}

function setAttribute(url: string, name: string, value: number): string {
  return `aws sqs set-queue-attributes --queue-url ${url} --attributes ${name}=${value}`;
}

function toDays(ms: number): string {
  const days = Math.round(ms / 8_640_000) / 10;
  return `${days} ${days === 1 ? "day" : "days"}`;
}

/** `https://sqs.eu-west-1.amazonaws.com/…`, and the same of other partitions. */
const OF_AWS = /^sqs(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$/;

/** Reports a queue in another region than the yard's: calls would be signed for the wrong one. */
export function evaluateAddress(queueUrl: string, region: string | undefined): readonly Finding[] {
  const [, found] = OF_AWS.exec(URL.parse(queueUrl)?.hostname ?? "") ?? [];
  if (found === undefined || region === undefined || found === region) return [];
  return [fail("queue", `${queueUrl} is in ${found}, and the yard is in ${region}.`, "Correct `region`, or the URL.")];
}
