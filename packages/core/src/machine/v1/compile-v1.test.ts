import { type TSchema, Type } from "typebox";
import { describe, expect, it } from "vitest";
import { acceptingExecutors } from "../../testing/builders.ts";
import { listKeys } from "../document/check-structure.ts";
import type { ExecutorDefinition } from "../executor-definition.ts";
import { PLAIN_MACHINE, PLAIN_STATE, PLAIN_TASK, toReactions } from "../machine.ts";
import { type ParseMachineOptions, parseMachine } from "../parse-machine.ts";
import { AdvancePart, machineV2Schema, NoOpPart, StatePart, TaskPart } from "../v2/machine-v2-schema.ts";

const parse = (source: string, options: Partial<ParseMachineOptions> = {}) =>
  parseMachine(source, { name: "app", ...options });

/** Problems as `code path`, errors with an exclamation mark. */
const problemsOf = (source: string, options: Partial<ParseMachineOptions> = {}) =>
  parse(source, options).problems.map(
    ({ code, path, severity }) => `${severity === "error" ? "!" : ""}${code} ${path}`,
  );

const messages = (source: string, options: Partial<ParseMachineOptions> = {}) =>
  parse(source, options).problems.map(({ message }) => message);

/** A machine without faults, of which a test replaces the parts that it is about. */
function aDocument(parts: { version?: string; events?: string; states?: string; tasks?: string; more?: string } = {}) {
  const {
    version = "version: 1",
    events = "events: [GO]",
    states = "states: {INIT: {on: {GO: [{action: advance, state: DONE}]}}, DONE: {terminal: true, tasks: [run]}}",
    tasks = "tasks: {run: {executor: lambda, config: {name: run}}}",
    more = "",
  } = parts;
  return [version, events, states, tasks, more].join("\n");
}

const aTask = (task: string) => aDocument({ tasks: `tasks: {run: ${task}}` });

const anExecutor = (definition: Partial<ExecutorDefinition> = {}) => {
  const executor: ExecutorDefinition = { name: "sleeper", config: Type.Object({}), resumable: true, ...definition };
  return { executors: new Map([[executor.name, executor]]) };
};

