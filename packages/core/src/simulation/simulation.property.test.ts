import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defined } from "../machine/json.ts";
import { parseMachine } from "../machine/parse-machine.ts";
import { createSimulation, type Simulation } from "./simulation.ts";

// The rules of version 1 again, in their plainest form, over documents and messages as they travel.

interface Action {
  readonly action?: "advance" | "no-op";
  readonly state?: string;
}
interface StateDocument {
  readonly tasks: readonly string[];
  readonly terminal: boolean;
  readonly on: Readonly<Record<string, readonly Action[]>>;
}
type Status = "PENDING" | "SATISFIED" | "ERROR";
interface ModelStack {
  state: string;
  previousState: string | null;
  tasks: { name: string; status: Status; errorMessage?: string }[];
  metadata: Record<string, unknown>;
}
interface Message {
  readonly event: string;
  readonly machine?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly task?: { readonly name: string };
  readonly description?: string;
}
interface Outcome {
  readonly outcome: string;
  readonly code?: string;
  readonly stack: ModelStack | null;
  readonly dispatched: readonly string[];
}

const STATES = ["INIT", "A", "B", "C"];
const TASKS = ["t1", "t2", "constructor"];
const EVENTS = ["GO", "STOP", "FAILED"];

type States = Readonly<Record<string, StateDocument>>;
interface Model {
  readonly states: States;
  readonly stack: ModelStack;
  dispatched: readonly string[];
}

function applyInModel(states: States, before: ModelStack | null, message: Message): Outcome {
  const unchanged = { stack: before, dispatched: [] };
  if (before === null && message.machine === undefined) {
    return { ...unchanged, outcome: "ignored", code: "STACK_UNKNOWN" };
  }
  const stack = structuredClone(before ?? { state: "INIT", previousState: null, tasks: [], metadata: {} });
  const model: Model = { states, stack, dispatched: [] };
  const code = findEarlyRefusal(before, message) ?? applyTo(model, message);
  if (code !== undefined) return { ...unchanged, outcome: "refused", code };
  const removed = isSatisfied(stack) && states[stack.state]?.terminal === true;
  return { outcome: removed ? "removed" : "applied", stack: removed ? null : stack, dispatched: model.dispatched };
}

interface Retried {
  readonly id: string;
  readonly event: string;
  readonly outcome: string;
  readonly code?: string;
}
interface ParkedMessage {
  readonly id: string;
  readonly message: Message;
  readonly code: string | undefined;
}

/** Messages that the state before the first one did not handle are not about the stack that begins now. */
function forgetEarlier(parked: ParkedMessage[]): void {
  parked.push(...parked.splice(0).filter(({ code }) => code === "MACHINE_UNKNOWN"));
}

/** Whatever an applied event has changed: the messages that wait for it are tried, oldest first, until none applies. */
function retryParked(states: States, parked: ParkedMessage[], after: Outcome) {
  let { stack } = after;
  const dispatched = [...after.dispatched];
  const retried: Retried[] = [];
  for (let index = 0; index < parked.length; ) {
    const { id, message } = parked[index] as ParkedMessage;
    const { outcome, code, ...did } = applyInModel(states, stack, message);
    if (isParked(message, code)) {
      index += 1;
      continue;
    }
    parked.splice(index, 1);
    retried.push({ id, event: message.event, outcome, ...defined({ code }) });
    if (outcome !== "applied" && outcome !== "removed") continue;
    stack = did.stack;
    dispatched.push(...did.dispatched);
    index = 0;
  }
  return { stack, dispatched, ...(retried.length === 0 ? {} : { retried }) };
}

function isParked({ event }: Message, code: string | undefined): boolean {
  return !isSystem(event) && (code === "EVENT_NOT_HANDLED" || code === "MACHINE_UNKNOWN");
}

function findEarlyRefusal(before: ModelStack | null, { event, machine, metadata = {} }: Message): string | undefined {
  if (machine === "other") return before === null ? "MACHINE_UNKNOWN" : "MACHINE_MISMATCH";
  if (!isSystem(event) && !EVENTS.includes(event)) return "EVENT_UNDECLARED";
  const nested = Object.values(metadata).some((value) => typeof value === "object" && value !== null);
  return nested ? "METADATA_NOT_FLAT" : undefined;
}

function applyTo(model: Model, message: Message): string | undefined {
  const { event, metadata } = message;
  Object.assign(model.stack.metadata, metadata);
  if (event.startsWith("RETRY_")) return retry(model, event === "RETRY_FAILED_TASKS" ? "ERROR" : "PENDING");
  if (isSystem(event)) return answer(model, message);
  return perform(model, event) ? undefined : "EVENT_NOT_HANDLED";
}

function retry(model: Model, status: Status): undefined {
  const chosen = model.stack.tasks.filter((task) => task.status === status);
  model.dispatched = chosen.map(({ name }) => name);
  for (const task of chosen) setStatus(task, "PENDING");
}

function answer(model: Model, { event, task, description }: Message): string | undefined {
  const { stack, states } = model;
  const answered = stack.tasks.find(({ name }) => name === task?.name);
  if (answered === undefined) return "TASK_NOT_CURRENT";
  if (event === "TASK_ERROR") {
    setStatus(answered, "ERROR", description);
    return undefined;
  }
  setStatus(answered, "SATISFIED");
  if (isSatisfied(stack) && !states[stack.state]?.terminal) perform(model, "NEXT");
  return undefined;
}

