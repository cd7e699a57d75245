import type { Dispatch } from "../../../machine/decide/decision.ts";
import { parseAttemptId, SYSTEM_EVENTS } from "../../../machine/event-message.ts";
import type { Machine } from "../../../machine/machine.ts";
import type { HistoryEntry } from "../../../ports/stack-store.ts";
import { type CommittedChange, type Invariant, type InvariantContext, keyIn } from "./invariant.ts";

interface LiveRun {
  readonly attemptId: string;
  readonly stack: string;
  readonly entry: number;
}

/** A state that waits for the runs of those before it sends nothing while one of them may still be at work. */
export const leavingWaits: Invariant = {
  name: "leaving-waits",
  promise: "Where `leaving` is wait or cancel, no task of the entry is sent while a run of an earlier one is alive.",
  create(tell, context) {
    const live = new Map<string, LiveRun>();
    return {
      onSettled: ({ attemptId }) => void live.delete(attemptId),
      onCommitted(committed) {
        const { closes, stackId } = committed.change;
        for (const attemptId of closes) live.delete(attemptId);
        for (const { attemptId, entry, life } of listFirstDispatches(committed, context)) {
          const stack = keyIn(stackId, life);
          const older = [...live.values()].find((run) => run.stack === stack && run.entry < entry);
          if (older !== undefined) tell(`${attemptId} was sent while ${older.attemptId} was alive.`);
        }
        for (const { attemptId, entry, life } of committed.change.dispatches) {
          if (!closes.includes(attemptId)) live.set(attemptId, { attemptId, stack: keyIn(stackId, life), entry });
        }
      },
    };
  },
};

/** What is sent first in the present entry, where that entry waits for the runs before it. */
function listFirstDispatches(
  { change, before, after }: CommittedChange,
  { findMachine }: InvariantContext,
): readonly Dispatch[] {
  const leaving = findMachine(after?.machineHash ?? "")?.states.get(after?.state ?? "")?.leaving ?? "abandon";
  const isOn = before?.entry === after?.entry && Object.keys(before?.attempts ?? {}).length > 0;
  if (leaving === "abandon" || isOn) return [];
  // A change may hold the end of one life and the beginning of the next.
  return change.dispatches.filter(({ again, entry, life }) => !again && entry === after?.entry && life === after.life);
}

/** By its policy a task gets no more attempts than it says; each retry by hand lets it begin again. */
export const retriesBounded: Invariant = {
  name: "retries-bounded",
  promise: "A task gets no more attempts in an entry than its policy allows, begun again by each retry by hand.",
  create(tell, context) {
    const byHand = createRetries();
    // What a stack was promised on one revision it gets on the next.
    const revisions = new Map<string, ReadonlySet<string>>();
    return {
      onCommitted({ change, before, after }) {
        const { stackId } = change;
        byHand.note({ change, before, after });
        const present = [before, after].flatMap((stack) => stack?.machineHash ?? []);
        const hashes = new Set([...(revisions.get(stackId) ?? []), ...present]);
        revisions.set(stackId, hashes);
        for (const dispatch of change.dispatches) {
          const { attemptId, again, task, attempt } = dispatch;
          const { failed, pending } = byHand.count(dispatch);
          const allowed = attemptsOf(task, hashes, context) * (1 + failed) + pending;
          if (!again && attempt > allowed) tell(`${attemptId} was made; ${allowed} were allowed.`);
        }
      },
    };
  },
};

/** What people have asked for in each entry. A change may hold their events and the end of the entry they were for. */
function createRetries() {
  const asked = new Map<string, HistoryEntry[]>();
  const keyOf = (stackId: string, life: string, entry: number) => keyIn(stackId, `${life}/${entry}`);
  return {
    note({ change, before, after }: Pick<CommittedChange, "change" | "before" | "after">): void {
      const lines = change.history.filter(({ event, outcome }) => event.startsWith("RETRY_") && outcome === "applied");
      const entries = [before, after, ...change.dispatches].flatMap((part) => part ?? []);
      const keys = new Set(entries.map(({ life, entry }) => keyOf(change.stackId, life, entry)));
      for (const key of keys) asked.set(key, [...(asked.get(key) ?? []), ...lines]);
    },
    count({ stackId, life, entry, task }: Dispatch): { readonly failed: number; readonly pending: number } {
      const lines = asked.get(keyOf(stackId, life, entry)) ?? [];
      const events = lines.filter((line) => (line.task ?? task) === task).map(({ event }) => event);
      // A task that was sent and of which no attempt is open gets one more; else the same attempt is sent again.
      const pending = events.filter((event) => event === SYSTEM_EVENTS.retryPendingTasks).length;
      return { failed: events.filter((event) => event === SYSTEM_EVENTS.retryFailedTasks).length, pending };
    },
  };
}

/** Without a limit where the revision is none of the plan's. */
function attemptsOf(task: string, hashes: Iterable<string>, { findMachine }: InvariantContext): number {
  const machines = [...hashes].flatMap((hash) => findMachine(hash) ?? []);
  if (machines.length === 0) return Number.POSITIVE_INFINITY;
  return Math.max(...machines.map((machine) => machine.tasks.get(task)?.retry.attempts ?? 1));
}

/** One answer completes an entry once: NEXT or FAILED enters what one reaction says, and no more. */
export const oneReaction: Invariant = {
  name: "one-reaction",
  promise: "One answer makes NEXT or FAILED fire once.",
  create(tell, { findMachine }) {
    return {
      onCommitted({ change, before, after }) {
        const [line, ...others] = change.history;
        if (line === undefined || others.length > 0 || before === undefined || after === undefined) return;
        // A stack that follows is decided on a newer revision than its last one.
        const machine = findMachine(after.machineHash);
        if (machine === undefined || !line.internal || !line.eventId.startsWith("result:") || maySkip(machine)) return;
        const entries = after.entry - before.entry;
        const most = mostEntries(machine, before.state);
        if (entries > most) tell(`${change.stackId}: ${line.eventId} has made ${entries} entries; ${most} at most.`);
      },
    };
  },
};

/** Tasks that are skipped complete an entry by themselves. */
function maySkip({ tasks }: Machine): boolean {
  return [...tasks.values()].some(({ when }) => when !== undefined);
}

function mostEntries({ states }: Machine, state: string): number {
  const on = states.get(state)?.on;
  const reactions = [...(on?.get("NEXT") ?? []), ...(on?.get("FAILED") ?? [])];
  return Math.max(0, ...reactions.map(({ advance }) => advance.length));
}

/** The visits of all states are the entries that were made, and the beginning. */
export const visitsCounted: Invariant = {
  name: "visits-counted",
  promise: "Each entry into a state is counted once.",
  create(tell) {
    return {
      onCommitted({ change, before, after }) {
        if (after === undefined || before === undefined || before.life !== after.life) return;
        if (after.entry < before.entry)
          tell(`${change.stackId} went back from entry ${before.entry} to ${after.entry}.`);
        const attempts = change.dispatches.map(({ attemptId }) => parseAttemptId(attemptId)?.entry ?? 0);
        if (attempts.some((entry) => entry > after.entry)) tell(`${change.stackId} has sent tasks of a later entry.`);
        const counts = Object.values(after.visits ?? {});
        const visits = counts.reduce((sum, count) => sum + count, 0);
        if (counts.length > 0 && visits !== after.entry + 1) {
          tell(`${change.stackId} counts ${visits} visits in entry ${after.entry}.`);
        }
      },
    };
  },
};
