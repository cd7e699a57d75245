import { defined, isStackyardError } from "@stackyard/core";
import { parseDuration } from "@stackyard/core/machine";
import {
  EventNotAppliedError,
  type HistoryEntry,
  type LastFailure,
  type PublishedEvent,
  type StackDetails,
} from "@stackyard/sdk";
import { type Static, Type } from "typebox";
import { failWith } from "../failure.ts";
import { defineServerCommand, findNearestStack, type ServerContext } from "../server/connection.ts";
import { checkState, loadMachines } from "./machines.ts";
import { formatHistoryEntry, toWhy } from "./stacks.ts";

const Args = Type.Object({
  stack: Type.String({
    minLength: 1,
    maxLength: 255,
    completes: "stack",
    description: "The stack's id, such as pr-12.",
  }),
  event: Type.String({ minLength: 1, maxLength: 255, completes: "event", description: "The event, such as OPENED." }),
  machine: Type.Optional(
    Type.String({
      short: "m",
      minLength: 1,
      completes: "machine",
      description: "The machine. Required for the event that creates the stack.",
    }),
  ),
  metadata: Type.Optional(
    Type.Array(Type.String(), {
      placeholder: "key=text",
      description: "Metadata: key=text, key:=json, or a JSON object. May be repeated.",
    }),
  ),
  id: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      description: "The event's id. Events with the same id are applied once.",
    }),
  ),
  confirm: Type.Optional(
    Type.String({
      placeholder: "stack",
      description: "The stack's id again. Required for an event that removes a stack from a protected state.",
    }),
  ),
  wait: Type.Optional(Type.Boolean({ short: "w", description: "Wait until the event is applied." })),
  until: Type.Optional(
    Type.Array(Type.String({ minLength: 1 }), {
      placeholder: "state",
      completes: "state",
      description: "Wait until the stack is in this state, or `removed`. May be repeated.",
    }),
  ),
  timeout: Type.Optional(Type.String({ placeholder: "duration", description: "How long to wait. Default: 10m." })),
});
type Args = Static<typeof Args>;

/** `stackyard send` */
export const send = defineServerCommand({
  name: "send",
  summary: "Send an event to a stack.",
  description: [
    "Without --wait, exits as soon as the stack has decided on the event, or after 1 s (5 s on a terminal), and reports a rejection with its code.",
    "The server parks and retries an event that the current state rejects. With --wait, its code and reason are printed at once, and the wait continues.",
    "For an id that the stack has already received, prints DUPLICATE and the earlier use. Exits with 0 for the same event, and with 1 for a different one.",
    "With --until, exits immediately with 2 and the cause if a task has failed finally, even if the machine handles FAILED, or if the stack can no longer reach the state by itself.",
    "Exits with 1 if the event was dead-lettered, rejected or ignored, and with 4 after the timeout.",
  ].join("\n"),
  examples: [
    { command: "stackyard send pr-12 OPENED --machine review-app --metadata sha=9f1c", what: "Create a stack." },
    { command: "stackyard send pr-12 PUSHED --wait", what: "Wait until the event is applied." },
    { command: "stackyard send pr-12 MERGED --until removed --timeout 5m", what: "Wait until the stack is removed." },
  ],
  args: Args,
  positionals: ["stack", "event"],
  async run(context, args) {
    const timeoutMs = parseTimeout(args.timeout ?? "10m");
    const metadata = parseMetadata(args.metadata ?? []);
    await checkUntil(context, args);
    const published = await context.yard.publish(toEvent(args, metadata), { signal: context.signal });
    if (!args.wait && args.until === undefined) return reportAccepted(context, published, args);
    if (published.duplicate !== undefined) context.out.note(published.duplicate.reason);
    const startedAt = Date.now();
    const entry = await waitForOutcome(context, published, timeoutMs);
    if (entry.event !== args.event) throw reusedId(published, entry);
    const left = Math.max(1, timeoutMs - (Date.now() - startedAt));
    const stack =
      args.until && (await waitForStates(context, published.stackId, args.until, { entry, timeoutMs: left }));
    const { out } = context;
    out.result({ ...published, ...toResult(entry), ...defined({ stack }) }, () => {
      return [
        formatHistoryEntry(entry, out),
        ...(stack === undefined ? [] : [formatReached(published.stackId, stack)]),
      ].join("\n");
    });
    return 0;
  },
});

/**
 * Throws `USAGE` for a mistyped state before anything is sent. A stack that keeps an older revision may have states that
 * the newest one lacks, so its states are not checked.
 */
