import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import { defineCommand, type Executor, parseJsonOr, type TaskMessage } from "@stackyard/core";
import { createMessageWorker, createUlids, readInput, systemClock } from "@stackyard/core/engine";
import { parseTaskMessage } from "@stackyard/core/machine";
import { Type } from "typebox";
import type { CommandContext } from "../command.ts";
import { failWith } from "../failure.ts";
import { loadConfigFile, projectArg } from "../project/config.ts";
import { loadExecutors } from "../project/executors.ts";
import { createOwnAwsAccess } from "../yard/own-aws-access.ts";
import { createProcessLogger } from "../yard/process-logger.ts";

type Answer = Readonly<Record<string, unknown>>;

/** `stackyard task run` */
export const taskRun = defineCommand({
  name: "task run",
  summary: "Run one task message with its real executor, and print the result.",
  description:
    "The executor does the real work; the result is printed, not sent. Uses the executors of the project in this folder, and the AWS credentials of the shell. Exits with 1 if the task could not start, and with 2 if it failed.",
  examples: {
    "stackyard task run message.json":
      "Run a message body of the task queue, or a Lambda test event that contains one.",
    "stackyard task run - --json < message.json": "Read from standard input, and print the result as an event.",
  },
  args: Type.Object({
    message: Type.String({
      minLength: 1,
      placeholder: "message.json",
      description: "A file, or - for standard input.",
    }),
    ...projectArg,
  }),
  async run(context: CommandContext, { message: from, project }) {
    const { cwd, env } = context;
    const file = await loadConfigFile(cwd, project);
    const executors = await loadExecutors(file, "all", env, { isOwn: true });
    const message = await readTaskMessage(from, context);
    const answer = await runTask(context, executors, message);
    return answer === undefined ? INTERRUPTED : printAnswer(context, message, answer);
  },
});

const INTERRUPTED = 130;
const DAY_MS = 86_400_000;
/** Failures before anything was started. */
const NOT_BEGUN = new Set<unknown>(["EXECUTOR_UNKNOWN", "CONFIG_INVALID", "SECRETS_NEED_STORE", "PLUGIN_INVALID"]);

/** Returns the answer; undefined after an interrupt. */
async function runTask(
  { out, env, signal }: CommandContext,
  executors: ReadonlyMap<string, Executor>,
  given: TaskMessage,
): Promise<Answer | undefined> {
  const executor = given.task["executor"];
  // A worker would leave the message to others.
  if (typeof executor === "string" && !executors.has(executor)) return toUnknown(executor);
  const logger = createProcessLogger({ out, env });
  const answers: Answer[] = [];
  const worker = createMessageWorker(
    {
      executors,
      logger,
      clock: systemClock,
      ids: createUlids(),
      aws: createOwnAwsAccess({ clock: systemClock, logger, retriesDenials: false }),
      publish: async (events) => void answers.push(...events.map(({ message }) => message)),
    },
    { onReport: ({ line }) => out.step({ kind: "report", line }, () => line) },
  );
  // Extends the deadline: old messages may be retried too.
  const deadline = new Date(systemClock.now() + DAY_MS).toISOString();
  const message = { ...given, dispatch: { ...given.dispatch, deadline } };
  signal.addEventListener("abort", worker.abort, { once: true });
  try {
    await worker.handle({ attemptId: message.dispatch.id, message, deliveries: 1 });
    return answers[0];
  } finally {
    signal.removeEventListener("abort", worker.abort);
  }
}

function toUnknown(executor: string): Answer {
  const description = `This project does not have the executor ${JSON.stringify(executor)}. Register its plugin in stackyard.config.ts.`;
  return { event: "TASK_ERROR", code: "EXECUTOR_UNKNOWN", description, retryable: false };
}

function printAnswer({ out }: CommandContext, { task, stack }: TaskMessage, answer: Answer): number {
  const isDone = answer["event"] === "TASK_COMPLETED";
  const what = `${task.name} of ${stack.id}`;
  out.result(answer, () => {
    if (!isDone) return `${out.paint("red", "FAIL")} ${what}: ${answer["code"]}\n${answer["description"]}`;
    const outputs = Object.entries(Object(answer["outputs"])).map(([name, value]) => `     ${name} = ${value}`);
    return [`${out.paint("green", "ok  ")} ${what}`, ...outputs].join("\n");
  });
  if (isDone) return 0;
  return NOT_BEGUN.has(answer["code"]) ? 1 : 2;
}

/**
 * Reads a task message from a file or, for `-`, from standard input: a queue message's body, or an event with which
 * Lambda invokes a function if it contains exactly one message. Throws `CONFIG_INVALID`.
 */
async function readTaskMessage(from: string, { cwd, stdin, signal }: CommandContext): Promise<TaskMessage> {
  // The id names an attempt whose message has none.
  const options = { at: systemClock.now(), messageId: createUlids().next() };
  const read = from === "-" ? await text(stdin) : await readInput(resolve(cwd, from), signal);
  const parsed = parseTaskMessage(findBody(read.replace(/^\uFEFF/, ""), from), options);
  if (parsed.kind === "task") return parsed.message;
  throw failWith("CONFIG_INVALID", `${from}: ${parsed.reason}`, {
    hint: 'Pass the body of a task message: {"task": {"name", "executor", "config"}, "stack": {"id", "machine"}}.',
  });
}

function findBody(source: string, from: string): unknown {
  const value = parseJsonOr(source, (cause) =>
    failWith("CONFIG_INVALID", `${from} is not valid JSON: ${cause instanceof Error ? cause.message : cause}`),
  );
  const records = typeof value === "object" && value !== null && "Records" in value ? value.Records : undefined;
  if (!Array.isArray(records)) return value;
  const [record, ...more] = records;
  if (more.length === 0) return Object(record).body;
  throw failWith("CONFIG_INVALID", `${from} contains ${records.length} messages.`, {
    hint: "Keep only the message to run.",
  });
}