describe("a compiled v1 machine", () => {
  it("has everything that the document says, coerced", () => {
    const source = aDocument({
      version: 'version: "1"',
      events: "events: [GO, STOP]",
      states: `states:
  INIT: {on: {GO: [{action: no-op}, {action: advance, state: RUN}, {}, {action: advance, state: INIT}], STOP: []}}
  RUN: {tasks: [b, a, b], on: {NEXT: [{action: advance, state: END}]}}
  END: {terminal: "true"}`,
      tasks: `tasks:
  a: {config: {args: {list: [1, null], deep: {x: .5}}, name: f}, executor: lambda}
  b: {executor: terraform, config: {action: apply, source: {type: local, location: ./b}}}`,
    });

    const { machine } = parse(source);

    expect(machine).toEqual({
      ...PLAIN_MACHINE,
      name: "app",
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      revision: "follow",
      events: new Set(["GO", "STOP"]),
      states: new Map([
        [
          "INIT",
          {
            ...PLAIN_STATE,
            name: "INIT",
            terminal: false,
            tasks: [],
            on: new Map([
              ["GO", toReactions(["RUN", "INIT"])],
              ["STOP", toReactions([])],
            ]),
          },
        ],
        [
          "RUN",
          {
            ...PLAIN_STATE,
            name: "RUN",
            terminal: false,
            tasks: ["b", "a"],
            on: new Map([["NEXT", toReactions(["END"])]]),
          },
        ],
        ["END", { ...PLAIN_STATE, name: "END", terminal: true, tasks: [], on: new Map() }],
      ]),
      tasks: new Map([
        [
          "a",
          {
            ...PLAIN_TASK,
            name: "a",
            executor: "lambda",
            definition: { config: { args: { list: [1, null], deep: { x: 0.5 } }, name: "f" }, executor: "lambda" },
            timeoutMs: 86_400_000,
            cancelWithinMs: 300_000,
          },
        ],
        [
          "b",
          {
            ...PLAIN_TASK,
            name: "b",
            executor: "terraform",
            definition: {
              executor: "terraform",
              config: { action: "apply", source: { type: "local", location: "./b" } },
            },
            timeoutMs: 86_400_000,
            cancelWithinMs: 300_000,
          },
        ],
      ]),
    });
  });

  it("takes time limits from the executor", () => {
    const timeout = ({ seconds = 60 }: { seconds?: number }) => seconds * 1000;
    const executors = new Map([
      ["sleeper", { name: "sleeper", config: Type.Object({}), resumable: true, cancelWithin: "30s", timeout }],
      ["lambda", { name: "lambda", config: Type.Object({}), resumable: true, timeout: () => 900_000 }],
    ]);
    const tasks =
      "tasks: {a: {executor: sleeper, config: {seconds: 5}}, b: {executor: lambda, config: {name: f}}, c: {executor: sleeper}}";

    const { machine } = parse(aDocument({ tasks, states: "states: {INIT: {terminal: true, tasks: [a, b, c]}}" }), {
      executors,
    });

    const limits = [...(machine?.tasks.values() ?? [])].map(({ timeoutMs, cancelWithinMs }) => [
      timeoutMs,
      cancelWithinMs,
    ]);
    expect(limits).toEqual([
      [5_000, 30_000],
      [900_000, 300_000],
      [86_400_000, 30_000],
    ]);
  });

  it.each([Number.NaN, -1, 0, 1.5, Number.POSITIVE_INFINITY])("ignores a time limit of %d", (ms) => {
    const { machine } = parse(
      aTask("{executor: sleeper, config: {}}"),
      anExecutor({ timeout: () => ms, cancelWithin: "soon" }),
    );

    expect(machine?.tasks.get("run")).toMatchObject({ timeoutMs: 86_400_000, cancelWithinMs: 300_000 });
  });

  it("has a hash that only name and source change", () => {
    const [a, same, spaced, named] = [
      parse(aDocument()),
      parse(aDocument()),
      parse(`${aDocument()}\n`),
      parse(aDocument(), { name: "other" }),
    ].map(({ machine }) => machine?.hash);

    expect(a).toBe(same);
    expect(new Set([a, spaced, named]).size).toBe(3);
  });

  it("is the same for Windows line ends and with a byte order mark", () => {
    const plain = parse(aDocument()).machine;

    const { machine, problems } = parse(`\uFEFF${aDocument().replaceAll("\n", "\r\n")}`);

    expect(problems).toEqual([]);
    expect({ ...machine, hash: "" }).toEqual({ ...plain, hash: "" });
  });
});

describe("what is missing", () => {
  it("is reported in the order of the format, under the path that it would have, at the map that lacks it", () => {
    const { problems } = parse("# nothing\nx-a: 1");

    expect(problems.map(({ code, path, line, column }) => [code, path, line, column])).toEqual([
      ["version-unsupported", "version", 2, 1],
      ["events-required", "events", 2, 1],
      ["states-required", "states", 2, 1],
      ["tasks-required", "tasks", 2, 1],
    ]);
  });

  it.each([
    ["events", { events: "events:" }],
    ["events", { events: "events: null" }],
    ["states", { states: "states: ~" }],
    ["tasks", { tasks: "tasks:" }],
    ["tasks", { tasks: "tasks: null" }],
  ])("is also %s with nothing after it: %j", (key, parts) => {
    const told = problemsOf(aDocument(parts)).filter((text) => text.startsWith("!"));

    expect(told).toEqual([`!${key}-required ${key}`]);
  });
});

