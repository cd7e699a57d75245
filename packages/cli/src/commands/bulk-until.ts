import { isStackyardError, mapLimited } from "@stackyard/core";
import type { BulkItem } from "@stackyard/sdk";
import { formatTable } from "@stackyard/sdk/commands";
import { readPages, type ServerContext } from "../server/connection.ts";

/** Stacks that are waited for at a time; each holds a connection. */
const AT_ONCE = 10;

interface UntilOptions {
  /** States, or `removed`. */
  readonly until: readonly string[];
  readonly timeoutMs: number;
}

/** A stack that has not reached its goal. */
interface Missed {
  readonly stackId: string;
  readonly code: string;
  readonly message: string;
}

/**
 * Waits until each stack to which a bulk has sent its event is in one of the states. Shows progress and what failed. Returns
 * the exit code: 0 if all are there, 2 if a task has failed or the state cannot be reached, 4 if the time was over.
 */
export async function waitForItems(context: ServerContext, bulkId: string, options: UntilOptions): Promise<number> {
  const { out, signal } = context;
  const items = await listSent(context, bulkId);
  const endsAt = Date.now() + options.timeoutMs;
  const missed: Missed[] = [];
  let done = 0;
  await mapLimited(items, AT_ONCE, async (item) => {
    const fault = await waitForItem(context, item, { ...options, timeoutMs: Math.max(1, endsAt - Date.now()) });
    if (fault !== undefined) missed.push(fault);
    done += 1;
    const reached = done - missed.length;
    out.progress({ kind: "until", total: items.length, reached, failed: missed.length }, () => {
      return `${reached} of ${items.length} are ${toPlace(options)}${missed.length === 0 ? "" : `, ${missed.length} failed`}`;
    });
  });
  signal.throwIfAborted();
  missed.sort((a, b) => a.stackId.localeCompare(b.stackId));
  out.result({ until: options.until, total: items.length, reached: items.length - missed.length, missed }, () => {
    const head = `${items.length - missed.length} of ${items.length} stacks are ${toPlace(options)}.`;
    return missed.length === 0 ? head : `${head}\n${formatMissed(missed, out.columns)}`;
  });
  if (missed.length === 0) return 0;
  return missed.every(({ code }) => code === "TIMED_OUT") ? 4 : 2;
}

/** Returns the items whose events may lead to a state. */
async function listSent({ out, yard, signal }: ServerContext, bulkId: string): Promise<readonly BulkItem[]> {
  const sent: BulkItem[] = [];
  for await (const items of readPages((page) => yard.bulk.items(bulkId, { ...page, signal }), { out })) {
    sent.push(...items.filter(({ outcome }) => outcome === "applied" || outcome === "removed" || outcome === "parked"));
  }
  return sent;
}

async function waitForItem(
  { yard, signal }: ServerContext,
  { id, eventId = "" }: BulkItem,
  { until, timeoutMs }: UntilOptions,
): Promise<Missed | undefined> {
  const states = until.filter((state) => state !== "removed");
  const goal = { states, removal: states.length < until.length };
  const after = { stackId: id, eventId };
  try {
    await yard.waitForStack(id, goal, { after, timeoutMs, signal, stopOnFailure: true });
    return undefined;
  } catch (error) {
    if (!isStackyardError(error) || signal.aborted) throw error;
    return { stackId: id, code: error.code, message: error.message };
  }
}

function toPlace({ until }: UntilOptions): string {
  return until.map((state) => (state === "removed" ? "removed" : `in ${state}`)).join(" or ");
}

function formatMissed(missed: readonly Missed[], columns: number | undefined): string {
  const rows = missed.map(({ stackId, code, message }) => [`  ${stackId}`, code, message.split("\n")[0] ?? ""]);
  return formatTable(rows, { columns, keepLast: true });
}
