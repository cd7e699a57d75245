import { listPages } from "../../../list-pages.ts";
import { afterTimerId } from "../../../machine/decide/timer-ids.ts";
import type { Stack } from "../../../machine/stack.ts";
import type { HistoryEntry } from "../../../ports/stack-store.ts";
import type { Store } from "../../../ports/store.ts";
import type { Invariant, InvariantContext } from "./invariant.ts";

/** A schedule does not end with its first instant. */
export const schedulesArmed: Invariant = {
  name: "schedules-armed",
  promise: "A timer with a schedule is armed as long as its stack is in the entry and on the revision that armed it.",
  create(report) {
    return {
      onCommitted({ before, after }) {
        if (before === undefined || after === undefined || !isSameEntry(before, after)) return;
        for (const { id, repeats } of before.timers) {
          if (repeats === undefined || after.timers.some((timer) => timer.id === id)) continue;
          report(`${after.id}: the timer ${id} is not armed again.`);
        }
      },
    };
  },
};

type Entered = Pick<Stack, "incarnation" | "entry" | "machineHash">;

function isSameEntry(a: Entered, b: Entered): boolean {
  return a.incarnation === b.incarnation && a.entry === b.entry && a.machineHash === b.machineHash;
}

/** An invariant of plans, whose machines have instants in one metadata key only. */
export const instantsFollow: Invariant = {
  name: "instants-follow",
  promise: "A timer with an instant is armed for what the metadata says, or has fired for it.",
  create(report, context) {
    return {
      onCommitted({ after }) {
        if (after === undefined) return;
        for (const sentence of findWrongInstants(after, context)) report(sentence);
      },
    };
  },
};

function findWrongInstants(stack: Stack, { findMachine }: InvariantContext): readonly string[] {
  const { id, entry, enteredAt, metadata, timers, firedInstants } = stack;
  const until = metadata["until"] ?? null;
  const wanted = until === null ? undefined : Math.max(Date.parse(String(until)), enteredAt);
  const after = findMachine(stack.machineHash)?.states.get(stack.state)?.after ?? [];
  return after.flatMap((timer) => {
    const timerId = afterTimerId(entry, timer);
    const armed = timers.find((timer) => timer.id === timerId)?.instant;
    const isRight = armed === wanted || (armed === undefined && firedInstants?.[timerId]?.instant === wanted);
    return timer.kind !== "at" || isRight
      ? []
      : [`${id}: the timer ${timerId} is armed for ${armed} instead of ${wanted}.`];
  });
}

/** Raised events are decided with their reaction, and again while they are parked. */
export const raisedTogether: Invariant = {
  name: "raised-together",
  promise: "An event that a reaction raises is decided in the commit of that reaction, and has a line in the history.",
  create(report, context) {
    const decided = new Set<string>();
    return {
      async onCommitted({ change: { history } }, store) {
        for (const sentence of findLostEvents(history, { ...context, decided })) report(sentence);
        const raised = history.filter(({ raisedBy }) => raisedBy !== undefined);
        for (const { eventId } of raised) decided.add(eventId);
        for (const { stackId, eventId } of await listMissing(raised, store)) {
          report(`${stackId}: ${eventId} has no line in the history.`);
        }
      },
    };
  },
};

/** Reads the newest lines together: a chain of raised events may have a thousand in one commit. */
async function listMissing(
  raised: readonly HistoryEntry[],
  { queries }: Pick<Store, "queries">,
): Promise<readonly HistoryEntry[]> {
  const [first] = raised;
  if (first === undefined) return [];
  const { stackId } = first;
  const missing = new Map(raised.map((line) => [line.eventId, line]));
  const pages = listPages((start) => queries.listHistory({ stackId, newestFirst: true }, { limit: 1_000, ...start }));
  for await (const { items } of pages) {
    for (const { eventId } of items) missing.delete(eventId);
    if (missing.size === 0) break;
  }
  return [...missing.values()];
}

function findLostEvents(
  history: readonly HistoryEntry[],
  { decided, ...context }: InvariantContext & { readonly decided: ReadonlySet<string> },
): readonly string[] {
  return history.flatMap((line, index) => {
    const { stackId, eventId, raisedBy } = line;
    const isFirst = raisedBy !== undefined && !decided.has(eventId);
    const isCaused =
      !isFirst || history.slice(0, index).some((each) => each.eventId === raisedBy || each.eventId === eventId);
    const raised = findRaised(line, context);
    const isThere = history.slice(index).some((each) => each.raisedBy === eventId && each.event === raised);
    return [
      ...(isCaused ? [] : [`${stackId}: ${eventId} was decided without the event that has raised it.`]),
      ...(raised === undefined || isThere ? [] : [`${stackId}: ${eventId} has raised ${raised}, which was lost.`]),
    ];
  });
}

/** Returns the event that the reaction to a line's event raises, if it has no condition and was not stopped. */
function findRaised(
  { outcome, event, from, machineHash, notes }: HistoryEntry,
  { findMachine }: InvariantContext,
): string | undefined {
  if (outcome !== "applied" || from === undefined || machineHash === undefined || notes.length > 0) return undefined;
  const [reaction] = findMachine(machineHash)?.states.get(from)?.on.get(event) ?? [];
  return reaction?.when === undefined ? reaction?.raise : undefined;
}