describe("keys that only version 2 has", () => {
  const inState = (state: string) => aDocument({ states: `states: {INIT: ${state}}` });
  const places: readonly (readonly [string, TSchema, (key: string) => string])[] = [
    ["a machine", machineV2Schema, (key) => aDocument({ more: `${key}: null` })],
    ["a state", StatePart, (key) => inState(`{${key}: null}`)],
    ["a task", TaskPart, (key) => aTask(`{executor: lambda, config: {name: f}, ${key}: null}`)],
    ["advance", AdvancePart, (key) => inState(`{on: {GO: [{action: advance, state: INIT, ${key}: null}]}}`)],
    ["no-op", NoOpPart, (key) => inState(`{on: {GO: [{action: no-op, ${key}: null}]}}`)],
  ];
  const shared = new Set([
    "version",
    "events",
    "states",
    "tasks",
    "terminal",
    "on",
    "executor",
    "config",
    "action",
    "state",
  ]);
  const newer = places.flatMap(([place, schema, write]) => {
    const keys = listKeys(schema).filter((key) => !shared.has(key));
    return keys.map((key) => [key, place, write(key)] as const);
  });

  it.each(newer)("%s of %s comes with the advice to upgrade", (key, _place, source) => {
    const unknown = messages(source).filter((message) => message.startsWith(`Unknown key "${key}"`));

    expect(unknown).toEqual([expect.stringContaining(' Version 2 has it: write "version: 2"')]);
  });
});

describe("version", () => {
  it.each(["1", "1.0", "1e0", "01", "0x1", "+1"])("accepts the number %s", (version) => {
    expect(problemsOf(aDocument({ version: `version: ${version}` }))).toEqual([]);
  });

  it.each(['"1.0"', "1.1", "3", "v1", "true", "null", "[1]", "{}", ""])(
    "refuses %s and judges the rest as v1",
    (version) => {
      expect(problemsOf(aDocument({ version: `version: ${version}`, more: "extra: 1" }))).toEqual([
        "!version-unsupported version",
        "!top-level-unknown-key extra",
      ]);
    },
  );

  it.each(["3", "2.1", "v1", "true"])("names the value %s that is not supported", (version) => {
    expect(messages(aDocument({ version: `version: ${version}` }))[0]).toContain(version);
  });

  it("refuses a document without it", () => {
    expect(problemsOf(aDocument({ version: "" }))).toEqual(["!version-unsupported version"]);
  });
});

describe("events", () => {
  it("reports an event once, wherever it is used", () => {
    const states =
      "states: {INIT: {on: {go_on: [{action: advance, state: DONE}]}}, DONE: {terminal: true, tasks: [run]}}";

    expect(problemsOf(aDocument({ events: "events: [go_on]", states }))).toEqual(["!event-name-pattern events.0"]);
  });

  it("does not report an invalid name as unused too", () => {
    expect(problemsOf(aDocument({ events: "events: [GO, go_on]" }))).toEqual(["!event-name-pattern events.1"]);
  });

  it.each(["events: {GO: {}}", "events: GO", "events: 1"])(
    "reports nothing about handlers without a list: %s",
    (events) => {
      expect(problemsOf(aDocument({ events }))).toEqual(["!events-not-list events"]);
    },
  );

  it("may be empty", () => {
    const states = "states: {INIT: {terminal: true, tasks: [run]}}";

    expect(problemsOf(aDocument({ events: "events: []", states }))).toEqual([]);
  });

  it("reports each invalid item", () => {
    const events = 'events: [GO, 1, null, [A], {B: 1}, "", a b, GO, NEXT, NEXT, TASK_ERROR]';
    const states = "states: {INIT: {on: {GO: [{action: advance, state: DONE}]}}, DONE: {terminal: true, tasks: [run]}}";

    const told = problemsOf(aDocument({ events, states })).filter((text) => text.startsWith("!"));

    expect(told).toEqual([
      "!event-not-string events.1",
      "!event-not-string events.2",
      "!event-not-string events.3",
      "!event-not-string events.4",
      "!event-name-pattern events.5",
      "!event-name-pattern events.6",
      "!event-duplicate events.7",
      "!event-reserved events.8",
      "!event-reserved events.9",
      "!event-name-pattern events.10",
    ]);
  });

  it("proposes the name that was meant", () => {
    const states = "states: {INIT: {on: {OG: [{action: advance, state: DONE}]}}, DONE: {terminal: true, tasks: [run]}}";

    expect(parse(aDocument({ states })).problems).toMatchObject([
      { code: "on-event-undeclared", message: 'The event "OG" is not declared in events. Did you mean "GO"?' },
    ]);
  });
});