function perform(model: Model, event: string): boolean {
  const { states, stack } = model;
  const handlers = states[stack.state]?.on ?? {};
  if (!Object.hasOwn(handlers, event)) return false;
  for (const { action, state } of handlers[event] ?? []) {
    if (action !== "advance" || state === undefined) continue;
    const names = [...new Set(states[state]?.tasks)];
    const tasks = names.map((name) => ({ name, status: "PENDING" as const }));
    Object.assign(stack, { previousState: stack.state, state, tasks });
    model.dispatched = names;
  }
  return true;
}

function setStatus(task: ModelStack["tasks"][number], status: Status, errorMessage?: string): void {
  delete task.errorMessage;
  Object.assign(task, { status }, defined({ errorMessage }));
}

function isSatisfied({ tasks }: ModelStack): boolean {
  return tasks.every(({ status }) => status === "SATISFIED");
}

function isSystem(event: string): boolean {
  return /^(TASK_|RETRY_)/.test(event);
}

const aState = fc.constantFrom(...STATES);
const anAction = fc.oneof(
  { weight: 4, arbitrary: fc.record({ action: fc.constant("advance" as const), state: aState }) },
  fc.constant({ action: "no-op" as const }),
  fc.constant({}),
  fc.record({ state: aState }),
);
const aStateDocument = fc.record({
  tasks: fc.array(fc.constantFrom(...TASKS), { maxLength: 3 }),
  terminal: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.constant(true)),
  on: fc.dictionary(fc.constantFrom(...EVENTS, "NEXT"), fc.array(anAction, { maxLength: 3 }), {
    maxKeys: 4,
    noNullPrototype: true,
  }),
});
const aMessage = fc.record(
  {
    event: fc.constantFrom(...EVENTS, "GO", "OTHER", "RETRY_FAILED_TASKS", "RETRY_PENDING_TASKS"),
    machine: fc.constantFrom("app", "app", "other"),
    metadata: fc.dictionary(
      fc.constantFrom("a", "b", "constructor"),
      fc.oneof(fc.constantFrom(0, "", false, null, 1.5, "x"), fc.constantFrom([], {})),
      { noNullPrototype: true },
    ),
  },
  { requiredKeys: ["event"] },
);
const anAnswer = fc.record(
  {
    event: fc.constantFrom("TASK_COMPLETED", "TASK_COMPLETED", "TASK_ERROR"),
    task: fc.record({ name: fc.constantFrom(...TASKS, "toString") }),
    description: fc.constantFrom("", "boom"),
    metadata: fc.constantFrom({}, { a: 2 }),
  },
  { requiredKeys: ["event", "task"] },
);

/** Plays messages in the model and in the simulation. */
function compareRun(states: States, simulation: Simulation, stream: readonly Message[]): void {
  let stack: ModelStack | null = null;
  const parked: ParkedMessage[] = [];
  for (const [index, sent] of [{ event: "GO", machine: "app" }, ...stream].entries()) {
    // Each message is another one: what becomes of repeated ones has tests of its own, in incarnation.test.ts.
    const message: Message = { ...sent, metadata: { ...sent.metadata, step: index } };
    const expected = playMessage(states, { stack, parked }, { id: `simulated-step-${index + 1}`, message });
    // So has what becomes of parked ones at the end of a stack.
    if (expected === "ends") return;
    const { own, all } = expected;
    const { reason, messages, retried, ...line } = simulation.step({ event: { stackId: "s", ...message } });

    expect(line).toEqual({
      ...own,
      dispatched: all.dispatched,
      cancelled: [],
      others: [],
      step: index + 1,
      stack: all.stack && { id: "s", machine: "app", ...all.stack },
    });
    expect(retried?.map(({ stackId, ...each }) => each)).toEqual(all.retried);
    expect(messages.map(({ task }) => task.name)).toEqual(all.dispatched);
    stack = all.stack;
  }
}

function playMessage(
  states: States,
  { stack, parked }: { readonly stack: ModelStack | null; readonly parked: ParkedMessage[] },
  { id, message }: Pick<ParkedMessage, "id" | "message">,
): { readonly own: Outcome; readonly all: Outcome & { readonly retried?: readonly Retried[] } } | "ends" {
  const own = applyInModel(states, stack, message);
  const isApplied = own.outcome === "applied" || own.outcome === "removed";
  if (own.outcome === "removed" && parked.length > 0) return "ends";
  if (isApplied && stack === null) forgetEarlier(parked);
  if (isParked(message, own.code)) parked.push({ id, message, code: own.code });
  const all = { ...own, ...(isApplied && retryParked(states, parked, own)) };
  return all.stack === null && parked.length > 0 && stack !== null ? "ends" : { own, all };
}

describe("createSimulation, for any machine of version 1 and any messages", () => {
  it("does what the rules say", () => {
    const document = fc.tuple(aStateDocument, aStateDocument, aStateDocument, aStateDocument);
    const messages = fc.array(fc.oneof(aMessage, anAnswer), { maxLength: 25 });

    fc.assert(
      fc.property(document, messages, (documents, stream) => {
        const states = Object.fromEntries(STATES.map((name, index) => [name, documents[index] as StateDocument]));
        const tasks = Object.fromEntries(TASKS.map((name) => [name, { executor: "lambda", config: { name } }]));
        const source = JSON.stringify({ version: 1, events: EVENTS, states, tasks });
        compareRun(states, createSimulation(new Map([["app", parseMachine(source, { name: "app" }).machine]])), stream);
      }),
      { numRuns: process.env["QUICK_TESTS"] ? 100 : 500 },
    );
  });
});
