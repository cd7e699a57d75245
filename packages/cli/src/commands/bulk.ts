import {
  countNotAsAsked,
  defined,
  isAsAsked,
  MAX_CURSOR,
  nameSender,
  optionalFlag,
  optionalText,
  toShellCommand,
} from "@stackyard/core";
import { fieldOf, getBulk, listDeadLetters, listStacks, retryStack } from "@stackyard/core/api/operations";
import { isOnEvents } from "@stackyard/core/engine";
import type { Bulk, BulkItem, BulkPlan, BulkRequest } from "@stackyard/sdk";
import { formatTable } from "@stackyard/sdk/commands";
import { parseMetadata, parseTimeout } from "@stackyard/sdk/send";
import { type Static, Type } from "typebox";

import { failWith } from "../failure.ts";
import { defineServerCommand, readAll, readPages, type ServerContext } from "../server/connection.ts";
import { waitForItems } from "./bulk-until.ts";
import { findRevisionHash } from "./machines.ts";
import { formatDigest, metadataArg, planArg, reasonArg, stackFilterArgs, untilArg } from "./stack-args.ts";

const digits = { pattern: "^[0-9a-f]{4,64}$", placeholder: "hash" };
const auditedReasonArg = { ...reasonArg, description: "Reason, recorded in the history and the audit log." };

const RunArgs = Type.Object({
  operation: Type.Enum(
    ["send", "retry", "cancel", "acknowledge", "settle", "remove", "upgrade", "redrive", "dismiss", "withdraw"],
    {
      description:
        "What to do: send, retry, cancel, settle, remove or upgrade stacks, redrive or dismiss dead letters, or withdraw parked events.",
    },
  ),
  event: fieldOf(listDeadLetters, "event", {
    description: "send: the event; redrive, dismiss: dead letters of it; withdraw: parked events of it.",
    completes: "event",
  }),
  metadata: metadataArg("send: metadata as"),
  task: fieldOf(retryStack, "task", { description: "cancel, settle, retry: the task.", completes: "task" }),
  pending: optionalFlag("retry: send pending tasks again."),
  to: optionalText("upgrade: the revision's hash, or its first digits together with --machine.", digits),
  all: optionalFlag("Every stack, dead letter or parked event, instead of a filter."),
  id: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: MAX_CURSOR }), {
      description: "This stack, dead letter or parked event. May be repeated.",
    }),
  ),
  ...stackFilterArgs,
  idPrefix: fieldOf(listStacks, "idPrefix", { description: "Only ids that start with this text." }),
  failedTask: fieldOf(listStacks, "task", {
    description: "Only stacks in which this task has failed.",
    completes: "task",
  }),
  revision: optionalText(
    "Only stacks of this revision: its hash, or its first digits together with --machine.",
    digits,
  ),
  stack: fieldOf(listDeadLetters, "stackId", {
    description: "redrive, dismiss, withdraw: events of a stack.",
    completes: "stack",
  }),
  code: fieldOf(listStacks, "code", {
    description: "Only stacks in which a task has failed with this code; redrive, dismiss, withdraw: events.",
  }),
  reason: Type.Optional(auditedReasonArg),
  dryRun: optionalFlag("Change nothing, and show what would happen."),
  plan: planArg("Digest of a dry run. Required for settle, remove, dismiss and withdraw."),
  until: untilArg("each stack"),
  timeout: optionalText("How long to wait for --until. Default: 10m.", { placeholder: "duration" }),
  detach: optionalFlag("Do not wait for the end."),
});
type RunArgs = Static<typeof RunArgs>;

/** `stackyard bulk run` */
export const bulkRun = defineServerCommand({
  name: "bulk run",
  summary: "Do the same to many stacks, dead letters or parked events.",
  description: [
    "At most 10,000 items are chosen once, and the servers of the yard work on them, 50 at a time. Ctrl-C stops the wait, not the operation: `stackyard bulk cancel` ends it.",
    "Exits with 1 if an item was not applied, or if a dry run found such an item. With --until, exits with 2 if a task has failed or a stack cannot reach the state, and with 4 if the time was over.",
  ].join("\n"),
  examples: {
    "stackyard bulk run retry --condition failed --dry-run": "Show what a retry of all failed stacks would do.",
    "stackyard bulk run send --event DEPLOY --machine review-app": "Send an event to all stacks of a machine.",
    "stackyard bulk run send --event CLOSED --machine review-app --until removed":
      "Wait until all of them are removed.",
    'stackyard bulk run remove --id-prefix pr- --plan 0f3a9c21d5e84b76a1c09e3d7b52f648 --reason "account closed"':
      "Remove the records that a dry run found.",
    "stackyard bulk run redrive --code STACK_UNKNOWN": "Send dead letters again.",
  },
  args: RunArgs,
  positionals: ["operation"],
  async run(context, args) {
    const request = toRequest({ ...args, ...(await findHashes(context, args)) });
    const { out, yard, signal } = context;
    const until = toUntil(args);
    if (args.dryRun === true) {
      const plan = await yard.bulk.plan(request, { signal });
      out.result(plan, () => formatPlan(plan));
      return plan.outcomes.every(({ outcome }) => isAsAsked(outcome)) ? 0 : 1;
    }
    const bulk = await yard.bulk.start(request, { signal, ...defined({ plan: args.plan }) });
    if (args.detach === true) {
      out.result(
        bulk,
        () => `${bulk.id}: ${bulk.total} items. Check \`${toShellCommand`stackyard bulk show ${bulk.id}`}\`.`,
      );
      return 0;
    }
    const exitCode = await follow(context, bulk.id);
    const reached = until === undefined ? 0 : await waitForItems(context, bulk.id, until);
    return reached === 0 ? exitCode : reached;
  },
});