describe("NEXT", () => {
  it.each(["next", "NETX"])("is proposed for %s", (name) => {
    const source = aDocument({ states: `states: {INIT: {terminal: true, tasks: [run], on: {GO: [], ${name}: []}}}` });

    expect(messages(source)).toEqual([`The event "${name}" is not declared in events. Did you mean "NEXT"?`]);
  });
});

describe("states", () => {
  const withStates = (states: string) => aDocument({ states: `states:\n${states}` });

  it.each(["null", "[]", "text"])("must be a map, not %s", (value) => {
    expect(problemsOf(aDocument({ states: `states: ${value}` }))).toEqual(["!states-required states"]);
  });

  it("need INIT in capitals, and the message says so", () => {
    const source = withStates("  Init: {terminal: true, tasks: [run], on: {GO: []}}");

    expect(problemsOf(source)).toEqual(["!init-required states", "!state-name-pattern states.Init"]);
    expect(messages(source)[0]).toContain("INIT");
    expect(messages(source)[0]).toContain('"Init"');
  });

  it("may have a number as name, which is quoted where it is named", () => {
    const named = (name: string) =>
      withStates(`  INIT: {on: {GO: [{action: advance, state: ${name}}]}}\n  123: {terminal: true, tasks: [run]}`);

    expect(problemsOf(named('"123"'))).toEqual([]);
    expect(problemsOf(named("123"))).toEqual(["!advance-state-undefined states.INIT.on.GO.0.state"]);
    expect(messages(named("123"))[0]).toContain('Write it in quotes: "123".');
  });

  it("lack INIT once, also where others lead to it", () => {
    const source = withStates("  DONE: {terminal: true, tasks: [run], on: {GO: [{action: advance, state: INIT}]}}");

    expect(problemsOf(source)).toEqual(["!init-required states"]);
  });

  it("with a bad name can still be entered", () => {
    const source = withStates(
      "  INIT: {on: {GO: [{action: advance, state: up}]}}\n  up: {terminal: true, tasks: [run]}",
    );

    expect(problemsOf(source)).toEqual(["!state-name-pattern states.up"]);
  });

  it("that are misspelt are not unreachable too, nor are tasks unused", () => {
    const source = withStates(
      "  INIT: {on: {GO: [{action: advance, state: DON}]}}\n  DONE: {terminal: true, tasks: [rnu]}",
    );

    expect(problemsOf(source)).toEqual([
      "!advance-state-undefined states.INIT.on.GO.0.state",
      "!state-task-undefined states.DONE.tasks.0",
    ]);
  });

  it.each(["yes", "1", "null", '"TRUE"', "[]"])("cannot have %s as terminal", (value) => {
    const source = withStates(`  INIT: {terminal: ${value}, tasks: [run], on: {GO: []}}`);

    expect(problemsOf(source)).toEqual(["!terminal-not-boolean states.INIT.terminal"]);
  });

  it.each(["null", "run", "{run: 1}"])("cannot have %s as tasks, and no task is called unused then", (value) => {
    const source = withStates(`  INIT: {terminal: true, tasks: ${value}, on: {GO: []}}`);

    expect(problemsOf(source)).toEqual(["!state-tasks-not-list states.INIT.tasks"]);
  });

  it.each(["null", "[GO]", "GO"])("cannot have %s as on, and no event is called unused then", (value) => {
    const source = withStates(`  INIT: {terminal: true, tasks: [run], on: ${value}}`);

    expect(problemsOf(source)).toEqual(["!on-not-map states.INIT.on"]);
  });

  it("have closed keys, also for extensions", () => {
    const source = withStates(
      "  INIT: {terminal: true, tasks: [run], on: {GO: []}, x-note: 1, __proto__: 1, constructor: 2}",
    );

    expect(problemsOf(source)).toEqual([
      "!state-unknown-key states.INIT.x-note",
      "!state-unknown-key states.INIT.__proto__",
      "!state-unknown-key states.INIT.constructor",
    ]);
  });

  it("find no built-in under a name of one", () => {
    const source = withStates(
      "  INIT: {terminal: true, tasks: [run, toString], on: {GO: [{action: advance, state: constructor}], valueOf: []}}",
    );

    expect(problemsOf(source)).toEqual([
      "!state-task-undefined states.INIT.tasks.1",
      "!advance-state-undefined states.INIT.on.GO.0.state",
      "!on-event-undeclared states.INIT.on.valueOf",
    ]);
  });

  it("warn of INIT without NEXT never: its tasks are not created with the stack", () => {
    const source = withStates(
      "  INIT: {tasks: [run], on: {GO: [{action: advance, state: END}]}}\n  END: {terminal: true}",
    );

    expect(problemsOf(source)).toEqual([]);
  });
});

