import { type Finding, fail, ok, warn } from "@stackyard/sdk/commands";
import { isSet } from "../environment.ts";
import type { FunctionFacts } from "./check-functions.ts";
import type { QueueFacts, QueueRole } from "./load-queue.ts";

/** Returns findings about how functions read a yard's queues. */
export function evaluateFunctions(
  functions: readonly FunctionFacts[],
  queues: readonly Pick<QueueFacts, "role" | "name">[],
): readonly Finding[] {
  return [...queues.flatMap((queue) => evaluateReaders(queue, functions)), ...evaluateLoops(functions)];
}

const READ: ReadonlySet<QueueRole> = new Set(["events", "tasks", "longTasks", "ticks"]);

function evaluateReaders(
  { role, name }: Pick<QueueFacts, "role" | "name">,
  functions: readonly FunctionFacts[],
): readonly Finding[] {
  if (!READ.has(role)) return [];
  const readers = functions.filter(({ queue }) => queue === role);
  if (readers.length === 0) return [toUnread(role, name)];
  return readers.flatMap((reader) => {
    const faults = evaluateMapping(reader, name);
    return faults.length > 0 ? faults : [ok("function", `${reader.name} reads ${name}.`)];
  });
}

function toUnread(role: QueueRole, name: string): Finding {
  if (role === "longTasks") return ok("function", `No function reads ${name}: a container does.`);
  if (role === "ticks") {
    const message = `No function reads ${name}: timers that are due within the minute wait for the next sweep.`;
    return warn("function", message, "Connect the state manager to it. A container does not need this queue.");
  }
  const message = `No function reads ${name}: a container must read it, or nothing is processed.`;
  return warn("function", message, "Connect the function to it, unless a container reads it.");
}

function evaluateMapping(reader: FunctionFacts, queue: string): readonly Finding[] {
  const { name, mapping } = reader;
  const update = `aws lambda update-event-source-mapping --uuid ${mapping.id}`;
  const disabled = `${name} is connected to ${queue}, but its mapping is disabled.`;
  return [
    ...(mapping.isEnabled ? [] : [fail("function", disabled, `Enable it: ${update} --enabled`)]),
    ...(mapping.reportsFailures || mapping.batchSize === 1 ? [] : [toUnreported(reader, queue, update)]),
  ];
}

/**
 * Reports a mapping that treats every response as success. Without `stack-ticks` a function expects that, and throws
 * instead.
 */
function toUnreported({ name, variables }: FunctionFacts, queue: string, update: string): Finding {
  const hint = `Report failures per message: ${update} --function-response-types ReportBatchItemFailures`;
  if (variables !== undefined && !isSet(variables, "SQS_TICK_QUEUE_URL")) {
    return warn("function", `${name}: one failed message of ${queue} fails its whole batch.`, hint);
  }
  const message = `${name}: failed messages of a batch of ${queue} are lost: Lambda treats each response as success.`;
  return fail("function", message, `${hint}; or receive one message at a time: ${update} --batch-size 1`);
}

/**
 * Warns of functions with loop detection: Lambda stops a chain of about 16 calls; machines may be longer, and the
 * engine has its own limit.
 */
function evaluateLoops(functions: readonly FunctionFacts[]): readonly Finding[] {
  const ended = functions.filter(({ recursiveLoop }) => recursiveLoop === "Terminate").map(({ name }) => name);
  return [...new Set(ended)].map((name) => {
    const message = `${name}: Lambda treats the chain of results and tasks as a recursive loop and stops it after about 16 calls.`;
    const command = `aws lambda put-function-recursion-config --function-name ${name} --recursive-loop Allow`;
    return warn("function", message, `Allow it: ${command}`);
  });
}