/** Returns what to wait for after the bulk. Throws `USAGE`. */
function toUntil({ until, timeout = "10m", detach = false, operation }: RunArgs) {
  if (until === undefined) return undefined;
  if (detach) throw failWith("USAGE", "Pass --until or --detach, not both.");
  if (isOnEvents(operation)) throw failWith("USAGE", `${operation} has no --until.`);
  return { until, timeoutMs: parseTimeout(timeout, "--timeout") };
}

/** Returns the whole hashes of the revisions that were given. Throws `USAGE`. */
async function findHashes(
  context: ServerContext,
  { machine, to, revision }: RunArgs,
): Promise<Pick<RunArgs, "to" | "revision">> {
  const find = async (name: string, given: string | undefined) =>
    given === undefined ? undefined : findRevisionHash(context, { digits: given, machine, name });
  return defined({ to: await find("--to", to), revision: await find("--revision", revision) });
}

function toRequest(args: RunArgs): BulkRequest {
  const { operation, event, metadata, task, pending, to, all = false, id, reason, ...rest } = args;
  const { machine, state, idPrefix, text, condition, needsPerson, behind, revision, stack, failedTask, code } = rest;
  const isOfEvents = isOnEvents(operation);
  const filter = defined({
    ids: id,
    machine,
    state,
    idPrefix,
    text,
    condition,
    needsPerson,
    behind,
    revision,
    task: failedTask,
    code,
    stackId: stack,
    event: isOfEvents ? event : undefined,
  });
  if (Object.keys(filter).length === 0 && !all) throw failWith("USAGE", "Pass a filter, such as --machine, or --all.");
  if (Object.keys(filter).length > 0 && all) throw failWith("USAGE", "Pass --all or a filter, not both.");
  const brought = metadata === undefined ? undefined : parseMetadata(metadata);
  const which = pending === true ? "pending" : undefined;
  return {
    operation,
    filter,
    body: defined({ event: isOfEvents ? undefined : event, metadata: brought, task, which, to }),
    ...defined({ reason }),
  };
}

/** Waits for the end of a bulk with its progress, then shows what was not applied. */
async function follow(context: ServerContext, bulkId: string): Promise<number> {
  const { out, yard, signal } = context;
  const bulk = await yard.bulk.wait(bulkId, {
    signal,
    onProgress: (now) => out.progress(now, () => `${now.done} of ${now.total} done${formatCounts(now)}`),
  });
  out.result(bulk, () => formatBulk(bulk));
  const isClean = bulk.status === "done" && countNotAsAsked(bulk.counts) === 0;
  if (!isClean && !out.json) await showFailures(context, bulk);
  return isClean ? 0 : 1;
}

const SHOWN = 20;

async function showFailures({ out, yard, signal }: ServerContext, { id }: Bulk): Promise<void> {
  const failures: BulkItem[] = [];
  let more = false;
  for await (const items of readPages((page) => yard.bulk.items(id, { ...page, signal }), { out })) {
    const bad = items.filter(({ outcome = "waiting" }) => !isAsAsked(outcome) && outcome !== "skipped");
    failures.push(...bad.slice(0, SHOWN - failures.length));
    more ||= bad.length > SHOWN - failures.length;
    if (failures.length === SHOWN) break;
  }
  if (failures.length > 0) out.text(formatItems(failures));
  if (more) out.note(`\`${toShellCommand`stackyard bulk show ${id} --items`}\` shows all items.`);
}

const OUTCOMES = [
  ...["applied", "removed", "parked", "refused", "dead-lettered"],
  ...["ignored", "redriven", "dismissed", "withdrawn", "gone", "waiting", "skipped"],
] as const;

