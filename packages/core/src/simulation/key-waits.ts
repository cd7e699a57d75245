import type { TaskRun } from "../machine/stack.ts";
import type { SimulatedYard } from "./simulated-yard.ts";

interface KeyedRun {
  readonly stackId: string;
  readonly run: TaskRun;
}

/**
 * Returns a note for each task that the step has sent although another one has its exclusive key: a simulation starts
 * both, but in a yard the second one waits.
 */
export function listKeyWaits(yard: Pick<SimulatedYard, "stacks" | "touched">): readonly string[] {
  const holders = new Map<string, KeyedRun>();
  const notes: string[] = [];
  for (const keyed of listKeyed(yard)) {
    const { stackId, run } = keyed;
    const key = run.exclusiveKey ?? "";
    const holder = holders.get(key);
    if (holder === undefined) holders.set(key, keyed);
    else if (isSent(yard, keyed)) {
      const [name, other] = [describe({ stackId, run }), describe(holder)];
      notes.push(`In a yard, ${name} waits for the key ${JSON.stringify(key)}, which ${other} holds.`);
    }
  }
  return notes;
}

/** Lists open attempts with a key; those that were sent before this step come first. */
function listKeyed(yard: Pick<SimulatedYard, "stacks" | "touched">): readonly KeyedRun[] {
  const all = [...yard.stacks].flatMap(([stackId, { runs }]) =>
    runs.flatMap((run) => (run.exclusiveKey === undefined ? [] : [{ stackId, run }])),
  );
  return [...all.filter((each) => !isSent(yard, each)), ...all.filter((each) => isSent(yard, each))];
}

function isSent({ touched }: Pick<SimulatedYard, "touched">, { stackId, run }: KeyedRun): boolean {
  return touched.get(stackId)?.dispatched.includes(run.task) === true;
}

function describe({ stackId, run }: KeyedRun): string {
  return `task ${JSON.stringify(run.task)} of ${JSON.stringify(stackId)}`;
}
