import { defined } from "@stackyard/core";
import type { ReleaseEvent } from "@stackyard/core/engine";
import type { Call, Course } from "./call.ts";
import { toChanges, withChanges } from "./change-deployment.ts";
import { EVENT_MS, end, ROW_RULES } from "./decide-row.ts";
import type { DeployDeps } from "./deploy-deps.ts";
import type { DeployRow } from "./deploy-row.ts";

type Sending = Pick<Call, "aims" | "create">;

/** Writes the rows as sent, then sends their events: a call that dies in between is repeated under the same ids. */
export async function sendRows(
  deps: DeployDeps,
  { ready, ...course }: Course & { readonly ready: readonly DeployRow[] },
  call: Sending,
): Promise<Course> {
  const { now } = call.aims;
  const { next } = course.deployment.state;
  const sent = ready.map((row): DeployRow => ({ ...toSent(row, now), batch: next }));
  const noted = withChanges(course.deployment, toChanges(sent));
  const state = { ...noted.state, next: next + 1, firstSentAt: noted.state.firstSentAt ?? now };
  const deployment = { ...noted, state };
  await deps.rows.save(deployment);
  const results = await sendEvents(deps, sent, call);
  const refused = sent.flatMap((row, index) => {
    const result = results[index];
    if (result?.kind !== "refused") return [];
    return [end(row, call.aims, { state: "failed", code: result.code, message: result.reason })];
  });
  const hasRefused = refused.length > 0;
  return {
    ...course,
    deployment: withChanges(deployment, toChanges(refused)),
    hasChanged: hasRefused,
    observesWaiting: hasRefused,
  };
}

/** Sends the events of rows that were written as sent: always the same ones. */
export function sendEvents(deps: DeployDeps, sent: readonly DeployRow[], call: Sending) {
  return deps.yard.send(sent.map((row) => toEvent(row, call)));
}

function toSent(row: DeployRow, now: number): DeployRow {
  return { ...row, state: "sent", try: row.try + 1, at: now, sentAt: now };
}

function toEvent(row: DeployRow, { aims, create }: Sending): ReleaseEvent {
  const { stack, try: tries, expect = 0, sentAt = 0, onlyNotes } = row;
  const rules = ROW_RULES[aims.op];
  return {
    stackId: stack,
    event: aims.event,
    try: tries,
    expect,
    expiresAt: sentAt + EVENT_MS,
    metadata: rules.toValues(row, aims),
    ...defined({ onlyNotes, restores: rules.toRestores(row), machine: create }),
  };
}
