import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  aMachineV2,
  anExpression,
  aTemplate,
  type ReactionSketch,
  readKey,
  type StateSketch,
  someRules,
  withoutVersion,
} from "../../testing/builders.ts";
import type { StackEvent } from "../event-message.ts";
import { findReachable } from "../graph/find-reachable.ts";
import { defined } from "../json.ts";
import type { Machine, Task } from "../machine.ts";
import { listSecretRefs, readSecrets } from "../secrets.ts";
import type { Stack, StackTimer, TaskState } from "../stack.ts";
import { decide, followDecision } from "./decide.ts";
import type { Applied, Decision, Dispatch } from "./decision.ts";
import { hasFailed } from "./task-states.ts";

const STATES = ["INIT", "A", "B", "C"];
const TASKS = ["t1", "t2", "t3", "constructor", "__proto__"];
const WORDS = ["GO", "STOP"];
/** Appears in sensitive values only, so that any trace of one can be found. */
const SECRET = "s3cret-";

const yes = anExpression(() => true);
const isOdd = anExpression((scope) => Number(readKey(scope, "n")) % 2 === 1);
const isNothing = anExpression(() => "?");
/** Mostly nothing special, so that what is special is met in many situations. */
const mostly = <T>(usual: T, ...others: readonly T[]) =>
  fc.oneof({ weight: 3 * others.length, arbitrary: fc.constant(usual) }, ...others.map((other) => fc.constant(other)));
const aCondition = mostly(undefined, yes, yes, isOdd, isNothing);
const count = aTemplate((scope) => Number(scope.metadata["n"] ?? 0) + 1);
const copy = aTemplate((scope) => readKey(scope, "password"));
const list = aTemplate(() => []);

const aReaction = fc.record({
  when: aCondition,
  to: fc.option(fc.constantFrom(...STATES), { nil: undefined }),
  set: fc.dictionary(fc.constantFrom("n", "other"), mostly(count, list), {
    maxKeys: 1,
    noNullPrototype: true,
  }),
  hidden: mostly(false, true),
});

function toReaction({
  when,
  to,
  set,
  hidden,
}: typeof aReaction extends fc.Arbitrary<infer T> ? T : never): ReactionSketch {
  return {
    ...defined({ when, to }),
    set: { ...set, ...(hidden ? { token: copy } : {}) },
  };
}

const aState = fc
  .record({
    tasks: fc.uniqueArray(fc.constantFrom(...TASKS), { minLength: 1, maxLength: 5 }),
    terminal: mostly(false, true),
    protected: fc.boolean(),
    leaving: fc.constantFrom<NonNullable<StateSketch["leaving"]>>("abandon", "wait", "cancel"),
    timeoutMs: fc.integer({ min: 1, max: 3_000 }),
    on: fc.dictionary(
      fc.constantFrom(...WORDS, "NEXT", "FAILED", "TIMEOUT"),
      fc.array(aReaction.map(toReaction), { minLength: 1, maxLength: 3 }),
      { maxKeys: 5, noNullPrototype: true },
    ),
    after: fc.array(fc.record({ inMs: fc.integer({ min: 1, max: 500 }), event: fc.constantFrom(...WORDS) }), {
      maxLength: 2,
    }),
  })
  .map((state): StateSketch => state);

const aTask = fc
  .record({
    needs: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.subarray(TASKS, { maxLength: 2 })),
    when: aCondition,
    attempts: fc.integer({ min: 1, max: 3 }),
    dynamic: mostly("none", "secret", "secret", "fault", "error"),
    exclusive: fc.constantFrom(
      undefined,
      anExpression((scope) => scope.metadata["n"] ?? null),
      isNothing,
    ),
    output: fc.constantFrom(undefined, "password", "n"),
  })
  .map(
    ({ when, attempts, dynamic, exclusive, output, needs }): Partial<Task> => ({
      needs,
      ...defined({ when, exclusive }),
      retry: { attempts, fromMs: 100, toMs: 1_000, factor: 2 },
      outputs: new Map(output === undefined ? [] : [[output, "out"]]),
      ...(dynamic === "none" ? {} : toDynamic(dynamic)),
    }),
  );

function toDynamic(kind: string): Pick<Task, "dynamicConfig"> {
  const template = aTemplate((scope, findSecret) => {
    if (kind === "error") throw new Error(`cannot: ${JSON.stringify(scope.metadata)}`);
    const ref = findSecret({ kind: "metadata", key: "password" });
    return { password: ref === undefined ? null : { $secret: ref }, shown: scope.metadata };
  });
  const findFault = () => (kind === "fault" ? "/ is wrong" : undefined);
  return { dynamicConfig: { template, findFault, findTimeoutMs: () => undefined } };
}

