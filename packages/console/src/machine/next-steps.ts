import type { Graph, SimulationLine } from "@stackyard/core/machine";
import type { NextStep } from "./messages.ts";

/** What further steps do to a scenario: the arrows that they take, and the line of the last one. */
export interface Tried {
  readonly edges: readonly number[];
  readonly line: SimulationLine | undefined;
}

interface NextInput {
  readonly machine: string;
  readonly graph: Graph;
  /** The stack that the last step was about; undefined while there is none. */
  readonly stack: Stack | undefined;
  /** The tasks whose messages were sent; others wait for those that they need. */
  readonly sent: ReadonlySet<string>;
  /** The metadata that each event must bring. */
  readonly required: ReadonlyMap<string, readonly string[]>;
  /** Plays further steps after those of the scenario. */
  readonly tryOut: (steps: readonly unknown[]) => Tried;
}

type Stack = NonNullable<SimulationLine["stack"]>;

/** The stack that a scenario creates when it begins with an event of the list. */
const FIRST_STACK = "stack-1";
const FIRST_STATE = "INIT";
/** A state whose tasks need more rounds than this is not ended by one press. */
const MAX_ROUNDS = 20;

/**
 * Lists what can happen next to a stack, the most likely first: its tasks succeed, its approvals are given, its tasks
 * fail, and each event that its state reacts to. An event that would change nothing is left out.
 */
export function listNextSteps(input: NextInput): readonly NextStep[] {
  const { stack, sent, tryOut } = input;
  const pending = (stack?.tasks ?? []).filter(({ status }) => status === "PENDING").map(({ name }) => name);
  const approvals = stack?.approvals ?? [];
  const ran = pending.filter((name) => sent.has(name) && !approvals.some(({ task }) => task === name));
  const toStep = (title: string, steps: readonly unknown[], form?: NextStep["form"]): NextStep => ({
    title,
    steps,
    edges: tryOut(steps).edges,
    ...(form && { form }),
  });
  return [
    ...ran.map((task) => toStep(`${task} succeeds`, [toAnswer(stack, task, "succeeded")])),
    ...approvals.map((approval) => toStep(`${approval.task} is approved`, [toApproval(stack, approval)])),
    ...listWhole(input, pending),
    ...ran.map((task) => toStep(`${task} fails…`, [toAnswer(stack, task, "failed")], { kind: "answer", name: task })),
    ...listEvents(input),
  ];
}

/** Returns the way to the end of all tasks, where that takes more than one step. */
function listWhole({ stack, tryOut }: NextInput, pending: readonly string[]): readonly NextStep[] {
  if (stack === undefined || pending.length === 0) return [];
  const steps: unknown[] = [];
  let present: SimulationLine["stack"] = stack;
  for (let round = 0; round < MAX_ROUNDS && present?.state === stack.state; round += 1) {
    const [next] = toSuccesses(present);
    if (next === undefined) break;
    steps.push(next);
    present = tryOut(steps).line?.stack ?? null;
  }
  const { edges } = tryOut(steps);
  return steps.length < 2 || edges.length === 0 ? [] : [{ title: "all tasks succeed", steps, edges }];
}

function toSuccesses(stack: Stack): readonly unknown[] {
  return stack.tasks
    .filter(({ status }) => status === "PENDING")
    .map(({ name }) => {
      const approval = stack.approvals?.find(({ task }) => task === name);
      return approval === undefined ? toAnswer(stack, name, "succeeded") : toApproval(stack, approval);
    });
}

function listEvents({ machine, graph, stack, required, tryOut }: NextInput): readonly NextStep[] {
  const state = stack?.state ?? FIRST_STATE;
  const own = graph.edges.flatMap(({ from, event }, index) => (from === state && event ? [{ event, index }] : []));
  const names = [...new Set(own.map(({ event }) => event))].filter((name) => required.has(name));
  return names.flatMap((name): readonly NextStep[] => {
    if ((required.get(name) ?? []).length > 0) {
      const edges = own.filter(({ event }) => event === name).map(({ index }) => index);
      return [{ title: `${name}…`, steps: [], edges, form: { kind: "event", name } }];
    }
    const steps = [{ event: { stackId: stack?.id ?? FIRST_STACK, machine, event: name } }];
    const { line, edges } = tryOut(steps);
    return line?.outcome === "applied" || line?.outcome === "removed" ? [{ title: name, steps, edges }] : [];
  });
}

function toAnswer(stack: Stack | undefined, task: string, result: "succeeded" | "failed"): unknown {
  return { task, stackId: stack?.id, result, ...(result === "failed" && { message: "failed" }) };
}

/** Returns the step in which one more person approves. */
function toApproval(
  stack: Pick<Stack, "id"> | undefined,
  { task, from, of, given }: NonNullable<Stack["approvals"]>[number],
): unknown {
  const event = { stackId: stack?.id, event: "APPROVE", task: { name: task }, ...(of !== undefined && { of }) };
  return { event, sender: { name: `approver-${given.length + 1}`, groups: from.slice(0, 1) } };
}