async function checkUntil(context: ServerContext, { stack: id, machine, until = [] }: Args): Promise<void> {
  const states = until.filter((state) => state !== "removed");
  if (states.length === 0) return;
  const { yard, signal } = context;
  const stack = await yard.stacks.get(id, { signal }).catch((error: unknown) => {
    if (isStackyardError(error, "STACK_UNKNOWN")) return undefined;
    throw error;
  });
  const name = stack?.machine ?? machine;
  if (name === undefined) return;
  if (stack !== undefined) {
    const [newest] = await loadMachines(context, name);
    if (newest?.hash !== stack.machineHash) return;
  }
  for (const state of states) await checkState(context, state, name);
}

/** How long a command that does not wait looks for the first decision: a refusal is reported at once. */
const LOOK_MS = { terminal: 5_000, pipe: 1_000 };

/** Reports that the event was accepted, or what is in its way, without waiting for what comes after. */
export async function reportAccepted(
  context: ServerContext,
  published: PublishedEvent,
  args: Pick<Args, "event">,
): Promise<number> {
  const { out } = context;
  const { duplicate, ...ids } = published;
  const result = { ...ids, event: args.event };
  if (duplicate !== undefined) {
    out.result({ ...result, outcome: "ignored", ...duplicate }, () => `DUPLICATE: ${duplicate.reason}`);
    return 0;
  }
  const entry = await findFirstDecision(context, ids, out.interactive ? LOOK_MS.terminal : LOOK_MS.pipe);
  if (entry !== undefined && entry.event !== args.event) throw reusedId(ids, entry);
  const isDone = entry?.outcome === "applied" || entry?.outcome === "removed";
  if (entry === undefined || entry.code === "STACK_UNKNOWN" || (isDone && !out.interactive)) {
    const shown = `${args.event} was accepted for ${ids.stackId}.`;
    out.result({ ...result, outcome: "accepted" }, () => shown);
    if (entry?.code === "STACK_UNKNOWN") {
      out.note(`Stack "${ids.stackId}" does not exist. ${await adviseNewStack(context, ids.stackId)}`);
    }
    return 0;
  }
  out.result({ ...result, ...toResult(entry) }, () => formatHistoryEntry(entry, out));
  if (isDone) return 0;
  if (entry.outcome !== "parked") return 1;
  out.note(`It is retried automatically. \`stackyard stacks show ${ids.stackId}\` shows when.`);
  return 0;
}

/** The first line of the event's history, also one that says that it is parked; undefined: it is not decided in that time. */
async function findFirstDecision(
  { yard, signal }: ServerContext,
  event: PublishedEvent,
  timeoutMs: number,
): Promise<HistoryEntry | undefined> {
  const parked = new AbortController();
  let entry: HistoryEntry | undefined;
  try {
    return await yard.waitForOutcome(event, {
      timeoutMs,
      signal: AbortSignal.any([signal, parked.signal]),
      onParked(line) {
        entry = line;
        parked.abort();
      },
    });
  } catch (error) {
    if (error instanceof EventNotAppliedError) return error.entry;
    // The event was accepted in any case.
    if (signal.aborted) throw error;
    return entry;
  }
}

/** A queue in front of the yard does not know which ids were used before; the history does. */
function reusedId({ eventId, stackId }: PublishedEvent, { event, outcome, at }: HistoryEntry): Error {
  const message = `The id "${eventId}" was used before for ${event} of "${stackId}" (${outcome}, ${at}).`;
  return failWith("DUPLICATE", message, { hint: "Use a unique --id, or omit it." });
}

async function adviseNewStack(context: ServerContext, stackId: string): Promise<string> {
  const near = await findNearestStack(context, stackId);
  const create = "The event that creates a stack names its machine: --machine NAME.";
  return near === undefined ? create : `Did you mean "${near}"? ${create}`;
}

function toEvent({ stack, event, id, machine, confirm }: Args, metadata: ReturnType<typeof parseMetadata>) {
  return {
    stackId: stack,
    event,
    ...defined({ id, machine }),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
    ...defined({ confirm }),
  };
}

async function waitForOutcome(context: ServerContext, event: PublishedEvent, timeoutMs: number): Promise<HistoryEntry> {
  const { out, signal, yard } = context;
  let parked: HistoryEntry | undefined;
  try {
    out.progress({ kind: "waiting", ...event }, () => `Waiting for ${event.stackId} …`);
    return await yard.waitForOutcome(event, {
      timeoutMs,
      signal,
      onParked(entry) {
        parked = entry;
        const { eventId, stackId, code, reason } = entry;
        const shown = `${out.paint("yellow", "parked")} ${toWhy(entry)} It is retried automatically.`;
        out.step({ kind: "parked", eventId, stackId, code, reason }, () => shown);
      },
    });
  } catch (error) {
    if (error instanceof EventNotAppliedError) {
      out.result({ ...event, ...toResult(error.entry) }, () => formatHistoryEntry(error.entry, out));
      if (error.entry.code === "STACK_UNKNOWN")
        throw failWith(error.code, error.message, { hint: await adviseNewStack(context, event.stackId), cause: error });
    }
    if (parked === undefined || !isStackyardError(error, "TIMED_OUT")) throw error;
    const hint = `The event stays parked: \`stackyard stacks show ${event.stackId}\` shows when it is retried.`;
    throw failWith("TIMED_OUT", `Timed out: the event is still parked (${toWhy(parked)}).`, {
      hint,
      cause: error,
    });
  }
}