const rules = someRules({
  n: { type: "number", default: 0 },
  password: { sensitive: true },
  token: { sensitive: true },
});

const aRandomMachine = fc
  .tuple(fc.array(aState, { minLength: 4, maxLength: 4 }), fc.array(aTask, { minLength: 5, maxLength: 5 }))
  .map(([states, tasks]) => {
    const [init = {}] = states;
    const first = { ...init, terminal: false, on: { ...init.on, GO: [{ to: "A" }], STOP: [{ to: "B" }] } };
    const sketches = Object.fromEntries(
      STATES.map((name, index) => [name, index === 0 ? first : (states[index] ?? {})]),
    );
    const definitions = Object.fromEntries(TASKS.map((name, index) => [name, tasks[index] ?? {}]));
    return aMachineV2(sketches, { name: "m", events: WORDS, metadata: rules, tasks: definitions });
  });

/** An event as a plan: which attempt or timer it concerns is chosen among those that are there. */
const aPlan = fc.record({
  name: fc.constantFrom(
    ...[...WORDS, ...WORDS, "TASK_COMPLETED", "TASK_COMPLETED", "TASK_COMPLETED", "TASK_COMPLETED", "TASK_COMPLETED"],
    ...["TASK_ERROR", "TASK_ERROR", "TASK_ERROR", "TASK_CANCELLED", "TASK_TIMED_OUT", "TASK_TIMED_OUT"],
    ...["TIMER", "TIMER", "TIMER", "TIMER", "RETRY_FAILED_TASKS", "RETRY_PENDING_TASKS", "CANCEL_TASK"],
    ...["SETTLE_TASK", "UPGRADE_STACK", "NEXT", "UNDECLARED"],
  ),
  task: fc.constantFrom(...TASKS, "other"),
  byId: mostly(true, false),
  pick: fc.nat(7),
  n: fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined }),
  secret: fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined }),
  odd: fc.oneof({ weight: 19, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.anything() }),
  worker: fc.boolean(),
  only: fc.boolean(),
  sensitive: fc.boolean(),
});
type Plan = typeof aPlan extends fc.Arbitrary<infer T> ? T : never;

function toEvent(plan: Plan, stack: Stack | undefined, index: number): StackEvent {
  const base = { id: `e${index}`, stackId: "s", at: 1_000 + index * 300, machine: "m" };
  if (plan.name === "TIMER") return { ...base, ...toFired(stack?.timers[plan.pick % (stack.timers.length || 1)]) };
  const { name, task, worker, only } = plan;
  const answers = name.startsWith("TASK_");
  const all = name.startsWith("RETRY_") && !only;
  return {
    ...base,
    name,
    metadata: toMetadata(plan),
    confirm: "s",
    origin: answers && worker ? "worker" : "external",
    ...(all ? {} : { task: { name: task } }),
    ...(answers ? toAnswer(plan, stack) : {}),
  };
}

function toFired(timer: StackTimer | undefined): Pick<StackEvent, "name" | "origin" | "timerId" | "task"> {
  const named = timer?.task === undefined ? {} : { task: { name: timer.task } };
  return { ...named, name: timer?.event ?? "GO", origin: "timer", timerId: timer?.id ?? "0/after/9" };
}

function toMetadata({ n, secret, odd }: Plan): unknown {
  if (odd !== undefined) return odd;
  return { ...defined({ n }), ...(secret === undefined ? {} : { password: SECRET + secret }) };
}

function toAnswer({ byId, pick, n, secret, sensitive }: Plan, stack: Stack | undefined): Partial<StackEvent> {
  const run = stack?.runs[pick % (stack.runs.length || 1)];
  return {
    ...(byId && run ? { dispatchId: run.attemptId } : {}),
    description: `no ${SECRET}${secret ?? pick} ${SECRET}out`,
    outputs: { out: sensitive ? `${SECRET}out` : (n ?? "x"), more: pick },
    sensitiveOutputs: sensitive ? ["out"] : [],
  };
}

interface Step {
  readonly before: Stack | undefined;
  readonly event: StackEvent;
  readonly decision: Decision;
}

const entryAfter = (decision: Decision) => (decision.kind === "applied" ? decision.stack.entry : 0);

