import type { StackFacts } from "./find-stack.ts";

/** Fields of a yard in the configuration, by the outputs of the templates. */
const FIELDS: Readonly<Record<string, string>> = {
  EventQueueUrl: "eventQueueUrl",
  TaskQueueUrl: "taskQueueUrl",
  LongTaskQueueUrl: "longTaskQueueUrl",
  TickQueueUrl: "tickQueueUrl",
  EventDeadLetterQueueUrl: "eventDeadLetterQueueUrl",
  TaskDeadLetterQueueUrl: "taskDeadLetterQueueUrl",
  StacksTableName: "stacksTable",
  WorkTableName: "workTable",
};

/** The yard as a project's configuration names it, made of a stack's outputs; undefined: the stack has no queue of events. */
export function toYardEntry(yard: string, stack: StackFacts | undefined): string | undefined {
  if (stack === undefined || !stack.outputs["EventQueueUrl"]) return undefined;
  const { outputs, parameters, id } = stack;
  const region = id.split(":")[3] ?? "";
  const fields = Object.entries(FIELDS).flatMap(([output, field]) => {
    const value = outputs[output];
    return value ? [`  ${field}: ${JSON.stringify(value)},`] : [];
  });
  const secret = parameters.get("ConnectionSecretArn");
  const bucket = parameters.get("MachineBucket");
  const prefix = parameters.get("MachinePrefix") || undefined;
  const name = /^[A-Za-z][A-Za-z0-9]*$/.test(yard) ? yard : JSON.stringify(yard);
  return [
    `${name}: {`,
    `  type: "aws",`,
    `  region: ${JSON.stringify(region)},`,
    ...fields,
    ...(secret ? [`  connectionSecret: ${JSON.stringify(secret)},`] : []),
    ...(bucket ? [`  machines: ${JSON.stringify({ bucket, prefix })},`] : []),
    "},",
  ].join("\n");
}
