import { findKeyPlace, toAttemptView, toListedAttempt } from "@stackyard/core/attempt";
import type { AttemptView } from "@stackyard/core/engine";
import type { AttemptRow } from "./attempt-row.ts";
import { KEYS } from "./exclusive-key.ts";
import { inParallel } from "./in-parallel.ts";
import { toWorkKey } from "./load-listed.ts";
import { loadRow, loadRowAt } from "./mutate-row.ts";
import type { StoreContext } from "./store-context.ts";
import { WORK_INDEXES } from "./table-definitions.ts";
import { toKeyPart, type WorkKey } from "./work-keys.ts";

const SETTLED_LISTED = 50;
const READ_AT_ONCE = 16;

/** Newest first: all that are open, and the last 50 settled ones, without their logs. */
export async function listAttempts(context: StoreContext, stackId: string): Promise<readonly AttemptView[]> {
  const { name, key } = WORK_INDEXES.list;
  const condition = { expression: `${key} = :key`, values: { ":key": `attempts#${toKeyPart(stackId)}` } };
  const keys: WorkKey[] = [];
  for await (const item of context.work.query({ index: name, condition, descending: true })) {
    keys.push(toWorkKey(item));
  }
  const listed: AttemptRow[] = [];
  let settled = 0;
  for (let from = 0; from < keys.length; from += READ_AT_ONCE) {
    for (const row of await loadRows(context, keys.slice(from, from + READ_AT_ONCE))) {
      if (row.status === "settled") settled += 1;
      if (row.status !== "settled" || settled <= SETTLED_LISTED) listed.push(row);
    }
  }
  return inParallel(listed, async (row) => toListedAttempt(await viewAttempt(context, row)));
}

/** Logs are large and not listed: that one is there is all that is kept of it. */
async function loadRows(context: StoreContext, keys: readonly WorkKey[]): Promise<readonly AttemptRow[]> {
  const rows = await inParallel(keys, (key) => loadRowAt<AttemptRow>(context, key));
  return rows.flatMap((row) => (row?.log === undefined ? (row ?? []) : [{ ...row, log: "" }]));
}

/** With its place in the queue of the key that it waits for. */
export async function viewAttempt(context: StoreContext, row: AttemptRow): Promise<AttemptView> {
  if (row.queuedFor === undefined) return toAttemptView(row, row, undefined);
  const place = findKeyPlace(await loadRow(context, KEYS, row.queuedFor), row.attemptId) ?? { holder: "", place: 0 };
  return toAttemptView(row, row, { key: row.queuedFor, ...place });
}
