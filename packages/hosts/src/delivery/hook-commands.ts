import { defineCommand, defined, optionalInteger, type PluginCommandContext } from "@stackyard/core";
import type { HookDelivery, QueuedItem } from "@stackyard/core/api";
import { createHttpClient, formatTable, type HttpClient } from "@stackyard/sdk/commands";
import { type Static, Type } from "typebox";

const ListArguments = Type.Object({
  limit: optionalInteger("Maximum number. Default: 100.", { minimum: 1, maximum: 1_000, short: "n" }),
});

function openServer({ server: { url, token } }: PluginCommandContext): HttpClient {
  return createHttpClient({ url, ...defined({ token }), retries: 1 });
}

interface PrintedList<Item> {
  /** The last part of its path. */
  readonly name: string;
  /** Printed when it has no items. */
  readonly empty: string;
  readonly head: readonly string[];
  readonly toRow: (item: Item) => readonly string[];
}

/** Prints a list of the server: one object per line with `--json`, else a table. */
async function printList<Item>(
  context: PluginCommandContext,
  { limit = 100 }: Static<typeof ListArguments>,
  { name, empty, head, toRow }: PrintedList<Item>,
): Promise<number> {
  const { signal, out } = context;
  const request = { path: ["v1", name], query: { limit }, signal };
  const { items } = await openServer(context).requestJson<{ items: readonly Item[] }>(request);
  if (items.length === 0) out.note(empty);
  out.result({ items }, () => formatTable([head, ...items.map(toRow)], defined({ columns: out.columns })));
  return 0;
}

/** `stackyard hooks ls`: what code hosts delivered. */
export const hooksLs = defineCommand({
  name: "hooks ls",
  summary: "List deliveries of code hosts of the last 14 days, newest first, and what came of them.",
  description:
    "A delivery that is dead is not repeated: `stackyard queue ls` prints its key for `stackyard queue redrive`.",
  examples: { "stackyard hooks ls -n 20": "List the last 20 deliveries." },
  args: ListArguments,
  run: (context: PluginCommandContext, args) =>
    printList<HookDelivery>(context, args, {
      name: "hooks",
      empty: "No delivery came in the last 14 days.",
      head: ["RECEIVED", "HOST", "WHAT", "OF", "BY", "OUTCOME"],
      toRow: toDeliveryRow,
    }),
});

function toDeliveryRow(delivery: HookDelivery): readonly string[] {
  const { receivedAt, host, what, subject = "–", sender = "–", outcome } = delivery;
  const events = outcome?.events?.map(({ event, stackId }) => `${event} to ${stackId}`).join(", ");
  const text =
    outcome === undefined
      ? toQueueText(delivery)
      : (events ?? [outcome.kind, outcome.reason].filter(Boolean).join(": "));
  return [receivedAt, host, what, subject, sender, text];
}

/** Returns where a delivery without an outcome is. */
function toQueueText({ queued }: HookDelivery): string {
  if (queued === undefined) return "not in the queue: redeliver it at the host";
  const { failure, deadAt } = queued;
  const why = failure === undefined ? "" : `: ${failure.message}`;
  if (deadAt !== undefined) return `dead since ${deadAt}${why}`;
  return failure === undefined ? "in the queue" : `in the queue, failed ${failure.count} times${why}`;
}

/** `stackyard queue ls`: what waits in the queues of services. */
export const queueLs = defineCommand({
  name: "queue ls",
  summary: "List what waits in the queues of services, and their dead letters.",
  description:
    "Dead letters stay for 30 days. Send one again with `stackyard queue redrive` once its cause is corrected.",
  examples: { "stackyard queue ls": "List items, and why their work failed." },
  args: ListArguments,
  run: (context: PluginCommandContext, args) =>
    printList<QueuedItem>(context, args, {
      name: "queue",
      empty: "The queues are empty.",
      head: ["QUEUE", "KEY", "STATE", "FAILURES", "WHY"],
      toRow: toItemRow,
    }),
});

function toItemRow({ queue, key, dueAt, failure, deadAt }: QueuedItem): readonly string[] {
  const state = deadAt === undefined ? `due ${dueAt}` : `dead since ${deadAt}`;
  return [queue, key, state, String(failure?.count ?? 0), failure?.message ?? ""];
}

/** `stackyard queue redrive`: retries a dead letter. */
export const queueRedrive = defineCommand({
  name: "queue redrive",
  summary: "Repeat the work on a dead letter of a queue.",
  description: "Fails if the queue has no dead letter under this key: `stackyard queue ls` lists queues and keys.",
  examples: {
    "stackyard queue redrive hooks github/72d3162e-cc78-11e3": "Decide about a delivery again.",
  },
  args: Type.Object({
    queue: Type.String({ minLength: 1, maxLength: 64, description: "The queue, as `queue ls` prints it." }),
    key: Type.String({ minLength: 1, maxLength: 1_024, description: "The key of the dead letter." }),
  }),
  async run(context: PluginCommandContext, body) {
    const { signal, out } = context;
    const request = { method: "POST" as const, path: ["v1", "queue", "redrive"], body, signal };
    await openServer(context).requestJson(request);
    out.result({ ...body, redriven: true }, () => `${body.queue} ${body.key} is repeated.`);
    return 0;
  },
});
