import { defined, type PluginCommand, type PluginCommandContext } from "@stackyard/core";
import type { HookDelivery, QueuedItem } from "@stackyard/core/api";
import { createHttpClient, formatTable, type HttpClient } from "@stackyard/sdk/commands";
import { type Static, Type } from "typebox";

const ListArguments = Type.Object({
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1_000, short: "n", description: "Maximum number. Default: 100." }),
  ),
});

function openServer({ server: { url, token } }: PluginCommandContext): HttpClient {
  return createHttpClient({ url, ...defined({ token }), retries: 1 });
}

/** Prints a list: one object per line with `--json`, else a table. */
function printList<Item>(
  { out }: PluginCommandContext,
  items: readonly Item[],
  { head, toRow }: { readonly head: readonly string[]; readonly toRow: (item: Item) => readonly string[] },
): void {
  out.result({ items }, () => formatTable([head, ...items.map(toRow)], defined({ columns: out.columns })));
}

/** `stackyard hooks ls`: what code hosts delivered. */
export const hooksLs: PluginCommand = {
  name: "hooks ls",
  summary: "List deliveries of code hosts of the last 14 days, newest first, and what came of them.",
  examples: [{ command: "stackyard hooks ls -n 20", what: "List the last 20 deliveries." }],
  args: ListArguments,
  async run(context, args) {
    // The command line has checked the arguments against the schema.
    const { limit = 100 } = args as Static<typeof ListArguments>;
    const { signal, out } = context;
    const request = { path: ["v1", "hooks"], query: { limit }, signal };
    const { items } = await openServer(context).requestJson<{ items: readonly HookDelivery[] }>(request);
    if (items.length === 0) out.note("No delivery came in the last 14 days.");
    printList(context, items, { head: ["RECEIVED", "HOST", "WHAT", "OF", "BY", "OUTCOME"], toRow: toDeliveryRow });
    return 0;
  },
};

function toDeliveryRow({ receivedAt, host, what, subject = "–", sender = "–", outcome }: HookDelivery) {
  const events = outcome?.events?.map(({ event, stackId }) => `${event} to ${stackId}`).join(", ");
  const text =
    outcome === undefined ? "in the queue" : (events ?? [outcome.kind, outcome.reason].filter(Boolean).join(": "));
  return [receivedAt, host, what, subject, sender, text];
}

/** `stackyard queue ls`: what waits in the queues of services. */
export const queueLs: PluginCommand = {
  name: "queue ls",
  summary: "List what waits in the queues of services, and their dead letters.",
  description:
    "Dead letters stay for 30 days. Send one again with `stackyard queue redrive` once its cause is corrected.",
  examples: [{ command: "stackyard queue ls", what: "List items, and why their work failed." }],
  args: ListArguments,
  async run(context, args) {
    // The command line has checked the arguments against the schema.
    const { limit = 100 } = args as Static<typeof ListArguments>;
    const { signal, out } = context;
    const request = { path: ["v1", "queue"], query: { limit }, signal };
    const { items } = await openServer(context).requestJson<{ items: readonly QueuedItem[] }>(request);
    if (items.length === 0) out.note("The queues are empty.");
    printList(context, items, { head: ["QUEUE", "KEY", "STATE", "FAILURES", "WHY"], toRow: toItemRow });
    return 0;
  },
};

function toItemRow({ queue, key, dueAt, failure, deadAt }: QueuedItem): readonly string[] {
  const state = deadAt === undefined ? `due ${dueAt}` : `dead since ${deadAt}`;
  return [queue, key, state, String(failure?.count ?? 0), failure?.message ?? ""];
}

const RedriveArguments = Type.Object({
  queue: Type.String({ minLength: 1, maxLength: 64, description: "The queue, as `queue ls` prints it." }),
  key: Type.String({ minLength: 1, maxLength: 1_024, description: "The key of the dead letter." }),
});

/** `stackyard queue redrive`: retries a dead letter. */
export const queueRedrive: PluginCommand = {
  name: "queue redrive",
  summary: "Repeat the work on a dead letter of a queue.",
  description: "Exits with 1 if the queue has no dead letter under this key.",
  examples: [
    { command: "stackyard queue redrive hooks github/72d3162e-cc78-11e3", what: "Decide about a delivery again." },
  ],
  args: RedriveArguments,
  async run(context, args) {
    // The command line has checked the arguments against the schema.
    const body = args as Static<typeof RedriveArguments>;
    const { signal, out } = context;
    const request = { method: "POST" as const, path: ["v1", "queue", "redrive"], body, signal };
    const { redriven } = await openServer(context).requestJson<{ redriven: boolean }>(request);
    const text = redriven ? "is repeated." : "is not a dead letter. `stackyard queue ls` lists queues and keys.";
    out.result({ ...body, redriven }, () => `${body.queue} ${body.key} ${text}`);
    return redriven ? 0 : 1;
  },
};
