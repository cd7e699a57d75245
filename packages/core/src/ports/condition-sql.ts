import { ASLEEP_STATES, ENDED_JOB, MAIN_FACTS, type MainCondition } from "../machine/stack-health.ts";
import { MARKS } from "./stack-columns.ts";
import type { StackCondition, StackFilter } from "./store.ts";

/** The expressions of a database for the facts of a condition. */
interface ConditionFacts {
  readonly machine: string;
  readonly state: string;
  /** An integer, or null. */
  readonly trouble: string;
  readonly busy: string;
  readonly hasParked: string;
}

/** The SQL expressions for what `evaluateHealth` returns, over the columns of a stack. */
export interface ConditionSql {
  readonly conditions: Readonly<Record<StackCondition, string>>;
  /** A text. */
  readonly main: string;
  readonly needsPerson: string;
  /** Returns what a filter demands without a parameter, each with a word for the name of the statement. */
  list(filter: StackFilter): readonly (readonly [name: string, condition: string])[];
}

/** The marks of `waiting`, in the list of conditions: a job that was cancelled waits for nothing, and a stack that is behind continues. */
const { cancelled: _, person: __, behind: ___, ...WAITING } = MARKS;

/** Returns the expressions for a database. */
export function toConditionSql({ machine, state, trouble, busy, hasParked }: ConditionFacts): ConditionSql {
  // An index has the rows whose column is not null.
  const has = (...marks: readonly number[]) => {
    return `(${trouble} is not null and ${trouble} & ${marks.reduce((sum, mark) => sum + mark, 0)} <> 0)`;
  };
  const conditions = {
    failed: has(MARKS.failed),
    degraded: has(MARKS.degraded),
    overdue: has(MARKS.overdue),
    stalled: has(MARKS.stalled),
    approval: has(MARKS.approval),
    busy,
    waiting: `(${busy} or ${has(...Object.values(WAITING))} or ${hasParked})`,
  };
  const isJob = `${machine} = '${ENDED_JOB.machine}'`;
  const isEndedJob = `${isJob} and ${state} = '${ENDED_JOB.state}'`;
  const asleep = ASLEEP_STATES.map((name) => `'${name}'`).join(", ");
  const order: readonly (readonly [condition: string, main: MainCondition])[] = [
    [`${isEndedJob} and ${has(MARKS.cancelled)}`, "cancelled"],
    [isEndedJob, "failed"],
    ...MAIN_FACTS.map((name) => [conditions[name], name] as const),
    [hasParked, "waiting"],
    [`${state} in (${asleep})`, "asleep"],
  ];
  const cases = order.map(([condition, main]) => `when ${condition} then '${main}'`);
  const needy = has(MARKS.person);
  return {
    conditions,
    main: `case ${cases.join(" ")} else 'healthy' end`,
    needsPerson: needy,
    list({ condition, needsPerson, behind, jobs, task, code }) {
      const found = [
        ...demand(needsPerson, needy, ["person", "quiet"]),
        ...demand(behind, has(MARKS.behind), ["behind", "newest"]),
        ...demand(jobs, isJob, ["jobs", "stacks"]),
      ];
      if (condition !== undefined) found.push([condition, conditions[condition]]);
      if (task !== undefined || code !== undefined) found.push(["e", has(MARKS.failed, MARKS.degraded)]);
      return found;
    },
  };
}

/** Returns an expression that must be true or false, with the word for each; nothing where either will do. */
function demand(
  wanted: boolean | undefined,
  expression: string,
  [yes, no]: readonly [string, string],
): [string, string][] {
  if (wanted === undefined) return [];
  return [wanted ? [yes, expression] : [no, `not ${expression}`]];
}
