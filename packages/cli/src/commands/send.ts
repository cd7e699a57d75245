import {
  defined,
  type EventContent,
  formatPlannedEvent,
  MAX_NAME,
  optionalFlag,
  optionalText,
  toShellCommand,
} from "@stackyard/core";
import { fieldOf, getStack } from "@stackyard/core/api/operations";
import {
  type Duplicate,
  EventNotAppliedError,
  type HistoryEntry,
  type NewEvent,
  type PublishedEvent,
  type StackDetails,
} from "@stackyard/sdk";
import {
  checkGoalStates,
  type FollowEventOptions,
  type FollowedEvent,
  followEvent,
  type Metadata,
  parseMetadata,
  parseTimeout,
  requireSame,
} from "@stackyard/sdk/send";
import { type Static, Type } from "typebox";

import { failWith } from "../failure.ts";
import { defineServerCommand, findNearestStack, type ServerContext } from "../server/connection.ts";
import { formatDigest, metadataArg, planArg, untilArg } from "./stack-args.ts";
import { formatHistoryEntry, toWhy } from "./stacks.ts";
import { findTypeHint } from "./type-hint.ts";

const Args = Type.Object({
  stack: fieldOf(getStack, "stackId", { completes: "stack", description: "The stack's id, such as pr-12." }),
  event: Type.String({
    minLength: 1,
    maxLength: MAX_NAME,
    completes: "event",
    description: "The event, such as OPENED.",
  }),
  machine: optionalText("The machine. Required for the event that creates the stack.", {
    short: "m",
    minLength: 1,
    completes: "machine",
  }),
  metadata: metadataArg("Metadata:"),
  id: optionalText("The event's id. Events with the same id are applied once.", { minLength: 1, maxLength: MAX_NAME }),
  confirm: optionalText("The stack's id again. Required for an event that removes a stack from a protected state.", {
    placeholder: "stack",
  }),
  dryRun: optionalFlag("Change nothing, and show what the event would do now."),
  plan: planArg("Digest of a dry run: the event is refused when it would do something else now."),
  wait: optionalFlag("Wait until the event is applied.", { short: "w" }),
  until: untilArg("the stack"),
  timeout: optionalText("How long to wait. Default: 10m.", { placeholder: "duration" }),
});
type Args = Static<typeof Args>;

/** `stackyard send` */
export const send = defineServerCommand({
  name: "send",
  summary: "Send an event to a stack.",
  description: [
    "Without --wait, exits as soon as the stack has decided on the event, or after 1 s (5 s on a terminal), and reports a refusal with its code.",
    "The server parks and retries an event that the current state does not handle. With --wait, its code and reason are printed at once, and the wait continues.",
    "Sends nothing and exits with 1 for a --machine of which the yard has never had a document.",
    "An event that is refused while the command waits for its decision is not dead-lettered.",
    "For an id that the stack has already received, prints DUPLICATE and the earlier use. Exits with 0 for the same event, and with 1 for a different one.",
    "With --until, exits immediately with 2 and the cause if a task has failed for good, even if the machine handles FAILED, or if the stack can no longer reach the state by itself.",
    "Exits with 1 if the event was dead-lettered, refused or ignored, and with 4 after the timeout. With --until, an event that the stack has handled before shows where it is.",
  ].join("\n"),
  examples: {
    "stackyard send pr-12 OPENED --machine review-app --metadata sha=9f1c": "Create a stack.",
    "stackyard send pr-12 PUSHED --wait": "Wait until the event is applied.",
    "stackyard send pr-12 MERGED --dry-run": "Show what the event would do.",
    "stackyard send pr-12 MERGED --until removed --timeout 5m": "Wait until the stack is removed.",
  },
  args: Args,
  async run(context, args) {
    const { yard, signal, out } = context;
    const timeoutMs = parseTimeout(args.timeout ?? "10m", "--timeout");
    const event = toEvent(args, parseMetadata(args.metadata ?? []));
    if (args.dryRun === true) return previewEvent(context, event);
    await checkGoalStates(context, { ...event, until: args.until ?? [] });
    const isFollowed = args.wait === true || args.until !== undefined;
    const published = await yard.publish(event, { signal, awaitsMs: isFollowed ? timeoutMs : toLookMs(context) });
    if (!isFollowed) return reportAccepted(context, published, event);
    if (published.duplicate !== undefined) out.note(published.duplicate.reason);
    const { entry, stack } = await follow(context, published, {
      ...event,
      ...defined({ until: args.until }),
      timeoutMs,
    });
    out.result({ ...published, ...toResult(entry), ...defined({ stack }) }, () => {
      return [
        formatHistoryEntry(entry, out),
        ...(stack === undefined ? [] : [formatReached(published.stackId, stack)]),
      ].join("\n");
    });
    return 0;
  },
});

