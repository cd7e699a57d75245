import type { Grant, QueuedEvent } from "@stackyard/core/engine";
import type { Database } from "./database.ts";
import { toEventRow } from "./event-rows.ts";
import { toComparedText } from "./key-text.ts";
import type { SettleInput } from "./port-types.ts";

/** One call of `settle`. */
export interface SettleCall {
  readonly grant: Grant;
  readonly input: SettleInput;
}

const SETTLE = {
  name: "settle_attempts",
  isLong: true as const,
  text: "select settled, passed from stackyard.settle_attempts($1, $2, $3)",
};

/** Settles different attempts, each with its events. `passedKeys`: the message of one that waited for a key may be there. */
export async function settleAll(
  database: Database,
  calls: readonly SettleCall[],
): Promise<{ readonly results: readonly ("settled" | "lost")[]; readonly passedKeys: boolean }> {
  const settles = calls.map(({ grant, input: { outcome, log, now } }, index) => ({
    n: index,
    id: toComparedText(grant.attemptId),
    token: grant.token,
    outcome,
    // What a task has printed may hold anything, U+0000 included: JSON text can carry that.
    log: log === undefined ? null : JSON.stringify(log),
    now,
  }));
  const events = calls.flatMap(({ input }, index) => toEvents(input).map((event) => ({ n: index, ...event })));
  const row = await database.row<{ settled: readonly number[]; passed: boolean }>(
    SETTLE,
    JSON.stringify(settles),
    settles.map(({ id }) => id),
    JSON.stringify(events),
  );
  const settled = new Set(row?.settled);
  const results = calls.map((_, index) => (settled.has(index) ? ("settled" as const) : ("lost" as const)));
  return { results, passedKeys: row?.passed === true };
}

function toEvents({ event, followUps = [] }: SettleInput): readonly object[] {
  const later = followUps.map((followUp): [QueuedEvent, number] => [followUp.event, followUp.notBefore]);
  return [toEventRow(event), ...later.map(([followUp, notBefore]) => toEventRow(followUp, notBefore))];
}