/** Plays the plans, and shows each step to the given check. */
function walk(machine: Machine, plans: readonly Plan[], check: (step: Step) => void): void {
  let stack: Stack | undefined;
  for (const [index, plan] of plans.entries()) {
    const event = toEvent(plan, stack, index);
    const decision = decide(machine, stack, event);
    check({ before: stack, event, decision });
    stack = followDecision(stack, decision);
  }
}

const RUNS = { numRuns: 150 };

type Check = (step: Step, machine: Machine) => void;

function always(name: string, check: Check): void {
  it(name, () => {
    fc.assert(
      fc.property(aRandomMachine, fc.array(aPlan, { minLength: 5, maxLength: 40 }), (machine, plans) => {
        walk(machine, plans, (step) => check(step, machine));
      }),
      RUNS,
    );
  });
}

/** The same check for events that were applied, with the stack after them. */
function whenApplied(
  check: (applied: Applied, before: Stack | undefined, machine: Machine, event: StackEvent) => void,
): Check {
  return ({ before, event, decision }, machine) => {
    if (decision.kind === "applied") check(decision, before, machine, event);
  };
}

/** Something has changed on which the conditions of the state may depend. */
function hasChanged({ before, decision }: Step): boolean {
  if (decision.kind !== "applied") return false;
  const { stack } = decision;
  return (["metadata", "tasks", "outputs"] as const).some((key) => before?.[key] !== stack[key]);
}

const needsOf = (machine: Machine, { begun = {} }: Stack, name: string) => {
  const kept = Object.hasOwn(begun, name) ? (begun[name]?.needs ?? []) : [];
  return [...kept, ...(machine.tasks.get(name)?.needs ?? [])];
};
const isDone = (tasks: readonly TaskState[], name: string) =>
  tasks.some((task) => task.name === name && task.status === "SATISFIED");

function secretsOf({ metadata, secretVersions = {}, keptSecrets = {} }: Stack): readonly string[] {
  const values = [...Object.keys(secretVersions).map((key) => metadata[key]), ...Object.values(keptSecrets)];
  return values.map(String).filter((text) => text.startsWith(SECRET));
}

