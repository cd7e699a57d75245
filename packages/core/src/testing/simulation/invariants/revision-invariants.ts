import { isDeepStrictEqual } from "node:util";
import { afterKindOf, afterTimerId } from "../../../machine/decide/timer-ids.ts";
import { type Machine, NEXT } from "../../../machine/machine.ts";
import type { Stack, TaskState } from "../../../machine/stack.ts";
import type { DueItem } from "../../../ports/work-queue.ts";
import type { CommittedChange, Invariant } from "./invariant.ts";

// The rows of the table "What happens to running stacks when a document changes", each as an invariant of its own.

interface Move {
  readonly before: Stack;
  readonly after: Stack;
  /** The revision that the stack has moved to. */
  readonly machine: Machine;
  readonly change: CommittedChange["change"];
}

/** Defines an invariant of what a move to another revision leaves as it is. `find` returns a sentence for each breach. */
function defineMove(name: string, promise: string, find: (move: Move) => readonly string[]): Invariant {
  return {
    name,
    promise,
    create: (report, { findMachine }) => ({
      async onCommitted({ before, after, change }, store) {
        if (after === undefined || !isMove(before, after)) return;
        const { id, machineHash } = after;
        const machine = findMachine(machineHash);
        if (machine === undefined) return;
        // As it is stored: what the store has made of it counts.
        const [{ stack = after } = {}] = await store.load([id]);
        const sentences = find({ before, after: { ...stack, machineHash }, machine, change });
        for (const sentence of sentences) report(`${id}: ${sentence}`);
      },
    }),
  };
}

function isMove(before: Stack | undefined, after: Stack): before is Stack {
  return before !== undefined && isSameEntry(before, after) && before.machineHash !== after.machineHash;
}

function isSameEntry(a: Stack, b: Stack): boolean {
  return a.incarnation === b.incarnation && a.entry === b.entry;
}

/** Returns the tasks that had not ended before the move, and have not after it. */
function listOpen({ before, after }: Move): readonly TaskState[] {
  const open = new Set(before.tasks.flatMap(({ name, status }) => (status === "PENDING" ? [name] : [])));
  return after.tasks.filter(({ name, status }) => status === "PENDING" && open.has(name));
}

/** A sender who names a task of version 1 may say that it has failed after all. */
const endedKept = defineMove(
  "ended-kept",
  "A task that has succeeded stays so when its stack moves to another revision.",
  ({ before, after, change }) => {
    if (change.history.some(({ event }) => event === "TASK_ERROR")) return [];
    return before.tasks.flatMap(({ name, status }) => {
      const isKept = status !== "SATISFIED" || after.tasks.some((task) => task.name === name && task.status === status);
      return isKept ? [] : [`${name} had succeeded, and has not any more.`];
    });
  },
);

const runningKept = defineMove(
  "running-kept",
  "A stack takes no revision that lacks what runs in it, or has something else under its name.",
  (move) =>
    listOpen(move).flatMap(({ name, detail }) => {
      if (detail === "WAITING") return [];
      const task = move.machine.tasks.get(name);
      if (task === undefined) return [`${name} runs, and is not in the revision.`];
      return (task.isApproval === true) === (detail === "APPROVING")
        ? []
        : [`${name} runs, and is something else in the revision.`];
    }),
);

const waitingKept = defineMove(
  "waiting-kept",
  "A stack takes no revision that lacks what waits in it, or lets it wait for what its entry does not have.",
  (move) => {
    const names = new Set(move.after.tasks.map(({ name }) => name));
    return listOpen(move).flatMap(({ name, detail }) => {
      if (detail !== "WAITING") return [];
      const task = move.machine.tasks.get(name);
      if (task === undefined) return [`${name} waits, and is not in the revision.`];
      const absent = task.needs.find((need) => !names.has(need));
      return absent === undefined ? [] : [`${name} waits for ${absent}, which the entry does not have.`];
    });
  },
);

const approvalsKept = defineMove(
  "approvals-kept",
  "A revision that adds an approval to a state is not taken before all tasks of the entry have succeeded.",
  ({ after, machine }) => {
    if (after.tasks.every(({ status }) => status === "SATISFIED")) return [];
    const names = new Set(after.tasks.map(({ name }) => name));
    const added = machine.states.get(after.state)?.tasks.filter((name) => {
      return machine.tasks.get(name)?.isApproval === true && !names.has(name);
    });
    return (added ?? []).map((name) => `the approval ${name} was skipped.`);
  },
);

const timersFollow = defineMove(
  "timers-follow",
  "With a revision, schedules that it lacks end and others begin; what counts from the entry stays.",
  ({ before, after, machine, change }) => {
    const declared = (machine.states.get(after.state)?.after ?? []).filter(({ kind }) => kind === "cron");
    const ids = new Set(declared.map((timer) => afterTimerId(after.entry, timer)));
    const armed = new Set(after.timers.map(({ id }) => id));
    const fired = new Set(change.history.map(({ timer }) => timer));
    const stale = after.timers.filter(({ id }) => afterKindOf(id) === "cron" && !ids.has(id));
    const lost = before.timers.filter(({ id, instant, task }) => {
      return instant === undefined && task === undefined && !armed.has(id) && !fired.has(id);
    });
    return [
      ...stale.map(({ id }) => `the schedule ${id} is not in the revision, and goes on.`),
      ...[...ids].filter((id) => !armed.has(id)).map((id) => `the schedule ${id} of the revision has not begun.`),
      ...lost.map(({ id }) => `the timer ${id} was lost.`),
    ];
  },
);

