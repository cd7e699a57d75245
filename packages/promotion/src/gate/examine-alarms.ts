import type { ExecutorContext } from "@stackyard/core";
import { type AlarmState, findAlarmSince, loadAlarms } from "./alarm-states.ts";
import { type Condition, closed, formatInstant, never, OPEN } from "./condition.ts";

/** Which alarms must be OK. */
export interface AlarmsInput {
  readonly alarms: readonly string[];
  /** After the first event: a change to ALARM since then is final, epoch milliseconds. See `findAlarmsSince`. */
  readonly since?: number | undefined;
}

/**
 * Examines alarms: all must be OK now. A change to ALARM since the first event never holds any more (`ALARM`), also when
 * the alarm is OK again. One that was on before is waited for, as are missing data and alarms that do not exist. Throws
 * the errors of AWS.
 */
export async function examineAlarms(
  ctx: Pick<ExecutorContext, "aws" | "signal">,
  { alarms, since }: AlarmsInput,
): Promise<Condition> {
  const states = await loadAlarms(ctx, alarms);
  let condition: Condition = OPEN;
  for (const alarm of alarms) {
    const state = states.get(alarm) ?? { value: "MISSING" };
    const at = since === undefined ? undefined : await findRaised(ctx, { alarm, state, since });
    if (at !== undefined) {
      const message = `The alarm "${alarm}" went off at ${formatInstant(at)}. It must be OK since ${formatInstant(since ?? at)}.`;
      return never("ALARM", message);
    }
    if (condition.kind === "open") condition = toCondition(alarm, state);
  }
  return condition;
}

interface Raised {
  readonly alarm: string;
  readonly state: AlarmState;
  readonly since: number;
}

/** An alarm whose state has not changed since needs no look at its history. */
async function findRaised(
  ctx: Pick<ExecutorContext, "aws" | "signal">,
  { alarm, state, since }: Raised,
): Promise<number | undefined> {
  if (state.value === "MISSING") return undefined;
  if (state.changedAt !== undefined && state.changedAt < since) return undefined;
  if (state.value === "ALARM" && state.changedAt !== undefined) return state.changedAt;
  return findAlarmSince(ctx, alarm, since);
}

function toCondition(alarm: string, { value, changedAt }: AlarmState): Condition {
  switch (value) {
    case "OK":
      return OPEN;
    case "ALARM": {
      const since = changedAt === undefined ? "" : ` since ${formatInstant(changedAt)}`;
      return closed("ALARM", `The alarm "${alarm}" is on${since}. It must be OK.`);
    }
    case "INSUFFICIENT_DATA":
      return closed("ALARM", `The alarm "${alarm}" has too little data, which counts as closed. Correct its metric.`);
    case "MISSING":
      return closed("GATE_UNAVAILABLE", `The alarm "${alarm}" does not exist in the task's target. Create it.`);
  }
}
