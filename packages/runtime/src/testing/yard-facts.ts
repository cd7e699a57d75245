import type { FunctionFacts } from "../yard/check-functions.ts";
import type { QueueFacts } from "../yard/load-queue.ts";

const ARN = "arn:aws:sqs:eu-west-1:111122223333:";
const URL = "https://sqs.eu-west-1.amazonaws.com/111122223333/";

/** Returns a queue without faults. */
export function aQueue(facts: Partial<QueueFacts> & { readonly name?: string } = {}): QueueFacts {
  const { name = "stack-events" } = facts;
  return {
    role: "events",
    url: `${URL}${name}`,
    arn: `${ARN}${name}`,
    name,
    isFifo: false,
    visibilityMs: 180_000,
    retentionMs: 345_600_000,
    waiting: 0,
    statements: [],
    redrive: { targetArn: `${ARN}event-dead-letters`, maxReceiveCount: 5 },
    ...facts,
  };
}

/** Returns its dead-letter queue. */
export function aDeadLetterQueue(facts: Partial<QueueFacts> = {}): QueueFacts {
  const given = { role: "eventDeadLetters", retentionMs: 1_209_600_000, redrive: undefined } as const;
  return aQueue({ name: "event-dead-letters", ...given, ...facts });
}

/** Returns a function without faults. */
export function aFunction(facts: Partial<FunctionFacts> & { readonly name?: string } = {}): FunctionFacts {
  const { name = "state-manager" } = facts;
  return {
    queue: "events",
    name,
    arn: `arn:aws:lambda:eu-west-1:111122223333:function:${name}`,
    mapping: { id: "4a1f", isEnabled: true, batchSize: 10, reportsFailures: true },
    timeoutMs: 30_000,
    variables: {},
    recursiveLoop: "Allow",
    ...facts,
  };
}