describe("actions", () => {
  const withActions = (actions: string) =>
    aDocument({ states: `states: {INIT: {on: {GO: ${actions}}}, DONE: {terminal: true, tasks: [run]}}` });
  const last = "{action: advance, state: DONE}";

  it.each([
    ["null", ["!handler-not-list states.INIT.on.GO", "unreachable-state states.DONE"]],
    ["DONE", ["!handler-not-list states.INIT.on.GO", "unreachable-state states.DONE"]],
    [`[[], null, ${last}]`, ["!action-not-map states.INIT.on.GO.0", "!action-not-map states.INIT.on.GO.1"]],
    [
      `[{action: null}, {action: [advance]}, {action: Advance, state: DONE}, ${last}]`,
      [
        "!action-unknown states.INIT.on.GO.0.action",
        "!action-unknown states.INIT.on.GO.1.action",
        "!action-unknown states.INIT.on.GO.2.action",
      ],
    ],
    [
      `[{action: no-op, state: DONE, x: 1}, ${last}]`,
      ["!action-unknown-key states.INIT.on.GO.0.state", "!action-unknown-key states.INIT.on.GO.0.x"],
    ],
    [
      `[{action: advance, state: null}, {action: advance}, ${last}]`,
      ["!advance-state-required states.INIT.on.GO.0.state", "!advance-state-required states.INIT.on.GO.1.state"],
    ],
    [
      `[{action: advance, state: [DONE]}, {action: advance, state: ""}, ${last}]`,
      ["!advance-state-undefined states.INIT.on.GO.0.state", "!advance-state-undefined states.INIT.on.GO.1.state"],
    ],
    [
      `[{}, {state: INIT}, {to: 1}, ${last}]`,
      [
        "action-missing states.INIT.on.GO.0.action",
        "action-missing states.INIT.on.GO.1.action",
        "action-missing states.INIT.on.GO.2.action",
        "!action-unknown-key states.INIT.on.GO.2.to",
      ],
    ],
    [
      `[{state: 5}, {state: NOWHERE}, {state: null}, ${last}]`,
      [
        "action-missing states.INIT.on.GO.0.action",
        "!advance-state-undefined states.INIT.on.GO.0.state",
        "action-missing states.INIT.on.GO.1.action",
        "!advance-state-undefined states.INIT.on.GO.1.state",
        "action-missing states.INIT.on.GO.2.action",
        "!advance-state-undefined states.INIT.on.GO.2.state",
      ],
    ],
  ])("%s", (actions, expected) => {
    expect(problemsOf(withActions(actions))).toEqual(expected);
  });

  it("report a fault in a shared part once", () => {
    const source = aDocument({
      more: "x-all: &all {GO: [{action: advance, state: NOWHERE}]}",
    }).replace("states:", "x-first: &first {on: {GO: [{action: jump}, {action: advance, state: DONE}]}}\nstates:");
    const shared = source.replace(
      "DONE: {terminal: true, tasks: [run]}",
      "A: *first, B: *first, DONE: {terminal: true, tasks: [run]}",
    );

    expect(problemsOf(shared)).toEqual([
      "!action-unknown states.A.on.GO.0.action",
      "unreachable-state states.A",
      "unreachable-state states.B",
    ]);
  });
});

