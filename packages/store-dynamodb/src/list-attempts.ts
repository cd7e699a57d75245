import { findKeyPlace, toAttemptView } from "@stackyard/core/attempt";
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
const READ_AT_ONCE = 64;

/** Newest first: all that are open, and the last 50 settled ones. */
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
    const rows = await inParallel(keys.slice(from, from + READ_AT_ONCE), (each) =>
      loadRowAt<AttemptRow>(context, each),
    );
    for (const row of rows) {
      if (row?.status === "settled") settled += 1;
      if (row !== undefined && (row.status !== "settled" || settled <= SETTLED_LISTED)) listed.push(row);
    }
  }
  return inParallel(listed, (row) => viewAttempt(context, row));
}

/** With its place in the queue of the key that it waits for. */
export async function viewAttempt(context: StoreContext, row: AttemptRow): Promise<AttemptView> {
  if (row.queuedFor === undefined) return toAttemptView(row, row, undefined);
  const place = findKeyPlace(await loadRow(context, KEYS, row.queuedFor), row.attemptId) ?? { holder: "", place: 0 };
  return toAttemptView(row, row, { key: row.queuedFor, ...place });
}