/** `stackyard bulk show` */
export const bulkShow = defineServerCommand({
  name: "bulk show",
  summary: "Show a bulk operation and how far it is.",
  examples: {
    "stackyard bulk show 01J8ZQ": "Show the counts.",
    "stackyard bulk show 01J8ZQ --items --outcome refused": "Show why items were refused.",
    "stackyard bulk show 01J8ZQ --follow": "Wait for the end.",
  },
  args: Type.Object({
    id: fieldOf(getBulk, "bulkId", { placeholder: "id", description: "The operation's id." }),
    items: optionalFlag("Show each item."),
    outcome: Type.Optional(Type.Enum(OUTCOMES, { description: "Only items with this outcome. Implies --items." })),
    follow: optionalFlag("Wait for the end.", { short: "f" }),
  }),
  async run(context, { id, items = false, outcome, follow: waits = false }) {
    const { out, yard, signal } = context;
    if (waits) return follow(context, id);
    const bulk = await yard.bulk.get(id, { signal });
    if (!items && outcome === undefined) {
      out.result(bulk, () => formatBulk(bulk));
      return 0;
    }
    for await (const part of readPages((page) => yard.bulk.items(id, { ...page, ...defined({ outcome }), signal }), {
      out,
    })) {
      if (out.json) for (const item of part) out.result(item, () => "");
      else if (part.length > 0) out.text(formatItems(part));
    }
    return 0;
  },
});

/** `stackyard bulk ls` */
export const bulkLs = defineServerCommand({
  name: "bulk ls",
  summary: "List the bulk operations of the last 7 days.",
  examples: { "stackyard bulk ls": "List them, newest first." },
  args: Type.Object({}),
  async run({ out, yard, signal }) {
    const all = await readAll((page) => yard.bulk.list({ ...page, signal }), { out });
    if (out.json) for (const bulk of all) out.result(bulk, () => "");
    else if (all.length === 0) out.note("No bulk operations.");
    else {
      const rows = all.map((bulk) => {
        const { id, operation, status, done, total, createdAt } = bulk;
        return [id, operation, status, `${done}/${total}`, nameSender(bulk, all) ?? "–", createdAt];
      });
      out.text(formatTable([["ID", "OPERATION", "STATUS", "DONE", "BY", "STARTED"], ...rows]));
    }
  },
});

/** `stackyard bulk cancel` */
export const bulkCancel = defineServerCommand({
  name: "bulk cancel",
  summary: "End a bulk operation. Items that were sent before are not undone.",
  examples: { 'stackyard bulk cancel 01J8ZQ --reason "wrong image"': "Skip the items that are left." },
  args: Type.Object({
    id: fieldOf(getBulk, "bulkId", { placeholder: "id", description: "The operation's id." }),
    reason: Type.Optional(auditedReasonArg),
  }),
  async run({ out, yard, signal }, { id, reason }) {
    const bulk = await yard.bulk.cancel(id, { signal, ...defined({ reason }) });
    out.result(bulk, () => formatBulk(bulk));
  },
});

function formatPlan({ total, examined, outcomes, digest }: BulkPlan): string {
  const rows = outcomes.map(({ outcome, code = "", count, examples, follows }) => [
    ...[String(count), outcome, code],
    `${examples.slice(0, 3).join(", ")}${count > 3 ? ", …" : ""}`,
    follows.join("; "),
  ]);
  const head = examined < total ? `${total} items, of which ${examined} were examined.` : `${total} items.`;
  if (rows.length === 0) return head;
  const table = formatTable([["COUNT", "OUTCOME", "CODE", "EXAMPLES", "FOLLOWS"], ...rows]);
  return `${head} Nothing was changed.\n${table}\n${formatDigest(digest)}`;
}

function formatBulk(bulk: Bulk): string {
  const { id, operation, event, status, done, total, actor, actorId, cancelledBy, cancelledById } = bulk;
  const canceller = { actor: cancelledBy, actorId: cancelledById };
  const what = event === undefined || operation !== "send" ? operation : `${operation} ${event}`;
  const by = cancelledBy === undefined ? "" : ` by ${nameSender(canceller, [canceller, { actor, actorId }])}`;
  return `${id} ${what}: ${status}${by}, ${done} of ${total} items${formatCounts(bulk)}`;
}

function formatCounts({ counts }: Bulk): string {
  const shown = Object.entries(counts).map(([outcome, count]) => `${count} ${outcome}`);
  return shown.length === 0 ? "" : ` (${shown.join(", ")})`;
}

function formatItems(items: readonly BulkItem[]): string {
  const rows = items.map(({ n, id, outcome = "-", code = "", reason = "" }) => [String(n), id, outcome, code, reason]);
  return formatTable([["N", "ID", "OUTCOME", "CODE", "REASON"], ...rows]);
}
