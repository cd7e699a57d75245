import { describe, expect, it } from "vitest";
import { acceptingExecutors } from "../../testing/builders.ts";
import { parseMachine } from "../parse-machine.ts";

const PARTS = {
  version: "version: 1",
  events: "events: [GO]",
  states: "states: {INIT: {terminal: true, tasks: [run], on: {GO: []}}}",
  tasks: "tasks: {run: {executor: lambda, config: {name: run}}}",
  more: "",
};

type Part = keyof typeof PARTS;

// The part of a machine that is replaced, and the errors. « stands where they point, in the order of the document; an
// error about what is missing points at the key of the map that lacks it, in lists and at the top at the map.
const ROWS: readonly (readonly [Part, string, ...string[]])[] = [
  ["version", "version: «3", "version-unsupported version"],
  ["version", 'version: «"1.0"', "version-unsupported version"],
  ["version", "version: «[1]", "version-unsupported version"],
  ["version", "«version:", "version-unsupported version"],

  ["events", "events: «GO", "events-not-list events"],
  ["events", "events: «{GO: 1}", "events-not-list events"],
  ["events", "«events:", "events-required events"],
  ["events", "events:\n- GO\n- «1\n- «true\n", "event-not-string events.1", "event-not-string events.2"],
  ["events", "events: [GO, «{A: 1}, «[B], «~]", ...[1, 2, 3].map((index) => `event-not-string events.${index}`)],
  ["events", 'events: [«go, GO, «A_B, «""]', ...[0, 2, 3].map((index) => `event-name-pattern events.${index}`)],
  ["events", "events: [GO, «TASK_ERROR]", "event-name-pattern events.1"],
  ["events", "x-e: &go GO\nevents: [*go, A, «*go, «A]", "event-duplicate events.2", "event-duplicate events.3"],
  ["events", "events: [«NEXT, GO, «NEXT]", "event-reserved events.0", "event-reserved events.2"],

  ["states", "states: «[INIT]", "states-required states"],
  ["states", "states: «null", "states-required states"],
  ["states", "«states: {}", "init-required states"],
  ["states", "«states: {UP: {terminal: true}}", "init-required states"],
  [
    "states",
    'states: {INIT: {}, «up: {}, «"A B": {}}',
    "state-name-pattern states.up",
    "state-name-pattern states.A B",
  ],
  ["states", "states:\n  INIT:\n    {}\n  «UP:\n  DOWN: «[]", "state-not-map states.UP", "state-not-map states.DOWN"],
  [
    "states",
    "states: {INIT: {«Terminal: true, «x-a: 1}}",
    ...["Terminal", "x-a"].map((k) => `state-unknown-key states.INIT.${k}`),
  ],
  ["states", "states: {INIT: {«__proto__: {}}}", "state-unknown-key states.INIT.__proto__"],
  ["states", "x-s: &s {«foo: 1}\nstates: {INIT: {<<: *s}, UP: *s}", "state-unknown-key states.INIT.foo"],
  ["states", "states: {INIT: {terminal: «yes}}", "terminal-not-boolean states.INIT.terminal"],
  ["states", "states: {INIT: {}, UP: {terminal: «1}}", "terminal-not-boolean states.UP.terminal"],
  ["states", "x-t: &t ~\nstates: {INIT: {terminal: «*t}}", "terminal-not-boolean states.INIT.terminal"],
  ["states", "states: {INIT: {tasks: «run}}", "state-tasks-not-list states.INIT.tasks"],
  ["states", "states:\n  INIT:\n    «tasks:\n", "state-tasks-not-list states.INIT.tasks"],
  [
    "states",
    "states: {INIT: {tasks: [run, «1, «[run]]}}",
    ...[1, 2].map((i) => `state-task-not-string states.INIT.tasks.${i}`),
  ],
  [
    "states",
    "states: {INIT: {tasks: [«Run, run, «valueOf]}}",
    ...[0, 2].map((i) => `state-task-undefined states.INIT.tasks.${i}`),
  ],

  ["states", "states: {INIT: {on: «[GO]}}", "on-not-map states.INIT.on"],
  ["states", "states: {INIT: {«on: }}", "on-not-map states.INIT.on"],
  [
    "states",
    "states: {INIT: {on: {GO: [], «go: [], «TASK_ERROR: []}}}",
    ...["go", "TASK_ERROR"].map((e) => `on-event-undeclared states.INIT.on.${e}`),
  ],
  ["states", "states: {INIT: {on: {<<: {«STOP: []}}}}", "on-event-undeclared states.INIT.on.STOP"],
  ["states", "states: {INIT: {on: {GO: «{action: no-op}}}}", "handler-not-list states.INIT.on.GO"],
  [
    "states",
    "states: {INIT: {on: {GO: «advance, NEXT: «null}}}",
    ...["GO", "NEXT"].map((e) => `handler-not-list states.INIT.on.${e}`),
  ],
  [
    "states",
    "states: {INIT: {on: {GO: [«no-op, {}, «~]}}}",
    ...[0, 2].map((i) => `action-not-map states.INIT.on.GO.${i}`),
  ],
  ["states", "states: {INIT: {on: {GO: [{action: «goto, state: INIT}]}}}", "action-unknown states.INIT.on.GO.0.action"],
  ["states", "x-a: &a {action: «~}\nstates: {INIT: {on: {GO: [{}, *a]}}}", "action-unknown states.INIT.on.GO.1.action"],
  [
    "states",
    "states: {INIT: {on: {GO: [{action: no-op, «state: INIT}]}}}",
    "action-unknown-key states.INIT.on.GO.0.state",
  ],
  ["states", "states: {INIT: {on: {GO: [{}, {«Action: no-op}]}}}", "action-unknown-key states.INIT.on.GO.1.Action"],
  ["states", "states: {INIT: {on: {GO: [«{action: advance}]}}}", "advance-state-required states.INIT.on.GO.0.state"],
  [
    "states",
    "states:\n  INIT:\n    on:\n      GO:\n        - action: advance\n          «state:\n",
    "advance-state-required states.INIT.on.GO.0.state",
  ],
  [
    "states",
    "states: {INIT: {}, UP: {on: {NEXT: [{}, {action: advance, state: «Up}]}}}",
    "advance-state-undefined states.UP.on.NEXT.1.state",
  ],
  [
    "states",
    "states: {INIT: {on: {GO: [{action: advance, state: «1}]}}, 1: {}}",
    "advance-state-undefined states.INIT.on.GO.0.state",
  ],
  ["states", "states: {INIT: {on: {GO: [{state: «valueOf}]}}}", "advance-state-undefined states.INIT.on.GO.0.state"],

  ["tasks", "«tasks:", "tasks-required tasks"],
  ["tasks", "tasks: «[run]", "tasks-not-map tasks"],
  ["tasks", "tasks: {run: «lambda}", "task-not-map tasks.run"],
  ["tasks", "tasks:\n  «run:\n  b: «[]", "task-not-map tasks.run", "task-not-map tasks.b"],
  [
    "tasks",
    "tasks: {run: {«name: run, «timeout: 5m}}",
    ...["name", "timeout"].map((k) => `task-unknown-key tasks.run.${k}`),
  ],
  ["tasks", "tasks: {run: {executor: «Lambda}}", "executor-unknown tasks.run.executor"],
  ["tasks", "tasks: {run: {executor: «null, config: {a: 1}}}", "executor-unknown tasks.run.executor"],
  ["tasks", "tasks: {run: {executor: lambda, config: «null}}", "config-not-map tasks.run.config"],
  ["tasks", "tasks: {run: {config: «[]}}", "config-not-map tasks.run.config"],

  [
    "more",
    "«X-a: 1\n«x_a: 2\nx-: 3\n«state: {}",
    ...["X-a", "x_a", "state"].map((key) => `top-level-unknown-key ${key}`),
  ],
  ["more", "<<: {«__proto__: 1}", "top-level-unknown-key __proto__"],
];

/** The text without marks, and where they stood: lines and columns from 1. */
function takeMarks(marked: string) {
  const [first = "", ...rest] = marked.split("«");
  let source = first;
  const places = rest.map((text) => {
    const lines = source.split("\n");
    source += text;
    return `${lines.length}:${(lines.at(-1) ?? "").length + 1}`;
  });
  return { source, places };
}

describe("problems of a v1 machine", () => {
  it.each(ROWS)("of its %s: %s", (part, text, ...faults) => {
    const { source, places } = takeMarks(Object.values({ ...PARTS, [part]: text }).join("\n"));

    const { problems } = parseMachine(source, { name: "app", executors: acceptingExecutors("lambda") });

    const errors = problems.filter(({ severity }) => severity === "error");
    expect(errors.map(({ code, path, line, column }) => `${code} ${path} ${line}:${column}`)).toEqual(
      faults.map((fault, index) => `${fault} ${places[index]}`),
    );
  });
});
