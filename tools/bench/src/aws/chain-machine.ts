/** A machine whose stacks go round two states, with a task in each: every result is an event, a transition and a task message. */
export const CHAIN = `version: 1
events: [START]
states:
  INIT: {on: {START: [{action: advance, state: PLAN}]}}
  PLAN: {tasks: [step], on: {NEXT: [{action: advance, state: APPLY}]}}
  APPLY: {tasks: [step], on: {NEXT: [{action: advance, state: PLAN}]}}
tasks:
  step: {executor: lambda, config: {name: step}}
`;

/** The same with an end after so many states. */
export function aTrain(states: number): string {
  const lines = Array.from({ length: states }, (_, index) => {
    const next = index + 1 === states ? "END" : `S${index + 2}`;
    return `  S${index + 1}: {tasks: [step], on: {NEXT: [{action: advance, state: ${next}}]}}`;
  });
  return `version: 1
events: [START]
states:
  INIT: {on: {START: [{action: advance, state: S1}]}}
${lines.join("\n")}
  END: {}
tasks:
  step: {executor: lambda, config: {name: step}}
`;
}

/** The event that begins a stack. */
export function toStart(stackId: string): unknown {
  return { stackId, event: "START", machine: "chain", metadata: { sha: "9f1c", owner: "kim" } };
}

/** The result of its task, as a runner by message answers. */
export function toResult(stackId: string): unknown {
  return { stackId, event: "TASK_COMPLETED", task: { name: "step", executor: "lambda", config: { name: "step" } } };
}

let messages = 0;

/** What Lambda calls a function with for these events. */
export function toBatch(events: readonly unknown[]): unknown {
  return {
    Records: events.map((event) => {
      messages += 1;
      return {
        messageId: `00000000-0000-4000-8000-${String(messages).padStart(12, "0")}`,
        receiptHandle: `r-${messages}`,
        body: JSON.stringify(event),
        messageAttributes: {},
        attributes: { ApproximateReceiveCount: "1", SentTimestamp: String(Date.now()) },
        md5OfBody: "",
        eventSource: "aws:sqs",
        awsRegion: "us-east-1",
        eventSourceARN: "arn:aws:sqs:us-east-1:000000000000:stack-events",
      };
    }),
  };
}
