import { FAILED, type Machine, NEXT, TIMEOUT } from "../../machine/machine.ts";
import type { Stack, Stalled, TaskState } from "../../machine/stack.ts";
import type { AttemptView } from "../../ports/attempt-store.ts";
import type { ParkedEvent } from "../../ports/stack-store.ts";
import type { AttemptFacts } from "./explain-attempt.ts";
import { explainLeaving, listLeft } from "./explain-task.ts";
import { tellLength, tellNames } from "./tell-time.ts";
import type { Reason, Wait } from "./wait.ts";

/** What a stack's sentence is made of. */
export interface SummaryFacts extends AttemptFacts {
  readonly stack: Stack;
  readonly machine?: Machine | undefined;
  readonly parked: readonly ParkedEvent[];
  readonly attempts: readonly AttemptView[];
  readonly tasks: readonly (TaskState & Reason)[];
}

/** What the stack as a whole does or waits for: what needs a person first, then what runs, then what may come. */
export function summarise(facts: SummaryFacts): Reason {
  const reason = explainBusy(facts);
  if (reason === undefined) return explainQuiet(facts);
  const [first] = facts.parked;
  if (first === undefined) return reason;
  const next = tellLength(Math.min(...facts.parked.map(({ nextTryAt }) => nextTryAt)) - facts.now);
  const count = facts.parked.length === 1 ? "1 event is" : `${facts.parked.length} events are`;
  return { ...reason, why: `${reason.why} (${count} parked, tried again in ${next} or before.)` };
}

/** Undefined: no task is pending or has failed, the stack is not stalled, and nothing that was left is waited for. */
function explainBusy(facts: SummaryFacts): Reason | undefined {
  const { stack, tasks } = facts;
  if (stack.stalled !== undefined) return explainStalled(facts, stack.stalled);
  const failed = tasks.filter(({ status }) => status === "ERROR");
  const pending = tasks.filter(({ status }) => status === "PENDING");
  if (failed.length > 0 && (stack.failed === true || pending.length === 0)) return explainFailed(facts, failed);
  if (pending.length > 0) return explainPending(pending, failed);
  const left = listLeft(stack);
  return left.length > 0 ? explainLeaving(facts, left) : undefined;
}

function explainStalled({ stack, machine }: SummaryFacts, { code, reason }: Stalled): Reason {
  const events = listHandled(stack, machine);
  const advice =
    code === "LOOP_LIMIT" || code === "TRANSITION_LIMIT"
      ? " Look why it runs in circles; an event from outside lets it go on."
      : events.length > 0
        ? ` Send one of ${tellNames(events)}, or ${adviseRevision(stack, machine)}.`
        : ` To go on, ${adviseRevision(stack, machine)}. \`stackyard stacks remove ${stack.id} --force --reason WHY\` forgets it.`;
  const waitsFor: Wait = { kind: "operator", code, ...(events.length > 0 ? { events } : {}) };
  return { why: `Stalled (${code}): ${reason}${advice}`, waitsFor };
}

/** Only a stack that keeps its revision can be moved; the others follow the newest one. */
function adviseRevision({ id }: Stack, machine: Machine | undefined): string {
  if (machine?.revision === "follow") return "correct the machine: the stack follows its newest revision";
  return `correct the machine and move the stack to it with \`stackyard stacks upgrade ${id}\``;
}

function explainFailed({ stack, machine }: SummaryFacts, failed: readonly TaskState[]): Reason {
  const events = listHandled(stack, machine);
  const others = events.length === 0 ? "" : ` The state also handles ${tellNames(events)}.`;
  const names = failed.map(({ name }) => name);
  const code = failed.find(({ errorCode }) => errorCode !== undefined)?.errorCode;
  return {
    why: `Failed: ${tellNames(names)}. \`stackyard stacks retry ${stack.id}\` tries again.${others}`,
    waitsFor: { kind: "operator", tasks: names, ...(code === undefined ? {} : { code }) },
  };
}

function explainPending(pending: SummaryFacts["tasks"], failed: readonly TaskState[]): Reason {
  // What waits for another task of the stack says less than that task itself.
  const first = pending.find(({ waitsFor }) => waitsFor?.kind !== "need") ?? pending[0];
  const others = failed.length === 0 ? "" : ` Failed: ${tellNames(failed.map(({ name }) => name))}.`;
  const why = first === undefined ? "" : ` ${first.name}: ${first.why}`;
  return {
    why: `Waits for ${tellNames(pending.map(({ name }) => name))}.${others}${why}`,
    ...(first?.waitsFor && { waitsFor: { task: first.name, ...first.waitsFor } }),
  };
}

function explainQuiet({ stack, machine, parked, now }: SummaryFacts): Reason {
  const overdue = stack.overdue === true ? "Overdue: the state's time is over, and nothing handles that. " : "";
  const [first] = parked;
  if (first !== undefined) return explainParked(first, overdue, now);
  const events = listHandled(stack, machine);
  const [timer] = [...stack.timers].sort((a, b) => a.dueAt - b.dueAt);
  const wanted = events.length === 0 ? "Waits for an event." : `Waits for an event: ${tellNames(events)}.`;
  if (timer === undefined) {
    const kind = stack.overdue === true ? "operator" : "event";
    return { why: `${overdue}${wanted}`, waitsFor: { kind, ...(events.length > 0 ? { events } : {}) } };
  }
  const byItself = `${timer.event} comes by itself in ${tellLength(timer.dueAt - now)}.`;
  const waitsFor: Wait = {
    kind: "timer",
    event: timer.event,
    at: timer.dueAt,
    ...(events.length > 0 ? { events } : {}),
  };
  return { why: `${overdue}${wanted} ${byItself}`, waitsFor };
}

/** The name of a parked event. */
export function findEventName({ event }: ParkedEvent): string | undefined {
  const name = event.message["event"] ?? event.message["action"];
  return typeof name === "string" ? name : undefined;
}

function explainParked(parked: ParkedEvent, overdue: string, now: number): Reason {
  const { event, code, reason, nextTryAt } = parked;
  const name = findEventName(parked);
  const what = name === undefined ? "An event" : `The event ${name}`;
  return {
    why: `${overdue}${what} is parked (${code}: ${reason}); it is tried again in ${tellLength(nextTryAt - now)}.`,
    waitsFor: {
      kind: "parked",
      eventId: event.id,
      code,
      at: nextTryAt,
      ...(name !== undefined && { event: name }),
    },
  };
}

/** Events from outside that the state handles. */
function listHandled(stack: Stack, machine: Machine | undefined): readonly string[] {
  const names = machine?.states.get(stack.state)?.on.keys() ?? [];
  return [...names].filter((name) => name !== NEXT && (machine?.events.has(name) || !INTERNAL.has(name)));
}

const INTERNAL: ReadonlySet<string> = new Set([FAILED, TIMEOUT]);
