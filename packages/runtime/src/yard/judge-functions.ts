import { type Finding, fail, ok, warn } from "./finding.ts";
import type { FunctionFacts } from "./load-functions.ts";
import type { QueueFacts, QueueRole } from "./load-queue.ts";

/** What is to be said of the way in which functions read a yard's queues. */
export function judgeFunctions(
  functions: readonly FunctionFacts[],
  queues: readonly Pick<QueueFacts, "role" | "name">[],
): readonly Finding[] {
  return [...queues.flatMap((queue) => judgeReaders(queue, functions)), ...judgeLoops(functions)];
}

const READ: ReadonlySet<QueueRole> = new Set(["events", "tasks", "longTasks", "ticks"]);

function judgeReaders(
  { role, name }: Pick<QueueFacts, "role" | "name">,
  functions: readonly FunctionFacts[],
): readonly Finding[] {
  if (!READ.has(role)) return [];
  const readers = functions.filter(({ queue }) => queue === role);
  if (readers.length === 0) return [judgeUnread(role, name)];
  return readers.flatMap((reader) => {
    const faults = judgeMapping(reader, name);
    return faults.length > 0 ? faults : [ok("function", `${reader.name} reads ${name}.`)];
  });
}

function judgeUnread(role: QueueRole, name: string): Finding {
  if (role === "longTasks") return ok("function", `No function reads ${name}: a container does.`);
  if (role === "ticks") {
    const message = `No function reads ${name}: timers that are due within the minute wait for the next sweep.`;
    return warn("function", message, "Connect the state manager to it. A container needs no such queue.");
  }
  const message = `No function reads ${name}: a container must, or nothing is done.`;
  return warn("function", message, "Connect the function to it, if there is no container.");
}

function judgeMapping(reader: FunctionFacts, queue: string): readonly Finding[] {
  const { name, mapping } = reader;
  const update = `aws lambda update-event-source-mapping --uuid ${mapping.id}`;
  return [
    ...(mapping.isEnabled
      ? []
      : [fail("function", `${name} is connected to ${queue}, but switched off.`, `Switch it on: ${update} --enabled`)]),
    ...(mapping.reportsFailures || mapping.batchSize === 1 ? [] : [judgeUnreported(reader, queue, update)]),
  ];
}

/** Such a mapping takes every answer for success. Without `stack-ticks` a function expects that, and throws instead. */
function judgeUnreported({ name, variables }: FunctionFacts, queue: string, update: string): Finding {
  const hint = `Let it report single ones: ${update} --function-response-types ReportBatchItemFailures`;
  if (variables !== undefined && (variables["SQS_TICK_QUEUE_URL"] ?? "") === "") {
    return warn("function", `${name}: one message of ${queue} that fails makes an error of its whole batch.`, hint);
  }
  const message = `${name}: messages of ${queue} that fail in a batch are lost: Lambda takes each answer for success.`;
  return fail("function", message, `${hint}; or take one at a time: ${update} --batch-size 1`);
}

/** Lambda ends a chain of calls after some sixteen; machines may be longer, and the engine has a limit of its own. */
function judgeLoops(functions: readonly FunctionFacts[]): readonly Finding[] {
  const ended = functions.filter(({ recursiveLoop }) => recursiveLoop === "Terminate").map(({ name }) => name);
  return [...new Set(ended)].map((name) => {
    const message = `${name}: Lambda takes results and tasks for a loop and ends it after some sixteen steps.`;
    const command = `aws lambda put-function-recursion-config --function-name ${name} --recursive-loop Allow`;
    return warn("function", message, `Allow it: ${command}`);
  });
}
