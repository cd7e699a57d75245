import { DEFAULT_PARKING } from "../../../aggregate/parking.ts";
import { parseAttemptId } from "../../../machine/attempt-id.ts";
import type { Dispatch } from "../../../machine/decide/decision.ts";
import { SYSTEM_EVENTS } from "../../../machine/event-message.ts";
import type { Machine } from "../../../machine/machine.ts";
import type { Change, HistoryEntry, QueuedEvent } from "../../../ports/stack-store.ts";
import type { Store } from "../../../ports/store.ts";
import {
  type CommittedChange,
  type Invariant,
  type InvariantContext,
  keyIn,
  keyOfEvent,
  keyOfLine,
} from "./invariant.ts";

/** An event id is applied once. */
export const exactlyOnce: Invariant = {
  name: "exactly-once",
  promise: "An event is applied at most once, however often and by whichever process it is delivered.",
  create(report) {
    const applied = new Set<string>();
    return {
      onCommitted({ change }) {
        for (const line of change.history) {
          const { stackId, eventId, outcome } = line;
          if (outcome !== "applied" && outcome !== "removed") continue;
          const key = keyOfLine(line);
          if (applied.has(key)) report(`${stackId}: ${eventId} was applied twice.`);
          applied.add(key);
        }
      },
    };
  },
};

/** Every decision is made on what the one before has left. */
export const noLostUpdate: Invariant = {
  name: "no-lost-update",
  promise: "A commit writes over nothing that it has not read.",
  create(report) {
    return {
      onCommitted({ change, versionBefore, before, after }) {
        const { stackId, expectedVersion } = change;
        if (expectedVersion !== versionBefore) {
          report(`${stackId}: a decision on version ${expectedVersion} was written over version ${versionBefore}.`);
        }
        let state = before?.state;
        for (const line of change.history.filter(changesStack)) {
          if (line.from !== state)
            report(`${stackId}: ${line.eventId} was applied to ${line.from}, and it was in ${state}.`);
          state = line.outcome === "removed" ? undefined : line.to;
        }
        if (state !== after?.state)
          report(`${stackId}: the history ends in ${state}, the stack is in ${after?.state}.`);
      },
    };
  },
};

function changesStack({ outcome }: HistoryEntry): boolean {
  return outcome === "applied" || outcome === "removed";
}

/** Events of a stack are met in the order in which they were sent; one that was parked was met. */
export const order: Invariant = {
  name: "order",
  promise: "Events of one stack are worked in the order in which they were sent.",
  create(report) {
    const places = new Map<string, number>();
    const met = new Set<string>();
    const last = new Map<string, number>();
    let sent = 0;
    return {
      onSent(events) {
        for (const event of events) {
          sent += 1;
          const key = keyOfEvent(event);
          if (!places.has(key)) places.set(key, sent);
        }
      },
      onCommitted({ change }) {
        for (const line of change.history) {
          const { stackId, eventId } = line;
          const key = keyOfLine(line);
          const place = places.get(key);
          if (place === undefined || met.has(key)) continue;
          met.add(key);
          const before = last.get(stackId) ?? 0;
          if (place < before) report(`${stackId}: ${eventId} was worked after an event that was sent later.`);
          last.set(stackId, Math.max(place, before));
        }
      },
    };
  },
};

/** A result that is applied at once does not overtake what waits for its stack. */
export const resultsInTurn: Invariant = {
  name: "results-in-turn",
  promise: "A result is applied after the events of its stack that were queued before it.",
  create(report) {
    const queued = new Map<string, QueuedEvent>();
    return {
      onQueued(events) {
        for (const event of events) queued.set(keyOfEvent(event), event);
      },
      onRedriven(events) {
        for (const event of events) queued.delete(keyOfEvent(event));
      },
      onAcknowledged(events) {
        for (const event of events) queued.delete(keyOfEvent(event));
      },
      onResultsApplied({ stackId, results = [] }) {
        const waiting = [...queued.values()].find((event) => event.stackId === stackId);
        const ids = results.map(({ grant }) => grant.attemptId).join(", ");
        if (waiting !== undefined)
          report(`${stackId}: the result of ${ids} was applied while ${waiting.id} was queued.`);
      },
    };
  },
};

