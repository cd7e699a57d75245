import { readFile, stat } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { StackyardError } from "../errors/stackyard-error.ts";
import { isMap } from "../machine/json.ts";
import { JSON_THREAD } from "./json-thread.ts";
import { JSON_SIGNS, type JsonBudget, scanJson } from "./scan-json.ts";

/** How much of a member of a JSON object is wanted: its value, its entries one by one, only how many entries the list has, or the text characters. */
export type JsonPart = "value" | "each" | "count" | "length";

/** A JSON text that others have written. */
export interface ForeignJson {
  /** What it is, for messages: `The plan`. */
  readonly what: string;
  /** The text: the path of its file, or its bytes. */
  readonly from: { readonly path: string } | { readonly bytes: Uint8Array };
  /** The members that are wanted. Others never leave the thread that parses a large text. `all`: the value of each. */
  readonly parts: Readonly<Record<string, JsonPart>> | "all";
  /** Gets the entries of the parts `each`, in their order. */
  readonly onEntry?: (part: string, entry: unknown) => void;
  /** Parses a part. Default: `JSON.parse`, which changes long numbers. */
  readonly parse?: (text: string) => unknown;
  readonly limits?: Partial<JsonLimits>;
  readonly signal?: AbortSignal;
}

/** The limits of reading a JSON text. */
export interface JsonLimits extends JsonBudget {
  /** The size of one value or entry, which is parsed at once. */
  readonly maxPartBytes: number;
  /** Texts up to this size are parsed at once, without a thread. */
  readonly inlineBytes: number;
  readonly timeoutMs: number;
}

/** A text of these limits takes at most 0.9 GiB while it is read, measured with its worst content. */
export const JSON_LIMITS: JsonLimits = {
  maxBytes: 128 * 1024 * 1024,
  maxMarks: 4_000_000,
  maxDepth: 256,
  // A resource may contain a file, and that several times [terraform-provider-http#287].
  maxPartBytes: 32 * 1024 * 1024,
  inlineBytes: 1024 * 1024,
  timeoutMs: 120_000,
};

/** The budget is far below: a thread at this limit may end the whole process [nodejs/node#47224, nodejs/node#65019]. */
const MAX_HEAP_MIB = 1_536;
const BATCH_BYTES = 256 * 1024;

/**
 * Reads members of a JSON object that others have written, within a budget of bytes, values, levels and time: a large text off
 * the event loop, one at a time in a process. Members that it lacks are missing in the result; of parts `each`, `count` and `length`
 * it has the number. Returns undefined for anything but a JSON object. Throws `PAYLOAD_TOO_LARGE`, which names the text and its limit.
 */
export async function readForeignJson(input: ForeignJson): Promise<Readonly<Record<string, unknown>> | undefined> {
  const { from, what } = input;
  const limits = { ...JSON_LIMITS, ...input.limits };
  const size = "path" in from ? (await stat(from.path)).size : from.bytes.length;
  if (size > limits.maxBytes) throw toExcess(what, `${size} bytes; ${limits.maxBytes} are allowed`);
  if (size > limits.inlineBytes) return oneAtATime(() => readBeside(input, limits));
  return readAtOnce(input, "path" in from ? await readFile(from.path) : from.bytes, limits);
}

function toExcess(what: string, excess: string): StackyardError {
  return new StackyardError("PAYLOAD_TOO_LARGE", `${what} has ${excess}.`);
}

/** Returns what of the budget a JSON text exceeds, such as `more than 256 levels`; undefined when it may be parsed at once. */
export function findJsonExcess(bytes: Uint8Array, limits: Partial<JsonLimits> = {}): string | undefined {
  return scanJson(bytes, { ...JSON_LIMITS, ...limits }, JSON_SIGNS).excess;
}

type Found = Readonly<Record<string, unknown>>;

function readAtOnce(input: ForeignJson, bytes: Uint8Array, limits: JsonLimits): Found | undefined {
  const { what, parse = JSON.parse } = input;
  const { excess } = scanJson(bytes, limits, JSON_SIGNS);
  if (excess !== undefined) throw toExcess(what, excess);
  const value = tryToParse(parse, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8"));
  return isMap(value) ? pick(input, value) : undefined;
}

function pick({ parts, onEntry }: ForeignJson, value: Found): Found {
  if (parts === "all") return value;
  const found: Record<string, unknown> = {};
  for (const [name, how] of Object.entries(parts)) {
    const member = Object.hasOwn(value, name) ? value[name] : undefined;
    const kept = keepOf(member, how);
    if (kept !== undefined) found[name] = kept;
    if (how === "each") for (const entry of toList(member)) onEntry?.(name, entry);
  }
  return found;
}

function toList(member: unknown): readonly unknown[] {
  return Array.isArray(member) ? member : [];
}

/** Returns what the result has of a member. */
function keepOf(member: unknown, how: JsonPart): unknown {
  if (how === "value") return member;
  if (how === "length") return typeof member === "string" ? member.length : undefined;
  return Array.isArray(member) ? member.length : undefined;
}

function tryToParse(parse: (text: string) => unknown, text: string): unknown {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

let last: Promise<unknown> = Promise.resolve();

/** Each takes much memory: the next waits for its turn. */
function oneAtATime<Result>(work: () => Promise<Result>): Promise<Result> {
  const next = last.then(work);
  last = next.catch(() => undefined);
  return next;
}

type Piece = readonly [part: string, kind: "value" | "count" | "entry", content: unknown];

/** What the thread says: why it does not hand over the text, or the next pieces. */
interface ThreadMessage {
  readonly excess?: string;
  readonly isOther?: true;
  readonly pieces?: readonly Piece[];
  readonly isEnd?: true;
}

async function readBeside(input: ForeignJson, limits: JsonLimits): Promise<Found | undefined> {
  const { from, parts, what, signal } = input;
  signal?.throwIfAborted();
  const { timeoutMs, maxPartBytes, ...budget } = limits;
  const worker = new Worker(JSON_THREAD, {
    eval: true,
    // It gets no secrets of this process.
    env: {},
    execArgv: [],
    workerData: { ...from, parts, budget, maxPartBytes, batchBytes: BATCH_BYTES },
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MIB },
  });
  const { promise, resolve, reject } = Promise.withResolvers<Found | undefined>();
  const timer = setTimeout(() => reject(toExcess(what, TOO_LONG)), timeoutMs);
  const stop = () => reject(signal?.reason);
  signal?.addEventListener("abort", stop, { once: true });
  const found = new Map<string, unknown>();
  worker.on("message", (message: ThreadMessage) => {
    try {
      if (message.excess !== undefined) return reject(toExcess(what, message.excess));
      if (message.isOther) return resolve(undefined);
      for (const piece of message.pieces ?? []) take(input, found, piece);
      if (message.isEnd) resolve(Object.fromEntries(found));
      else worker.postMessage("next");
    } catch (error) {
      reject(error);
    }
  });
  worker.on("error", (error) => reject(isOutOfMemory(error) ? toExcess(what, TOO_MUCH) : error));
  worker.on("exit", () => reject(new Error(`The thread that read ${what} has ended.`)));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
    await worker.terminate();
  }
}

const TOO_LONG = "too many values to be read in time";
const TOO_MUCH = "too many values for the memory of a process";

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
}

function take(
  { parse = JSON.parse, onEntry }: ForeignJson,
  found: Map<string, unknown>,
  [part, kind, content]: Piece,
): void {
  if (content === undefined) return;
  if (kind === "count") found.set(part, content);
  else if (kind === "value") found.set(part, parse(String(content)));
  else onEntry?.(part, parse(String(content)));
}
