import { RUN_MACHINE } from "../machine/machine.ts";
import type { Stack } from "../machine/stack.ts";
import { TROUBLE, toStackColumns } from "./stack-columns.ts";
import type { MainCondition } from "./store.ts";

/** States whose stacks sleep while they rest: what they cost has been taken down until an event wakes them. */
const ASLEEP_STATES: readonly string[] = ["ASLEEP", "SLEEPING", "Asleep", "Sleeping", "asleep", "sleeping"];

/** The machine of jobs, and the state of a job that has failed: its task is left behind in the state before. */
const FAILED_JOB = { machine: RUN_MACHINE, state: "FAILED" } as const;

/** The conditions that are a bit of the column `trouble`, in the order of `MAIN_CONDITIONS`. */
const TROUBLE_ORDER = ["failed", "degraded", "overdue", "stalled", "approval"] as const;

/** Returns the first of the main conditions that is true of a stack. `parked`: the stack's parked events. */
export function toMainCondition(stack: Stack, parked: number): MainCondition {
  const { busy, trouble } = toStackColumns(stack);
  const { machine, state } = stack;
  if (machine === FAILED_JOB.machine && state === FAILED_JOB.state) return "failed";
  const worst = TROUBLE_ORDER.find((name) => ((trouble ?? 0) & TROUBLE[name]) !== 0);
  if (worst !== undefined) return worst;
  if (busy) return "busy";
  if (parked > 0) return "waiting";
  return ASLEEP_STATES.includes(state) ? "asleep" : "healthy";
}

/** The expressions of a database for the facts of a main condition. */
interface MainConditionFacts {
  readonly machine: string;
  readonly state: string;
  /** An integer, or null. */
  readonly trouble: string;
  readonly busy: string;
  readonly hasParked: string;
}

/** Returns the SQL expression for what `toMainCondition` returns. */
export function toMainConditionSql({ machine, state, trouble, busy, hasParked }: MainConditionFacts): string {
  const troubles = TROUBLE_ORDER.map((name) => `when ${trouble} & ${TROUBLE[name]} <> 0 then '${name}'`);
  const asleep = ASLEEP_STATES.map((name) => `'${name}'`).join(", ");
  return [
    `case when ${machine} = '${FAILED_JOB.machine}' and ${state} = '${FAILED_JOB.state}' then 'failed'`,
    ...troubles,
    `when ${busy} then 'busy'`,
    `when ${hasParked} then 'waiting'`,
    `when ${state} in (${asleep}) then 'asleep' else 'healthy' end`,
  ].join(" ");
}