const sensitiveKept = defineMove(
  "sensitive-kept",
  "A sensitive value stays so on a revision that does not name it, and becomes so on one that does.",
  ({ before, after, machine }) => {
    const known = Object.keys(before.secretVersions ?? {});
    const named = [...machine.metadata.keys].flatMap(([key, { sensitive }]) => (sensitive ? [key] : []));
    return [...new Set([...known, ...named])].flatMap((key) => {
      const isHidden = (after.metadata[key] ?? null) === null || Object.hasOwn(after.secretVersions ?? {}, key);
      return isHidden ? [] : [`the value of ${key} is not hidden.`];
    });
  },
);

/** NEXT waits for a revision that handles it. Where a condition or a value decides, that is left to the machine. */
const nextTried = {
  name: "next-tried",
  promise:
    "A stack whose tasks have all succeeded leaves its state, if its revision says where to without a condition.",
  create: (report, { findMachine }) => ({
    onCommitted({ before, after }) {
      if (after === undefined || after.tasks.length === 0 || isLeft(after) || hasHandledNext(before, after)) return;
      const state = findMachine(after.machineHash)?.states.get(after.state);
      const [reaction] = state?.on.get(NEXT) ?? [];
      if (state?.terminal === true || reaction === undefined || reaction.when !== undefined) return;
      if (reaction.set.size > 0 || reaction.advance.length === 0) return;
      if (after.tasks.some(({ status }) => status !== "SATISFIED")) return;
      report(`${after.id}: the tasks of ${after.state} have succeeded, and NEXT was not tried.`);
    },
  }),
} satisfies Invariant;

/** The entry was done before, and its state has handled NEXT then: it stays, such as by a no-op. */
function hasHandledNext(before: Stack | undefined, after: Stack): boolean {
  if (before === undefined || !isSameEntry(before, after) || before.pending?.includes(NEXT)) return false;
  return before.tasks.every(({ status }) => status === "SATISFIED");
}

/** It waits for runs of earlier entries, or was stopped in a circle. */
function isLeft({ awaitsRuns, runs, entry, stalled }: Stack): boolean {
  const isHeld = awaitsRuns === true && runs.some((run) => run.entry < entry);
  return isHeld || stalled?.code === "LOOP_LIMIT" || stalled?.code === "TRANSITION_LIMIT";
}

const neverBack = {
  name: "never-back",
  promise: "A stack does not return by itself to a revision that it has left, whatever document a server reads.",
  create(report) {
    const left = new Map<string, Set<string>>();
    return {
      onCommitted({ before, after, change }) {
        if (before === undefined || after === undefined || before.incarnation !== after.incarnation) return;
        if (before.machineHash === after.machineHash) return;
        const isAsked = change.history.some(({ event, internal }) => event === "UPGRADE_STACK" && internal !== true);
        // A sender may lead it back; from there it continues as before.
        const own = (isAsked ? undefined : left.get(after.incarnation)) ?? new Set<string>();
        left.set(after.incarnation, own);
        if (own.has(after.machineHash)) report(`${after.id}: it is back on ${after.machineHash.slice(0, 12)}.`);
        if (isAsked) return;
        own.add(before.machineHash);
      },
    };
  },
} satisfies Invariant;

const attemptKept = {
  name: "attempt-kept",
  promise: "An attempt has the executor and the config that it was sent with until it has ended.",
  create(report) {
    const sent = new Map<string, unknown>();
    const note = (attemptId: string, task: unknown): void => {
      const first = sent.get(attemptId) ?? task;
      sent.set(attemptId, first);
      if (!isDeepStrictEqual(first, task)) report(`${attemptId}: it was sent with other content.`);
    };
    return {
      onCommitted({ change: { dispatches } }) {
        for (const { attemptId, message, again } of dispatches) if (!again) note(attemptId, message.task);
      },
      onTaken(_, items: readonly DueItem[]) {
        for (const item of items) if ("message" in item) note(item.attemptId, item.message.task);
      },
    };
  },
} satisfies Invariant;

/** A planned task always names an executor that some process will have. */
const executorsWaited = {
  name: "executors-waited",
  promise: "A process that lacks the executor of a task leaves the task to others.",
  create: (report) => ({
    onCommitted({ after }) {
      const failed = after?.tasks.find(({ errorCode }) => errorCode === "EXECUTOR_UNKNOWN");
      if (failed !== undefined) report(`${after?.id}: ${failed.name} was ended by a process without its executor.`);
    },
  }),
} satisfies Invariant;

export const REVISION_INVARIANTS: readonly Invariant[] = [
  endedKept,
  runningKept,
  waitingKept,
  approvalsKept,
  timersFollow,
  sensitiveKept,
  nextTried,
  neverBack,
  attemptKept,
  executorsWaited,
];
