import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import { parseTaskMessage } from "@stackyard/core/machine";
import { failWith } from "../shell/failure.ts";

/** A task message; its type is of core. */
export type TaskMessage = Extract<ReturnType<typeof parseTaskMessage>, { kind: "task" }>["message"];

/** Where a message is read, and what names its attempt if it has none. */
export interface ReadTaskInput {
  readonly cwd: string;
  readonly stdin: AsyncIterable<Uint8Array | string>;
  readonly messageId: string;
  readonly at: number;
}

/**
 * Reads a task message from a file or, for `-`, from standard input: the body as it lies in the queue, or the event that Lambda
 * calls a function with, if that holds one message. Throws `CONFIG_INVALID`.
 */
export async function readTaskMessage(from: string, { cwd, stdin, ...options }: ReadTaskInput): Promise<TaskMessage> {
  const read = from === "-" ? await text(stdin) : await readFile(resolve(cwd, from), "utf8");
  const parsed = parseTaskMessage(findBody(read.replace(/^\uFEFF/, ""), from), options);
  if (parsed.kind === "task") return parsed.message;
  throw failWith("CONFIG_INVALID", `${from}: ${parsed.reason}`, {
    hint: 'Give the body of a message of the task queue: {"task": {"name", "executor", "config"}, "stack": {"id", "machine"}}.',
  });
}

function findBody(source: string, from: string): unknown {
  const value = parseJson(source, from);
  const records = typeof value === "object" && value !== null && "Records" in value ? value.Records : undefined;
  if (!Array.isArray(records)) return value;
  const [record, ...more] = records;
  if (more.length === 0) return Object(record).body;
  throw failWith("CONFIG_INVALID", `${from} holds ${records.length} messages.`, {
    hint: "Leave the one that shall run.",
  });
}

function parseJson(source: string, from: string): unknown {
  try {
    return JSON.parse(source);
  } catch (error) {
    throw failWith("CONFIG_INVALID", `${from} is no JSON: ${error instanceof Error ? error.message : error}`);
  }
}