async function waitForStates(
  { out, signal, yard }: ServerContext,
  stackId: string,
  until: readonly string[],
  { entry, timeoutMs }: { readonly entry: HistoryEntry; readonly timeoutMs: number },
): Promise<StackDetails | "removed"> {
  const states = until.filter((state) => state !== "removed");
  let last: StackDetails | undefined;
  try {
    return await yard.waitForStack(
      stackId,
      { states, removal: states.length < until.length },
      {
        timeoutMs,
        signal,
        stopOnFailure: true,
        after: entry,
        onChange(stack) {
          last = stack;
          const { state, summary } = stack;
          out.progress({ kind: "stack", stackId, state, summary }, () => formatProgress(stack));
        },
      },
    );
  } catch (error) {
    // A stack that is gone has left nothing behind.
    if (!isStackyardError(error, "OUTCOME_NEGATIVE") || error.details["state"] === undefined) throw error;
    const failure = error.details["failure"] === undefined ? undefined : last?.lastFailure;
    throw failWith("LEFT_BEHIND", error.message, {
      hint: toHint(stackId, last?.state, failure),
      details: defined({ failure }),
      cause: error,
    });
  }
}

/** Retrying helps only while the stack is where its task has failed. */
function toHint(stackId: string, state: string | undefined, failure: LastFailure | undefined): string {
  if (failure === undefined) return `\`stackyard stacks show ${stackId}\` shows what it waits for.`;
  const log = `\`stackyard stacks logs ${stackId} ${failure.task}\` shows its log`;
  if (failure.state !== state) return `${log}; \`stackyard stacks show ${stackId}\` shows what the stack waits for.`;
  return `${log}; \`stackyard stacks retry ${stackId}\` tries again.`;
}

function formatProgress({ id, state, tasks }: StackDetails): string {
  const shown = tasks.map(({ name, status, attempt }) => {
    const message = status === "PENDING" && attempt?.progressMessage ? `: ${attempt.progressMessage}` : "";
    return `${name} ${status}${message}`;
  });
  return `${id} ${state}${shown.length === 0 ? "" : ` · ${shown.join(" · ")}`}`;
}

function formatReached(stackId: string, stack: StackDetails | "removed"): string {
  return stack === "removed" ? `${stackId} was removed.` : `${stackId} is in ${stack.state}.`;
}

function toResult({ event, outcome, code, reason, from, to, sent, notes }: HistoryEntry) {
  return {
    event,
    outcome,
    sent,
    notes,
    ...defined({ code, reason, from, to }),
  };
}

function parseTimeout(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0) return ms;
  throw failWith("USAGE", `Invalid duration --timeout ${text}.`, { hint: "Use a duration such as 30s, 10m or 1h." });
}

type Metadata = Readonly<Record<string, string | number | boolean | null>>;

/**
 * Reads metadata from the words of a command line: `key=text`, `key:=json` for numbers, booleans and null, or a JSON
 * object. Throws `USAGE`.
 */
export function parseMetadata(words: readonly string[]): Metadata {
  const entries = words.flatMap((word) => (word.trimStart().startsWith("{") ? parseObject(word) : [parsePair(word)]));
  for (const [key, value] of entries) {
    if (typeof value === "object" && value !== null) {
      throw failWith("USAGE", `Metadata must be flat, but "${key}" is a map or a list.`);
    }
  }
  return Object.fromEntries(entries) as Metadata;
}

type Entry = readonly [string, unknown];

function parsePair(word: string): Entry {
  const [, key = "", sign, text = ""] = /^([^=]*?)(:?=)(.*)$/s.exec(word) ?? [];
  if (key === "") {
    const hint = "Write sha=9f1c for text, seen:=5 for a JSON value, or a JSON object.";
    throw failWith("USAGE", `Invalid --metadata "${word}": a key or a value is missing.`, { hint });
  }
  return [key, sign === "=" ? text : parseJson(word, text)];
}

function parseObject(word: string): readonly Entry[] {
  const value = parseJson(word, word);
  return typeof value === "object" && value !== null ? Object.entries(value) : [];
}

function parseJson(word: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw failWith("USAGE", `--metadata ${word} is not valid JSON.`, { cause: error });
  }
}
