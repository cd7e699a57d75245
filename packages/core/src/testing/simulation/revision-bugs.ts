import type { Stack, TaskState } from "../../machine/stack.ts";
import type { Change } from "../../ports/stack-store.ts";
import type { Store } from "../../ports/store.ts";
import type { DueItem } from "../../ports/work-queue.ts";
import { onCommits, onLoaded, type PlantedBug } from "./plant.ts";

// A bug for each row of the table "What happens to running stacks when a document changes".

export const REVISION_BUGS: readonly PlantedBug[] = [
  {
    name: "move-ended",
    breaks: "ended-kept",
    plant: onMoves((stack) => ({ ...stack, tasks: stack.tasks.map(toWaiting) })),
  },
  { name: "move-running", breaks: "running-kept", plant: withoutRevision(({ detail }) => detail !== "WAITING") },
  { name: "move-waiting", breaks: "waiting-kept", plant: withoutRevision(({ detail }) => detail === "WAITING") },
  { name: "move-approval", breaks: "approvals-kept", plant: withoutRevision(() => true) },
  {
    name: "move-timers",
    breaks: "timers-follow",
    plant: onMoves((stack, before) => ({ ...stack, timers: before.timers })),
  },
  { name: "move-sensitive", breaks: "sensitive-kept", plant: onMoves(({ secretVersions: _, ...stack }) => stack) },
  { name: "move-next", breaks: "next-tried", plant: onLoaded(({ pending: _, ...stack }) => stack) },
  { name: "move-back", breaks: "never-back", plant: withReversedRevisions },
  { name: "move-config", breaks: "attempt-kept", plant: onMessages((task) => ({ ...task, config: { limitMs: 1 } })) },
  { name: "move-executor", breaks: "executors-waited", plant: withoutExecutors },
];

/** Writes another stack when one has moved to another revision within its entry. */
function onMoves(replace: (stack: Stack, before: Stack) => Stack): (store: Store) => Store {
  return onCommits((change, before): Change => {
    const { write } = change;
    if (write.kind !== "put" || before === undefined) return change;
    const { stack } = write;
    const isMoved = before.machineHash !== stack.machineHash && before.entry === stack.entry;
    if (!isMoved || before.incarnation !== stack.incarnation) return change;
    return { ...change, write: { ...write, stack: replace(stack, before) } };
  });
}

function toWaiting(task: TaskState): TaskState {
  return task.status === "SATISFIED" ? { name: task.name, status: "PENDING", detail: "WAITING" } : task;
}

/** Shows stacks that have such an open task as rows that were taken over: they move without a look at what runs and waits. */
function withoutRevision(matches: (task: TaskState) => boolean): (store: Store) => Store {
  return onLoaded((stack) => {
    const isHidden = stack.tasks.some((task) => task.status === "PENDING" && matches(task));
    return isHidden ? { ...stack, machineHash: "" } : stack;
  });
}

/** Says that the yard has seen later documents earlier. */
function withReversedRevisions(store: Store): Store {
  const { revisions } = store;
  return {
    ...store,
    revisions: {
      ...revisions,
      async get(hash) {
        const found = await revisions.get(hash);
        return found && { ...found, firstSeenAt: -found.firstSeenAt };
      },
    },
  };
}

type Task = Extract<DueItem, { kind: "task" }>["message"]["task"];

/** Hands out attempts that were suspended, or whose worker is gone, with another content. */
function onMessages(replace: (task: Task) => Task): (store: Store) => Store {
  return (store) => ({
    ...store,
    async takeDue(input) {
      const items = await store.takeDue(input);
      return items.map((item): DueItem => {
        if (item.kind !== "poll" && item.kind !== "lapsedLease") return item;
        return { ...item, message: { ...item.message, task: replace(item.message.task) } };
      });
    },
  });
}

/** Ends failed attempts as a process does that lacks their executor. */
function withoutExecutors(store: Store): Store {
  return {
    ...store,
    settle(grant, input) {
      const { event, outcome } = input;
      const message = { ...event.message, code: "EXECUTOR_UNKNOWN" };
      return store.settle(grant, outcome === "failed" ? { ...input, event: { ...event, message } } : input);
    },
  };
}