describe("tasks", () => {
  it.each(["1", "[]", "run"])("must be a map, not %s, and no state's task is called unknown then", (value) => {
    expect(problemsOf(aDocument({ tasks: `tasks: ${value}` }))).toEqual(["!tasks-not-map tasks"]);
  });

  it("may leave the config out where the executor needs none, with a warning", () => {
    const missingConfigOf = (config: TSchema) =>
      messages(aTask("{executor: nap}"), anExecutor({ name: "nap", config }))[0];

    expect(missingConfigOf(Type.Object({ seconds: Type.Optional(Type.Number()) }))).toBe(
      'The task has no config; "nap" uses its defaults. Write {} to confirm this.',
    );
    expect(missingConfigOf(Type.Object({ seconds: Type.Number() }))).toBe(
      "The task has no config; it will fail when it runs.",
    );
  });

  it.each([
    ["null", ["!task-not-map tasks.run"]],
    ["{}", ["executor-missing tasks.run.executor", "config-missing tasks.run.config"]],
    ["{executor: terraform}", ["config-missing tasks.run.config"]],
    ["{executor: null, config: {}}", ["!executor-unknown tasks.run.executor"]],
    ["{executor: lambda, config: null}", ["!config-not-map tasks.run.config"]],
    ["{config: {name: f}}", ["executor-missing tasks.run.executor"]],
    ["{config: {action: apply, source: {location: ./a, type: local}}}", ["executor-missing tasks.run.executor"]],
  ])("%s", (task, expected) => {
    expect(problemsOf(aTask(task))).toEqual(expected);
  });

  it("names the registered executors for one that is not", () => {
    const message = messages(aTask("{executor: ecs, config: {}}"), anExecutor())[0];

    expect(message).toBe('Unknown executor "ecs". Registered: "sleeper".');
  });

  it("accepts any executor, and checks no config, where no executors are given", () => {
    expect(problemsOf(aTask("{executor: ecs, config: {a: 1}}"))).toEqual([]);
    expect(problemsOf(aTask('{executor: "", config: {a: 1}}'))).toEqual(["!executor-unknown tasks.run.executor"]);
    expect(messages(aTask("{executor: 5, config: {}}"))[0]).toBe("executor must be a name, but it is the number 5.");
  });

  it("keeps a revision in use whose executor is not registered", () => {
    const source = aTask("{executor: ecs, config: {a: 1}}");

    expect(problemsOf(source, { executors: new Map() })).toEqual(["!executor-unknown tasks.run.executor"]);
    expect(problemsOf(source, { executors: new Map(), kept: true })).toEqual([]);
  });

  it("lets an executor check its config in its own words, each fault at its place", () => {
    const checkConfig: ExecutorDefinition["checkConfig"] = (config, report) => {
      report.unknownKeys([], { known: ["size", "deep"], code: "nap-key", owner: "a nap" });
      report.error("nap-size", ["size"], `${report.describe(["size"])} ${config["size"]} ${report.version}`);
      report.warn("nap-missing", ["deep", "inner"], `${report.quote("x")}${report.suggest("dep", ["deep", "size"])}`);
      if (report.hasExpression(["deep", "text"]))
        report.warn("nap-text", ["deep", "text"], report.suggest(undefined, ["a", "b"]));
    };
    const source = aTask(`{executor: nap, config: {size: 5, deep: {text: "\${x}"}, siez: 1}}`);
    const options = anExecutor({ name: "nap", config: Type.Never(), checkConfig });

    expect(problemsOf(source, options)).toEqual([
      "!nap-size tasks.run.config.size",
      "nap-missing tasks.run.config.deep.inner",
      "nap-text tasks.run.config.deep.text",
      "!nap-key tasks.run.config.siez",
    ]);
    expect(messages(source, options)).toEqual([
      "the number 5 5 1",
      '"x" Did you mean "deep"?',
      " Known: a, b.",
      'Unknown key "siez" in a nap. Did you mean "size"?',
    ]);
  });

  it("checks a config without executor by the executor that finds least", () => {
    const wants = (name: string, key: string): readonly [string, ExecutorDefinition] => [
      name,
      {
        name,
        config: Type.Never(),
        resumable: true,
        checkConfig: (config, report) => {
          if (!(key in config)) report.error(`${name}-${key}`, [key], "is missing");
          report.unknownKeys([], { known: [key, "more"], code: `${name}-key`, owner: name });
        },
      },
    ];
    const other = { name: "other", config: Type.Never(), resumable: true };
    const executors = new Map([wants("a", "x"), ["other", other] as const, wants("b", "y")]);
    const errorsOf = (config: string) =>
      problemsOf(aTask(`{config: ${config}}`), { executors }).filter((text) => text.startsWith("!"));

    expect(errorsOf("{x: 1}")).toEqual([]);
    expect(errorsOf("{y: 1}")).toEqual([]);
    expect(errorsOf("{y: 1, z: 1}")).toEqual(["!b-key tasks.run.config.z"]);
    expect(errorsOf("{}")).toEqual(["!a-x tasks.run.config.x"]);
  });

  it("lets an executor check the tasks of a machine together", () => {
    const checkTasks: ExecutorDefinition["checkTasks"] = (configs, report) => {
      for (const [task, config] of configs)
        report.warn("nap-shared", { task, path: ["key"] }, report.quote(`${config["key"]}`));
      report.warn("nap-shared", { task: "unknown", path: [] }, "is not reported");
    };
    const tasks =
      "tasks: {a: {executor: nap, config: {key: 1}}, b: {config: {key: 2}}, run: {executor: nap, config: {key: 3}}}";
    const states =
      "states: {INIT: {on: {GO: [{action: advance, state: DONE}]}}, DONE: {terminal: true, tasks: [a, b, run]}}";

    const told = problemsOf(aDocument({ tasks, states }), anExecutor({ name: "nap", checkTasks }));

    expect(told.filter((text) => text.startsWith("nap"))).toEqual([
      "nap-shared tasks.a.config.key",
      "nap-shared tasks.run.config.key",
    ]);
  });

  it("checks the config of a registered executor, each fault at its place", () => {
    const Config = Type.Object(
      { size: Type.Integer({ minimum: 1 }), tags: Type.Array(Type.String()), name: Type.String() },
      { additionalProperties: false },
    );

    const told = problemsOf(
      aTask('{executor: sleeper, config: {size: 0, tags: [a, 1], nmae: x, "a/b": 1}}'),
      anExecutor({ config: Config }),
    );

    expect(told.toSorted()).toEqual([
      "!config-invalid tasks.run.config.a/b",
      "!config-invalid tasks.run.config.name",
      "!config-invalid tasks.run.config.nmae",
      "!config-invalid tasks.run.config.size",
      "!config-invalid tasks.run.config.tags.1",
    ]);
  });

  it("survives an executor whose schema, time limit or check throws", () => {
    const broken = Object.defineProperty({}, "type", {
      get: () => {
        throw new Error("no schema");
      },
    });
    const source = aTask("{executor: sleeper, config: {}}");

    const faults = [
      parse(source, anExecutor({ config: broken })),
      parse(source, anExecutor({ timeout: () => JSON.parse("no limit") })),
      parse(source, anExecutor({ checkConfig: () => JSON.parse("no check") })),
    ].map(({ machine, problems }) => [machine, problems.map(({ code, path }) => `${code} ${path}`)]);

    expect(faults).toEqual([
      [undefined, ["config-invalid tasks.run.config"]],
      [undefined, ["config-invalid tasks.run.config"]],
      [undefined, ["config-invalid tasks.run.config"]],
    ]);
  });

  it.each([
    ["2020-01-01", true],
    ["2020-01-01T10:00:00Z", true],
    ["010", true],
    ["-007", true],
    ["1,000", true],
    ["+1", true],
    ["0o17", true],
    ["tRUE", true],
    ["Null", false],
    [".inf", true],
    ["12345678901234567890", true],
    ["0xFFFFFFFFFFFFFFFF", true],
    ["0o777777777777777777777", true],
    ["1e400", true],
    ["-1e400", true],
    ["1e22", false],
    ["10", false],
    ["1.5e3", false],
    ["0x1F", false],
    ["yes", false],
    ["1_000", false],
    ["2020", false],
    ["true", false],
    ["~", false],
    ['"010"', false],
    ["a, b", false],
  ])("says of %s whether it is ambiguous: %s", (text, ambiguous) => {
    const told = problemsOf(
      aTask(
        `\n    executor: lambda\n    config:\n      name: f\n      args:\n        deep:\n          - value: ${text}\n  `,
      )
        .replace("tasks: {run: ", "tasks:\n  run:")
        .replace("  }", ""),
      anExecutor({ name: "lambda", checkConfig: (_config, report) => report.ambiguousScalars(["args"]) }),
    );

    expect(told).toEqual(ambiguous ? ["scalar-ambiguous tasks.run.config.args.deep.0.value"] : []);
  });
});

