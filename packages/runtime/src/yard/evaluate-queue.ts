import { type Finding, ok, warn } from "@stackyard/sdk/commands";
import { MAX_DELIVERIES } from "../transport-options.ts";
import type { PolicyStatement, QueueFacts } from "./load-queue.ts";

/** The related parts of a queue. */
export interface QueueSurroundings {
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