/** Every event that was accepted has a line in its stack's history before the queue lets it go. */
export const nothingDropped: Invariant = {
  name: "nothing-dropped",
  promise:
    "No event is dropped without a word; a parked one soon ends as applied, refused or dead-lettered, which is listed.",
  create(report) {
    // The report for an event that never gets its line.
    const owed = new Map<string, string>();
    const met = new Set<string>();
    const applied = new Set<string>();
    const parking = createParking(report);
    function owe(event: QueuedEvent): void {
      const { stackId, id } = event;
      const key = keyOfEvent(event);
      if (!met.has(key)) owed.set(key, `${stackId}: ${id} was never worked.`);
    }
    return {
      onSent(events) {
        for (const event of events) owe(event);
      },
      onRedriven(events) {
        for (const event of events) {
          const { stackId, id } = event;
          const key = keyOfEvent(event);
          // One that came a second time may have been applied since: it is not queued again.
          if (!applied.has(key)) owed.set(key, `${stackId}: ${id} was sent again and never worked.`);
        }
      },
      onSettled(_grant, { event }) {
        if (event !== undefined) owe(event);
      },
      async onCommitted({ change }, store) {
        for (const line of change.history) {
          const { outcome, code } = line;
          const key = keyOfLine(line);
          met.add(key);
          owed.delete(key);
          // A repeat was answered: its id is kept as that of an applied one.
          if (outcome === "applied" || outcome === "removed" || code === "EVENT_REPEATED") applied.add(key);
        }
        parking.note(change);
        for (const sentence of await findUnlisted(change, store)) report(sentence);
      },
      onAcknowledged(events) {
        for (const event of events) {
          if (!met.has(keyOfEvent(event))) report(`${event.stackId}: ${event.id} has left the queue without a word.`);
        }
      },
      async onRest(store) {
        for (const sentence of owed.values()) report(sentence);
        for (const what of parking.list()) report(`${what} was parked and forgotten.`);
        const { queuedEvents, parkedEvents } = await store.queries.stats();
        if (queuedEvents > 0) report(`${queuedEvents} event(s) stay in the queue.`);
        if (parkedEvents > 0) report(`${parkedEvents} event(s) stay parked.`);
      },
    };
  },
};

const MINUTE_MS = 60_000;
/** The search for parked events may be late, and its clock may differ. */
const LATE_MS = 15 * MINUTE_MS;

interface Parked {
  readonly what: string;
  readonly stackId: string;
  readonly event: string;
  readonly since: number;
}

/** Tracks parked events, and whether they are parked for longer than allowed. */
function createParking(report: (sentence: string) => void) {
  const parked = new Map<string, Parked>();
  /** Its sender has sent the same event again. */
  function renew(repeated: Pick<Parked, "stackId" | "event">, now: number): void {
    for (const [key, each] of parked) {
      const isSame = each.stackId === repeated.stackId && each.event === repeated.event;
      if (isSame) parked.set(key, { ...each, since: now });
    }
  }
  function noteLine(line: HistoryEntry, now: number): void {
    const { stackId, eventId, event, outcome, code } = line;
    const key = keyOfLine(line);
    const known = parked.get(key);
    if (outcome === "parked") {
      parked.set(key, known ?? { what: `${stackId}: ${eventId}`, stackId, event, since: now });
      return;
    }
    if (code === "EVENT_REPEATED") renew({ stackId, event }, now);
    parked.delete(key);
    const keptMs = now - (known?.since ?? now);
    if (keptMs > DEFAULT_PARKING.keepMs + LATE_MS) report(`${known?.what} was parked for ${toMinutes(keptMs)} min.`);
  }
  return {
    note({ stackId, history, park, now }: Change): void {
      for (const line of history) noteLine(line, now);
      for (const { event, tries, parkedAt } of park) {
        const what = `${stackId}: ${event.id} is parked after`;
        const keptMs = now - parkedAt;
        if (tries >= DEFAULT_PARKING.maxTries) report(`${what} ${tries} tries.`);
        if (keptMs >= DEFAULT_PARKING.keepMs) report(`${what} ${toMinutes(keptMs)} min.`);
      }
    },
    list: () => [...parked.values()].map(({ what }) => what),
  };
}

function toMinutes(ms: number): number {
  return Math.round(ms / MINUTE_MS);
}

/** Checks that events that the change dead-letters can be found and sent again. */
async function findUnlisted({ stackId, history }: Change, store: Store): Promise<readonly string[]> {
  const gone = history.filter(({ outcome }) => outcome === "dead-lettered");
  if (gone.length === 0) return [];
  const { items } = await store.queries.listDeadLetters({ stackId }, { limit: 1_000 });
  const listed = new Set(items.map(({ event }) => keyOfEvent(event)));
  const unlisted = gone.filter((line) => !listed.has(keyOfLine(line)));
  return unlisted.map(({ eventId }) => `${stackId}: ${eventId} was dead-lettered and is not listed.`);
}