describe("limits", () => {
  const manyStates = (count: number) => {
    const names = Array.from({ length: count }, (_, index) => `S${index}: {}`);
    return aDocument({ states: `states: {INIT: {terminal: true, tasks: [run], on: {GO: []}}, ${names.join(", ")}}` });
  };

  it("refuses more than 500 states and accepts 500", () => {
    const errors = [499, 500].map((count) => problemsOf(manyStates(count)).filter((text) => text.startsWith("!")));

    expect(errors).toEqual([[], ["!limit-exceeded states"]]);
  });

  it("refuses more tasks than allowed", () => {
    const tasks = "tasks: {run: {executor: lambda, config: {name: f}}, b: {executor: lambda, config: {name: f}}}";

    expect(problemsOf(aDocument({ tasks }), { limits: { maxTasks: 1 } })).toContain("!limit-exceeded tasks");
  });

  it("refuses more than 256 KiB, counted in bytes", () => {
    const filler = (bytes: number) => `${aDocument()}\n#`.padEnd(bytes, "x");
    const sources = [
      filler(262_144),
      filler(262_145),
      `${filler(262_142)}é`,
      `${filler(262_143)}é`,
      "x".repeat(50_000_000),
    ];

    const told = sources.map((source) => problemsOf(source));

    expect(told).toEqual([[], ["!limit-exceeded "], [], ["!limit-exceeded "], ["!limit-exceeded "]]);
  });

  it("lists a bounded number of problems and says so", () => {
    const { problems, machine } = parse(aDocument({ events: `events: [${"1,".repeat(5000)}]` }));

    expect(machine).toBeUndefined();
    expect(problems).toHaveLength(1001);
    expect(problems.filter(({ code }) => code === "limit-exceeded")).toHaveLength(1);
  });

  it("bounds messages and paths", () => {
    const name = "n".repeat(100_000);

    const { problems } = parse(
      aDocument({ tasks: `tasks: {run: {executor: lambda, config: {name: run}}, ? ${name} : {executor: ${name}}}` }),
    );

    expect(problems.length).toBeGreaterThan(0);
    for (const { path, message } of problems) expect(path.length + message.length).toBeLessThan(600);
  });
});

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
