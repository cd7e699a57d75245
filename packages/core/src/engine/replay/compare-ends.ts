import { maskMetadata, toShownMetadata } from "../../machine/secrets.ts";
import type { Stack, StackTimer, TaskState } from "../../machine/stack.ts";

/** Something of a stack that would stand otherwise. Sensitive values are printed `***`; they are compared by reference. */
export interface EndDifference {
  /** `state`, `task <name>`, `metadata <key>`, `timer <event>` or `retry <task>`; of timers the instants when they are due. */
  readonly what: string;
  /** Null: it is not there. */
  readonly before: string | number | boolean | null;
  readonly after: string | number | boolean | null;
}

/** How a stack stands, and how it would stand. */
export function compareEnds(present: Stack, replayed: Stack | undefined): readonly EndDifference[] {
  const before = toFacts(present);
  const after =
    replayed === undefined ? new Map<string, Fact>([["state", { value: null, compared: null }]]) : toFacts(replayed);
  const ends = [...new Set([...before.keys(), ...after.keys()])].flatMap((what) => {
    const [a, b] = [before.get(what), after.get(what)];
    if (JSON.stringify(a?.compared ?? null) === JSON.stringify(b?.compared ?? null)) return [];
    return [{ what, before: a?.value ?? null, after: b?.value ?? null }];
  });
  return [...ends, ...compareTimers(present, replayed)];
}

/** A timer that is armed now and would be due at another time, or not at all; and one that only the replay has armed. */
function compareTimers(present: Stack, replayed: Stack | undefined): readonly EndDifference[] {
  const before = toTimers(present);
  const after = toTimers(replayed);
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((what) => {
    const [a, b] = [before.get(what), after.get(what)];
    if (a !== undefined && b !== undefined && isDueAlike(a, b)) return [];
    return [{ what, before: tellDue(a), after: tellDue(b) }];
  });
}

function toTimers(stack: Stack | undefined): Map<string, StackTimer> {
  const timers = new Map<string, StackTimer>();
  for (const timer of stack?.timers ?? []) {
    const name = timer.task === undefined ? `timer ${timer.event}` : `retry ${timer.task}`;
    // One state may have several timers with the same event.
    const count = [...timers.keys()].filter((known) => known === name || known.startsWith(`${name} #`)).length;
    timers.set(count === 0 ? name : `${name} #${count + 1}`, timer);
  }
  return timers;
}

/** The present timer may have been drawn by chance, within what the replay says. */
function isDueAlike(present: StackTimer, { dueAt: latest, jitterMs = 0 }: StackTimer): boolean {
  const dueAt = present.postponedFrom ?? present.dueAt;
  return dueAt <= latest && dueAt >= latest - jitterMs;
}

function tellDue(timer: StackTimer | undefined): string | null {
  return timer === undefined ? null : new Date(timer.postponedFrom ?? timer.dueAt).toISOString();
}

interface Fact {
  readonly value: EndDifference["before"];
  readonly compared: unknown;
}

function toFacts(stack: Stack): Map<string, Fact> {
  const shown = toShownMetadata(stack);
  const printed = maskMetadata(shown);
  const facts = new Map<string, Fact>([["state", { value: stack.state, compared: stack.state }]]);
  for (const task of stack.tasks) facts.set(`task ${task.name}`, { value: tellTask(task), compared: tellTask(task) });
  for (const [key, compared] of Object.entries(shown))
    facts.set(`metadata ${key}`, { value: printed[key] ?? null, compared });
  return facts;
}

/** Where an attempt stands is for its worker to say: to the machine it runs. */
function tellTask({ status, detail }: TaskState): string {
  return detail === undefined || detail === "RUNNING" || detail === "QUEUED" ? status : `${status} ${detail}`;
}