/** Attempts that a commit dispatches exist with it, and attempts that a stack waits for were dispatched. */
export const oneCommit: Invariant = {
  name: "one-commit",
  promise: "A transition and its dispatches are one commit.",
  create(report) {
    const dispatched = new Set<string>();
    return {
      async onCommitted({ change, after }, store) {
        for (const { attemptId } of change.dispatches) {
          dispatched.add(attemptId);
          if ((await store.findAttempt(attemptId)) === undefined) report(`The dispatch of ${attemptId} was lost.`);
        }
        for (const { attemptId } of after?.runs ?? []) {
          if (!dispatched.has(attemptId)) report(`${change.stackId} waits for ${attemptId}, which was never sent.`);
        }
      },
    };
  },
};

/** The attempts of a run are counted without gaps, and each is made once. */
export const attemptNumbers: Invariant = {
  name: "attempt-numbers",
  promise: "An attempt is made once; those of a task in one entry are numbered 1, 2, 3.",
  create(report) {
    const made = new Map<string, number>();
    function note({ attemptId, again }: Dispatch): void {
      const run = attemptId.slice(0, attemptId.lastIndexOf("/"));
      const attempt = parseAttemptId(attemptId)?.attempt ?? 0;
      const last = made.get(run) ?? 0;
      if (again && attempt > last) report(`${attemptId} was sent again and was never sent before.`);
      if (!again && attempt !== last + 1) report(`${attemptId} was made after attempt ${last}.`);
      made.set(run, Math.max(last, attempt));
    }
    return {
      onCommitted({ change }) {
        for (const dispatch of change.dispatches) note(dispatch);
      },
    };
  },
};

/** The outcomes that are decided again later, by themselves or when the event is sent again. */
const WAITS: ReadonlySet<string> = new Set(["parked", "dead-lettered"]);

/** A timer's event id names its stack's incarnation, entry and place. */
export const timersOnce: Invariant = {
  name: "timers-once",
  promise: "A timer acts once an entry, and only while its stack is in that entry.",
  create(report) {
    const fired = new Set<string>();
    function note({ stackId, eventId, internal, outcome }: HistoryEntry): void {
      if (!internal || !eventId.startsWith("timer:") || WAITS.has(outcome)) return;
      const key = keyIn(stackId, eventId);
      if (fired.has(key)) report(`${stackId}: ${eventId} has fired twice.`);
      // A process whose clock is behind ignores what another one has parked: the timer fires when it is due.
      if (outcome !== "ignored") fired.add(key);
    }
    return {
      onCommitted(committed) {
        for (const { line, entry } of listLate(committed)) {
          report(`${line.stackId}: ${line.eventId} has fired in entry ${entry}.`);
        }
        for (const line of committed.change.history) note(line);
      },
    };
  },
};

interface Late {
  readonly line: HistoryEntry;
  /** The stack had come at least so far. */
  readonly entry: number;
}

/** Timers that were applied although the stack had left their entry, before the change or by an earlier line of it. */
function listLate({ change, before }: CommittedChange): readonly Late[] {
  const late: Late[] = [];
  let entry = before?.entry ?? 0;
  for (const line of change.history) {
    if (line.outcome === "removed") entry = 0;
    if (line.outcome !== "applied") continue;
    // A dead-lettered timer event that was sent again names no timer: a person requests it now.
    if (line.timer !== undefined && Number.parseInt(line.timer, 10) < entry) late.push({ line, entry });
    if (line.from !== undefined && line.from !== line.to) entry += 1;
  }
  return late;
}

interface LiveRun {
  readonly attemptId: string;
  readonly stack: string;
  readonly entry: number;
}

/** A state that waits for the runs of those before it sends nothing while one of them may still be at work. */
export const leavingWaits: Invariant = {
  name: "leaving-waits",
  promise: "Where `leaving` is wait or cancel, no task of the entry is sent while a run of an earlier one is alive.",
  create(report, context) {
    const live = new Map<string, LiveRun>();
    return {
      onSettled: ({ attemptId }) => void live.delete(attemptId),
      onCommitted(committed) {
        const { endedAttempts, stackId } = committed.change;
        for (const attemptId of endedAttempts) live.delete(attemptId);
        for (const { attemptId, entry, incarnation } of listFirstDispatches(committed, context)) {
          const stack = keyIn(stackId, incarnation);
          const older = [...live.values()].find((run) => run.stack === stack && run.entry < entry);
          if (older !== undefined) report(`${attemptId} was sent while ${older.attemptId} was alive.`);
        }
        for (const { attemptId, entry, incarnation } of committed.change.dispatches) {
          if (!endedAttempts.includes(attemptId))
            live.set(attemptId, { attemptId, stack: keyIn(stackId, incarnation), entry });
        }
      },
    };
  },
};

