import fc from "fast-check";
import { expect, it } from "vitest";
import type { Machine } from "../machine/machine.ts";
import { parseMachine } from "../machine/parse-machine.ts";
import { acceptingExecutors } from "../testing/builders.ts";
import { createSimulation } from "./simulation.ts";
import type { SimulatedStack } from "./simulation-line.ts";

const NAMES = ["a", "b", "c", "d"] as const;
const executors = acceptingExecutors("lambda", "approval");

/** A task of a revision: which of the tasks before it are its needs, as bits; or it is not there. */
const aTask = fc.option(fc.record({ needs: fc.nat(7), isApproval: fc.boolean() }), { nil: undefined });
const aRevision = fc.record({
  tasks: fc.tuple(fc.record({ needs: fc.constant(0), isApproval: fc.constant(false) }), aTask, aTask, aTask),
  hasNext: fc.boolean(),
});
type Revision = typeof aRevision extends fc.Arbitrary<infer T> ? T : never;

function compile(
  { tasks, hasNext }: Revision,
  { mode, index }: { readonly mode: string; readonly index: number },
): Machine {
  const present = NAMES.filter((_, place) => tasks[place] !== undefined);
  const lines = present.map((name) => {
    const place = NAMES.indexOf(name);
    const bits = tasks[place]?.needs ?? 0;
    const needs = present.filter((need) => {
      const other = NAMES.indexOf(need);
      return other < place && (bits >> other) % 2 === 1;
    });
    const work = tasks[place]?.isApproval
      ? "executor: approval, config: { from: [managers] }"
      : "executor: lambda, config: { name: x }";
    return `  ${name}: { ${work}, needs: [${needs.join(", ")}] }`;
  });
  const text = `
version: 2
revision: ${mode}
description: revision ${index}
events: [GO, NOTE]
states:
  INIT: { on: { GO: WORK } }
  WORK: { tasks: [${present.join(", ")}], on: { NOTE: no-op${hasNext ? ", NEXT: LIVE" : ""} } }
  LIVE: { on: { GO: WORK, NOTE: no-op } }
tasks:
${lines.join("\n")}
`;
  const { machine, problems } = parseMachine(text, { name: "m", executors });
  if (machine === undefined) throw new Error(JSON.stringify(problems));
  return machine;
}

const aStep = fc.oneof(
  fc.record({ do: fc.constant("load" as const), to: fc.nat(2) }),
  fc.record({ do: fc.constant("end" as const), task: fc.constantFrom(...NAMES), isDone: fc.boolean() }),
  fc.record({ do: fc.constantFrom("note", "upgrade", "go", "retry") }),
);
type Step = typeof aStep extends fc.Arbitrary<infer T> ? T : never;

type Life = ReturnType<typeof live>;

/** A stack whose machine has three documents, one of which is drawn at each step: a newer one, or that of an older server. */
function live(revisions: readonly Revision[], mode: string) {
  const machines = revisions.map((revision, index) => compile(revision, { mode, index }));
  const [first] = machines;
  const files = machines.map((machine, index) => [String(index), { name: "m", machine }] as const);
  const simulation = createSimulation(new Map([["m", first]]), { revisions: new Map(files) });
  const run = (step: unknown) => simulation.step(step);
  return { machines, run };
}

function play({ run }: Life, step: Step) {
  if (step.do === "load") return run({ load: String(step.to) });
  if (step.do === "end") return run({ task: step.task, stackId: "s", result: step.isDone ? "succeeded" : "failed" });
  if (step.do !== "upgrade") {
    const names: Readonly<Record<string, string>> = { note: "NOTE", go: "GO", retry: "RETRY_FAILED_TASKS" };
    return run({ event: { stackId: "s", event: names[step.do], machine: "m" } });
  }
  const planned = run({ upgrade: "s", dryRun: true });
  const line = run({ upgrade: "s" });
  expect([planned.outcome, planned.code, planned.reason]).toEqual([line.outcome, line.code, line.reason]);
  return line;
}

/** The needs of each task of an entry, by the document with which it began: the one whose tasks it has. */
function listUnmet(stack: SimulatedStack, task: string, begun: Machine): readonly string[] {
  const needs = begun.tasks.get(task)?.needs ?? [];
  return needs.filter((need) => stack.tasks.find(({ name }) => name === need)?.status !== "SATISFIED");
}

it.each(["pin", "follow"])(
  "sends no task of a stack that is to %s before what its entry needs, whatever is loaded",
  (mode) => {
    fc.assert(
      fc.property(
        fc.tuple(aRevision, aRevision, aRevision),
        fc.array(aStep, { minLength: 5, maxLength: 30 }),
        (revisions, steps) => expectNeedsKept(live(revisions, mode), steps),
      ),
      { numRuns: 150 },
    );
  },
);

function expectNeedsKept(life: Life, steps: readonly Step[]): void {
  let stack = life.run({ event: { stackId: "s", event: "GO", machine: "m" } }).stack ?? undefined;
  let begun = life.machines.filter((machine) => hasTasks(machine, stack));
  for (const step of steps) {
    const line = play(life, step);
    const next = line.stack ?? undefined;
    if (next === undefined) continue;
    if (next.state !== stack?.state || step.do === "go") begun = life.machines.filter((each) => hasTasks(each, next));
    stack = next;
    if (next.state === "WORK" && step.do !== "retry") expectNeedsMet(next, line.dispatched, begun);
  }
}

function expectNeedsMet(stack: SimulatedStack, dispatched: readonly string[], begun: readonly Machine[]): void {
  for (const task of dispatched) {
    // Of documents with the same tasks, it is not known here with which the entry began.
    const unmet = begun.map((machine) => listUnmet(stack, task, machine));
    expect(unmet.length === 0 || unmet.some((needs) => needs.length === 0)).toBe(true);
  }
}

function hasTasks(machine: Machine, stack: SimulatedStack | undefined): boolean {
  const names = machine.states.get("WORK")?.tasks ?? [];
  return stack?.state === "WORK" && names.join() === stack.tasks.map(({ name }) => name).join();
}