describe("decide, for any machine of version 2 and any events", () => {
  always(
    "never throws, changes nothing that it was given, and answers the same input alike",
    ({ before, event, decision }, machine) => {
      const frozen = JSON.stringify([before, event]);

      expect(decide(withoutVersion(machine), before, event)).toEqual(decision);
      expect(JSON.stringify([before, event])).toBe(frozen);
      expect(JSON.parse(JSON.stringify(decision))).toEqual(decision);
    },
  );

  always(
    "sends no task before its needs have succeeded",
    whenApplied(({ dispatches, stack }, _before, machine, event) => {
      for (const { task, again, message, entry } of dispatches.filter((dispatch) => !dispatch.again)) {
        const retried = event.name === "RETRY_FAILED_TASKS" && entry === stack.entry;
        const tasks = retried ? stack.tasks : message.stack.tasks;
        expect([again, needsOf(machine, stack, task).filter((need) => !isDone(tasks, need))]).toEqual([false, []]);
      }
    }),
  );

  always(
    "sends no task of a state that waits while a run of an earlier entry is open",
    whenApplied(({ dispatches, stack }, _before, machine) => {
      for (const { entry, message } of dispatches) {
        if (machine.states.get(message.stack._state)?.leaving === "abandon") continue;
        expect(stack.runs.filter((run) => run.entry < entry)).toEqual([]);
      }
    }),
  );

  always(
    "leaves no task that waits for nothing",
    whenApplied(({ stack, removed }, _before, machine) => {
      if (removed) return;
      for (const task of stack.tasks) checkProgress(machine, stack, task);
    }),
  );

  it("makes no more attempts than the policy allows until a person retries", () => {
    fc.assert(
      fc.property(aRandomMachine, fc.array(aPlan, { minLength: 5, maxLength: 40 }), (machine, plans) => {
        const made = new Map<string, number>();
        const note = ({ incarnation, entry, task }: Dispatch) => {
          const key = `${incarnation}/${entry}/${task}`;
          made.set(key, (made.get(key) ?? 0) + 1);
          expect(made.get(key)).toBeLessThanOrEqual(machine.tasks.get(task)?.retry.attempts ?? 0);
        };
        walk(machine, plans, ({ event, decision }) => {
          if (decision.kind !== "applied") return;
          if (event.name === "RETRY_FAILED_TASKS") made.clear();
          decision.dispatches.filter(({ again }) => !again).forEach(note);
        });
      }),
      RUNS,
    );
  });

  it("fires NEXT and FAILED at most once an event and entry, and FAILED again only if it waits and something has changed", () => {
    fc.assert(
      fc.property(aRandomMachine, fc.array(aPlan, { minLength: 5, maxLength: 40 }), (plain, plans) => {
        const fired: string[] = [];
        const machine = listening(plain, (name) => fired.push(name));
        const isNew = ({ before, event, decision }: Step) =>
          before === undefined || event.name === "RETRY_FAILED_TASKS" || entryAfter(decision) !== before.entry;
        walk(machine, plans, (step) => {
          const seen = fired.splice(0);
          const { before } = step;
          expect(seen.length).toBeLessThanOrEqual(1 + Math.max(0, entryAfter(step.decision) - (before?.entry ?? 0)));
          if (before === undefined || !hasFailed({ machine, stack: before }) || isNew(step)) return;
          const mayFire = before.pending?.includes("FAILED") === true && hasChanged(step);
          if (!mayFire) expect(seen).not.toContain("FAILED");
        });
      }),
      RUNS,
    );
  });

  always(
    "enters by itself only states that were reachable, and ends only where the end was",
    whenApplied(({ stack, removed }, before, machine, event) => {
      const isOwn = event.dispatchId !== undefined || event.origin === "timer";
      if (before === undefined || !isOwn) return;
      const reachable = findReachable(machine, before);

      if (removed) expect(reachable.removal).toBe(true);
      if (stack.entry !== before.entry) expect(reachable.states).toContain(stack.state);
    }),
  );

  always("shows no sensitive value in messages, texts of tasks, notes and reasons", ({ before, decision }) => {
    if (decision.kind !== "applied") {
      for (const secret of before === undefined ? [] : secretsOf(before)) expect(decision.reason).not.toContain(secret);
      return;
    }
    const { stack, dispatches, notes } = decision;
    const shown = JSON.stringify([dispatches, notes, stack.tasks, stack.stalled, stack.lastFailure]);
    for (const secret of secretsOf(stack)) expect(shown).not.toContain(secret);
  });

  always(
    "keeps the sensitive values that an open run was sent with, and no others",
    whenApplied(({ stack }) => {
      const needed = [
        ...new Set([...stack.runs.flatMap(({ secrets = [] }) => secrets), ...listSecretRefs(stack.outputs)]),
      ];

      expect(Object.keys(readSecrets(stack, needed)).sort()).toEqual(needed.sort());
      expect(Object.keys(stack.keptSecrets ?? {}).filter((ref) => !needed.includes(ref))).toEqual([]);
    }),
  );
});

/** A task runs, or something will make it continue. */
function checkProgress(machine: Machine, stack: Stack, { name, status, detail }: TaskState): void {
  const runs = stack.runs.filter((run) => run.task === name && run.entry === stack.entry && !run.abandoned);
  const timers = stack.timers.filter(({ task }) => task === name);
  const isHeld = stack.runs.some(({ entry }) => entry < stack.entry);
  const isUnmet = !needsOf(machine, stack, name).every((need) => isDone(stack.tasks, need));
  const causes: Readonly<Record<string, readonly unknown[]>> = {
    RUNNING: runs,
    RETRYING: [...timers, ...runs.filter(({ cancelling }) => cancelling === "timed-out")],
    WAITING: isHeld || isUnmet ? [true] : [],
  };

  expect(causes[detail ?? ""] ?? [true]).not.toEqual([]);
  expect(timers.filter(() => detail !== "RETRYING")).toEqual([]);
  expect(STATUS_OF[detail ?? status] ?? status).toBe(status);
}

/** The status that goes with each detail. */
const STATUS_OF: Readonly<Record<string, TaskState["status"]>> = {
  WAITING: "PENDING",
  RUNNING: "PENDING",
  RETRYING: "PENDING",
  SKIPPED: "SATISFIED",
  CANCELLED: "ERROR",
};

/** The machine, with an ear on the events that the engine fires. */
function listening(machine: Machine, hear: (name: string) => void): Machine {
  const states = [...machine.states].map(([name, state]) => {
    const on = [...state.on].map(([event, reactions]) => {
      const ear = anExpression((scope) => {
        hear(scope.event?.name ?? "");
        return false;
      });
      const heard = event === "NEXT" || event === "FAILED" ? [{ when: ear, advance: [], set: new Map() }] : [];
      return [event, [...heard, ...reactions]] as const;
    });
    return [name, { ...state, on: new Map(on) }] as const;
  });
  return { ...machine, states: new Map(states) };
}
