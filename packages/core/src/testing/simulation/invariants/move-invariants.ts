import type { Machine } from "../../../machine/machine.ts";
import type { Stack } from "../../../machine/stack.ts";
import { listWaits } from "../../../machine/who-wakes.ts";
import { type CommittedChange, type Invariant, keyIn } from "./invariant.ts";

/** What an entry began with, as the machine had it then. */
type Needs = ReadonlyMap<string, readonly string[]>;

/** A new document skips nothing that a task waits for: neither what its entry began with, nor what the present revision says. */
export const needsKept: Invariant = {
  name: "needs-kept",
  promise:
    "No task is sent before all has succeeded that it needs by the revision of its entry and by the present one.",
  create(report, { findMachine }) {
    const entries = new Map<string, Needs>();
    return {
      onCommitted({ change, after }) {
        if (after === undefined) return;
        const machine = findMachine(after.machineHash);
        const key = keyIn(after.id, `${after.incarnation}/${after.entry}`);
        const begun = entries.get(key) ?? toNeeds(machine, after);
        entries.set(key, begun);
        for (const task of listFirstSent(change, after)) {
          const needs = [...(begun.get(task) ?? []), ...(machine?.tasks.get(task)?.needs ?? [])];
          const unmet = needs.find((need) => !isMet(after, need) && !hadSucceeded(change, { task, need }));
          if (unmet !== undefined) report(`${after.id}: ${task} was sent before ${unmet} had succeeded.`);
        }
      },
    };
  },
};

function toNeeds(machine: Machine | undefined, { tasks }: Stack): Needs {
  return new Map(tasks.map(({ name }) => [name, machine?.tasks.get(name)?.needs ?? []]));
}

/** Returns the tasks of the present entry that a change sends for the first time. */
function listFirstSent({ dispatches }: CommittedChange["change"], stack: Stack): readonly string[] {
  return dispatches
    .filter(({ again }) => !again)
    .filter(({ entry, incarnation }) => entry === stack.entry && incarnation === stack.incarnation)
    .map(({ task }) => task)
    .filter((task) => !isLater(stack, task));
}

/** Later attempts follow on the first one, and a person may have settled what it needed. */
function isLater({ attempts }: Stack, task: string): boolean {
  return (Object.hasOwn(attempts, task) ? (attempts[task] ?? 0) : 0) > 1;
}

/** What a task needs may have succeeded in the same commit, before the task was sent, and have ended differently since. */
function hadSucceeded(
  { history }: CommittedChange["change"],
  { task, need }: { readonly task: string; readonly need: string },
): boolean {
  const sentBy = history.findIndex(({ sent }) => sent.includes(task));
  return history
    .slice(0, sentBy + 1)
    .some((line) => line.event === "TASK_COMPLETED" && line.task === need && line.outcome === "applied");
}

function isMet({ tasks }: Stack, need: string): boolean {
  return tasks.some(({ name, status }) => name === need && status === "SATISFIED");
}

/** All that waits has an end: an attempt, an instant, a parked event, another task, or a person who sees it. */
export const woken: Invariant = {
  name: "woken",
  promise: "Whatever waits in a stack is ended by something, or the stack is listed as one that needs a person.",
  create(report) {
    return {
      onCommitted: ({ after }: CommittedChange) => {
        if (after === undefined) return;
        for (const { what, waker } of listWaits(after, Number.POSITIVE_INFINITY)) {
          if (waker === undefined) report(`${after.id}: nothing ends the wait of ${what}.`);
        }
      },
    };
  },
};