/** Returns the first dispatches of the present entry, if that entry waits for the runs before it. */
function listFirstDispatches(
  { change, before, after }: CommittedChange,
  { findMachine }: InvariantContext,
): readonly Dispatch[] {
  const leaving = findMachine(after?.machineHash ?? "")?.states.get(after?.state ?? "")?.leaving ?? "abandon";
  const isOn = before?.entry === after?.entry && Object.keys(before?.attempts ?? {}).length > 0;
  if (leaving === "abandon" || isOn) return [];
  // A change may contain the end of one incarnation and the beginning of the next.
  return change.dispatches.filter(
    ({ again, entry, incarnation }) => !again && entry === after?.entry && incarnation === after.incarnation,
  );
}

/** A task gets no more attempts than its policy allows; each retry by hand begins the count again. */
export const retriesBounded: Invariant = {
  name: "retries-bounded",
  promise: "A task gets no more attempts in an entry than its policy allows, begun again by each retry by hand.",
  create(report, context) {
    const byHand = createRetries();
    // A limit of one revision also applies on the next one.
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
          if (!again && attempt > allowed) report(`${attemptId} was made; ${allowed} were allowed.`);
        }
      },
    };
  },
};

/**
 * Tracks the requests of operators in each entry. A change may contain their events and the end of the entry they were
 * for.
 */
function createRetries() {
  const asked = new Map<string, HistoryEntry[]>();
  const keyOf = (stackId: string, incarnation: string, entry: number) => keyIn(stackId, `${incarnation}/${entry}`);
  return {
    note({ change, before, after }: Pick<CommittedChange, "change" | "before" | "after">): void {
      const lines = change.history.filter(({ event, outcome }) => event.startsWith("RETRY_") && outcome === "applied");
      const entries = [before, after, ...change.dispatches].flatMap((part) => part ?? []);
      const keys = new Set(entries.map(({ incarnation, entry }) => keyOf(change.stackId, incarnation, entry)));
      for (const key of keys) asked.set(key, [...(asked.get(key) ?? []), ...lines]);
    },
    count({ stackId, incarnation, entry, task }: Dispatch): { readonly failed: number; readonly pending: number } {
      const lines = asked.get(keyOf(stackId, incarnation, entry)) ?? [];
      const events = lines.filter((line) => (line.task ?? task) === task).map(({ event }) => event);
      // A task that was sent and of which no attempt is open gets one more; else the same attempt is sent again.
      const pending = events.filter((event) => event === SYSTEM_EVENTS.retryPendingTasks).length;
      return { failed: events.filter((event) => event === SYSTEM_EVENTS.retryFailedTasks).length, pending };
    },
  };
}

/** Returns the limit of attempts; infinity when the revision is not in the plan. */
function attemptsOf(task: string, hashes: Iterable<string>, { findMachine }: InvariantContext): number {
  const machines = [...hashes].flatMap((hash) => findMachine(hash) ?? []);
  if (machines.length === 0) return Number.POSITIVE_INFINITY;
  return Math.max(...machines.map((machine) => machine.tasks.get(task)?.retry.attempts ?? 1));
}

/** One result completes an entry once: NEXT or FAILED enters the states of one reaction, and no more. */
export const oneReaction: Invariant = {
  name: "one-reaction",
  promise: "One answer makes NEXT or FAILED fire once.",
  create(report, { findMachine }) {
    return {
      onCommitted({ change, before, after }) {
        const [line, ...others] = change.history;
        if (line === undefined || others.length > 0 || before === undefined || after === undefined) return;
        // A stack that follows is decided on a newer revision than its last one.
        const machine = findMachine(after.machineHash);
        if (machine === undefined || !line.internal || !line.eventId.startsWith("result:") || maySkip(machine)) return;
        const entries = after.entry - before.entry;
        const most = mostEntries(machine, before.state);
        if (entries > most) report(`${change.stackId}: ${line.eventId} has made ${entries} entries; ${most} at most.`);
      },
    };
  },
};

/** Returns true when tasks may be skipped: they complete an entry by themselves. */
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
  create(report) {
    return {
      onCommitted({ change, before, after }) {
        if (after === undefined || before === undefined || before.incarnation !== after.incarnation) return;
        if (after.entry < before.entry)
          report(`${change.stackId} went back from entry ${before.entry} to ${after.entry}.`);
        const attempts = change.dispatches.map(({ attemptId }) => parseAttemptId(attemptId)?.entry ?? 0);
        if (attempts.some((entry) => entry > after.entry)) report(`${change.stackId} has sent tasks of a later entry.`);
        const counts = Object.values(after.visits ?? {});
        const visits = counts.reduce((sum, count) => sum + count, 0);
        if (counts.length > 0 && visits !== after.entry + 1) {
          report(`${change.stackId} counts ${visits} visits in entry ${after.entry}.`);
        }
      },
    };
  },
};