/** Shows what the event would do, with all that follows at once. Returns 1 when it would not be applied. */
async function previewEvent({ yard, signal, out }: ServerContext, event: NewEvent): Promise<number> {
  const { stackId, ...message } = event;
  const preview = await yard.stacks.preview(stackId, message, { signal });
  const { outcome, to, code, reason, sent, notes, events, digest } = preview;
  const isDone = outcome === "applied" || outcome === "removed";
  const why = isDone ? ` It would ${outcome === "removed" ? "be removed" : `be in ${to}`}.` : ` (${code}): ${reason}`;
  out.result(preview, () =>
    [
      `${event.event} would be ${out.paint(isDone ? "green" : "red", isDone ? "applied" : outcome)} to ${stackId}.${why}`,
      ...(sent.length === 0 ? [] : [`Sends ${sent.join(", ")}.`]),
      ...notes,
      ...events.map(formatPlannedEvent),
      ...(digest === undefined ? [] : [formatDigest(digest)]),
    ].join("\n"),
  );
  return isDone ? 0 : 1;
}

/** The time for which a command without `--wait` waits for the first decision: a rejection is reported at once. */
const LOOK_MS = { terminal: 5_000, pipe: 1_000 };

/** The way of an answer: a decision at the end of the time still arrives. */
const SLACK_MS = 500;

/** Returns how long `reportAccepted` waits for the first decision: `awaitsMs` of an event that it reports. */
export function toLookMs({ out }: Pick<ServerContext, "out">): number {
  return out.interactive ? LOOK_MS.terminal : LOOK_MS.pipe;
}

/** Reports that the event was accepted, or what blocks it, without waiting for the outcome. */
export async function reportAccepted(
  context: ServerContext,
  published: PublishedEvent,
  sent: EventContent,
): Promise<number> {
  const { out } = context;
  const { duplicate, ...ids } = published;
  const result = { ...ids, event: sent.event };
  if (duplicate?.usedFor !== undefined) return reportDuplicate(context, result, duplicate);
  const entry = await findFirstDecision(context, ids, toLookMs(context) + SLACK_MS);
  if (entry !== undefined) requireSame(ids, entry, sent);
  if (duplicate !== undefined) return reportDuplicate(context, result, duplicate);
  const isDone = entry?.outcome === "applied" || entry?.outcome === "removed";
  if (entry === undefined || (isDone && !out.interactive)) {
    out.result({ ...result, outcome: "accepted" }, () => `${sent.event} was accepted for ${ids.stackId}.`);
    return 0;
  }
  out.result({ ...result, ...toResult(entry) }, () => formatHistoryEntry(entry, out));
  if (entry.code === "STACK_UNKNOWN") {
    out.note(`Stack "${ids.stackId}" does not exist. ${await adviseNewStack(context, ids.stackId)}`);
  }
  return isDone ? 0 : adviseRefused(context, ids.stackId, entry);
}

function reportDuplicate({ out }: ServerContext, result: object, duplicate: Duplicate): number {
  out.result({ ...result, outcome: "ignored", ...duplicate }, () => `DUPLICATE: ${duplicate.reason}`);
  return 0;
}

/** Says what to do about an event that was not applied. Returns 0 when it is tried again. */
function adviseRefused({ out }: ServerContext, stackId: string, entry: HistoryEntry): number {
  const hint = findTypeHint(entry);
  if (hint !== undefined) out.note(hint);
  if (entry.outcome !== "parked") return 1;
  out.note(`It is retried automatically. \`${toShellCommand`stackyard stacks show ${stackId}`}\` shows when.`);
  return 0;
}

/** Returns the event's first history entry, also that it is parked; undefined without a decision in time. */
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

async function adviseNewStack(context: Pick<ServerContext, "yard" | "signal">, stackId: string): Promise<string> {
  const near = await findNearestStack(context, stackId);
  const create = "The event that creates a stack names its machine: --machine NAME.";
  return near === undefined ? create : `Did you mean "${near}"? ${create}`;
}

function toEvent({ stack, event, id, machine, confirm, plan }: Args, metadata: Metadata) {
  return {
    stackId: stack,
    event,
    ...defined({ id, machine }),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
    ...defined({ confirm, plan }),
  };
}

async function follow(
  { out, signal, yard }: ServerContext,
  published: PublishedEvent,
  options: Pick<FollowEventOptions, "event" | "metadata" | "confirm" | "until" | "timeoutMs">,
): Promise<FollowedEvent> {
  const { stackId } = published;
  out.progress({ kind: "waiting", ...published }, () => `Waiting for ${stackId} …`);
  try {
    return await followEvent(yard, published, {
      ...options,
      signal,
      onParked(entry) {
        const { eventId, code, reason } = entry;
        const shown = `${out.paint("yellow", "parked")} ${toWhy(entry)} It is retried automatically.`;
        out.step({ kind: "parked", eventId, stackId, code, reason }, () => shown);
      },
      onChange(stack) {
        const { state, summary } = stack;
        out.progress({ kind: "stack", stackId, state, summary }, () => formatProgress(stack));
      },
    });
  } catch (error) {
    if (!(error instanceof EventNotAppliedError)) throw error;
    out.result({ ...published, ...toResult(error.entry) }, () => formatHistoryEntry(error.entry, out));
    const typeHint = findTypeHint(error.entry);
    if (typeHint !== undefined) throw failWith(error.code, error.message, { hint: typeHint, cause: error });
    if (error.entry.code !== "STACK_UNKNOWN") throw error;
    const hint = await adviseNewStack({ yard, signal }, stackId);
    throw failWith(error.code, error.message, { hint, cause: error });
  }
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
