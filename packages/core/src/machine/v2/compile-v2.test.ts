// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.
import { existsSync, readFileSync } from "node:fs";
import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { acceptingExecutors } from "../../testing/builders.ts";
import type { ExecutorDefinition } from "../executor-definition.ts";
import { SEMANTICS_V2 } from "../machine.ts";
import { type ParseMachineOptions, parseMachine, parseMachineDocument } from "../parse-machine.ts";

const sleeper: ExecutorDefinition = {
  name: "sleeper",
  config: Type.Object(
    { seconds: Type.Number({ minimum: 1 }), note: Type.Optional(Type.String({ maxLength: 5 })) },
    { additionalProperties: false },
  ),
  resumable: true,
  cancelWithin: "30s",
  timeout: ({ seconds }: { seconds: number }) => seconds * 1000,
};

const options: ParseMachineOptions = {
  name: "app",
  executors: new Map([["sleeper", sleeper], ...acceptingExecutors("lambda", "terraform")]),
};

const run = { executor: "lambda", config: { name: "run" } };

const base = {
  version: 2,
  events: ["GO"],
  states: { INIT: { on: { GO: "DONE" } }, DONE: { terminal: true, tasks: ["run"] } },
  tasks: { run },
};

/** A machine without faults, of which a test replaces the parts that it is about. */
const compile = (parts: object = {}) => parseMachineDocument({ ...base, ...parts }, options);

const compileTask = (task: object) => {
  const { machine, problems } = compile({ tasks: { run: { ...run, ...task } } });
  return machine?.tasks.get("run") ?? problems;
};

/** Problems as `code path`, errors with an exclamation mark. */
const problemsOf = (parts: object = {}) =>
  compile(parts).problems.map(({ code, path, severity }) => `${severity === "error" ? "!" : ""}${code} ${path}`);

const scope = {
  stack: { id: "pr-1", machine: "app", state: "INIT", previousState: null, createdAt: 0, enteredAt: 0, visits: {} },
  metadata: { stage: "test" },
  now: 0,
};

describe("allow of an event", () => {
  const allow = (source: unknown) => ({ events: { GO: { allow: source } } });
  const sent = {
    ...scope,
    actor: { id: "u1", kind: "person", groups: ["ops"] },
    event: { name: "GO", metadata: {} },
  };

  it("is an expression about the sender, the stack and its metadata", () => {
    const sources = [
      "'ops' in actor.groups && actor.id == 'u1' && actor.kind != 'token'",
      "stack.state == 'INIT' && metadata.stage == 'test' && event.name == 'GO' && now > stack.createdAt",
      "actor.groups.exists(group, group.startsWith('o'))",
    ];

    const machines = sources.map((source) => compile(allow(source)).machine);

    const values = machines.map((machine) => machine?.allow.get("GO")?.evaluate(sent));
    expect(values).toEqual([
      { kind: "value", value: true },
      { kind: "value", value: false },
      { kind: "value", value: true },
    ]);
    expect(compile().machine?.allow).toEqual(new Map());
  });

  it.each([
    ["actor.group == 'ops'", "expression-unknown-name"],
    ["actor.name == 'ada'", "expression-unknown-name"],
    ["actor['name'] == metadata.owner", "expression-unknown-name"],
    ["event.metadata.image == 'a'", "expression-unknown-name"],
    ["tasks.run.status == 'ERROR'", "expression-variable-unavailable"],
    ["stack.visits.TYPO > 0", "expression-unknown-name"],
    ["metadata.password == 'x'", "sensitive-leak"],
    ["'ops' in actor.groups &&", "expression-syntax"],
  ])("reports what %s gets wrong", (source, code) => {
    const metadata = { password: { type: "string", sensitive: true } };

    expect(problemsOf({ ...allow(source), metadata })).toEqual([`!${code} events.GO.allow`]);
  });

  it("of a task names who may send its result", () => {
    const source = "actor.id == 'u1' && stack.state == 'INIT'";
    const task = compile({ tasks: { run: { ...run, allow: source } } }).machine?.tasks.get("run");

    expect(task?.allow?.evaluate(sent)).toEqual({ kind: "value", value: true });
    expect(compileTask({ allow: "actor.name == 'ada'" })).toMatchObject([{ code: "expression-unknown-name" }]);
    expect(compileTask({ allow: ["ada"] })).toMatchObject([{ code: "allow-not-string" }]);
  });

  it("is the only place that knows the sender", () => {
    const GO = [{ when: "actor.id == 'a'", action: "no-op" }];

    expect(problemsOf({ states: { ...base.states, INIT: { on: { GO } } } })).toContain(
      "!expression-variable-unavailable states.INIT.on.GO.0.when",
    );
    expect(compileTask({ when: "actor.id == 'a'" })).toMatchObject([{ code: "expression-variable-unavailable" }]);
  });
});

describe("a compiled v2 machine", () => {
  it("has every part that its document has", () => {
    const folder = new URL("../../../fixtures/machines/valid-v2/", import.meta.url);

    const { machine } = parseMachine(readFileSync(new URL("every-key.yaml", folder), "utf8"), options);

    expect(machine).toMatchObject({ version: 2, revision: "follow", requiredMetadata: new Map([["GO", ["image"]]]) });
    expect(machine?.metadata.additional).toBe(false);
    expect(machine?.metadata.keys.get("image")).toMatchObject({ required: true, immutable: true, sensitive: false });
    expect(machine?.metadata.keys.get("size")).toMatchObject({ minimum: 1, maximum: 3, default: 2 });
    expect(machine?.metadata.keys.get("stage")).toMatchObject({ enum: ["test", "live", 3, true] });
    expect(machine?.metadata.keys.get("note")).toMatchObject({ default: null });
    expect(machine?.metadata.keys.get("url")).toMatchObject({ readOnly: true });
    expect(machine?.states.get("WORK")).toMatchObject({
      timeoutMs: 5_400_000,
      leaving: "cancel",
      protected: true,
      after: [
        { kind: "in", inMs: 600_000, event: "TICK" },
        { kind: "in", inMs: 86_400_000, event: "TICK" },
        { kind: "at", at: { source: "${metadata.until}" }, event: "TICK" },
        { kind: "at", at: { source: "2030-01-31T09:00:00Z" }, event: "TICK" },
        { kind: "cron", repeats: { cron: "0 3 * * MON-FRI", zone: "Europe/Berlin" }, event: "TICK" },
        { kind: "cron", repeats: { cron: "*/5 * * * *", zone: "UTC" }, event: "TICK" },
      ],
    });
    expect(machine?.states.get("WORK")?.on.get("TICK")).toEqual([{ advance: [], set: new Map() }]);
    expect(machine?.tasks.get("two")?.retry).toEqual({
      attempts: 4,
      fromMs: 500,
      toMs: 30_000,
      factor: 1.5,
      only: new Set(["TASK_TIMEOUT", "LAMBDA_FUNCTION_ERROR"]),
    });
    expect(machine?.tasks.get("two")?.outputs).toEqual(new Map(Object.entries({ url: "address", token: "secret" })));
  });

  it("needs neither events nor tasks", () => {
    const { machine, problems } = parseMachineDocument({ version: 2, states: { INIT: { terminal: true } } }, options);

    expect(problems).toEqual([]);
    expect(machine).toMatchObject({ events: new Set(), tasks: new Map(), revision: "pin" });
  });

  it("resolves targets by metadata", () => {
    const { machine } = compile({ targets: { here: { account: "111122223333", region: "eu-${metadata.stage}" } } });

    expect(machine?.targets.get("here")?.resolve(scope, () => undefined)).toEqual({
      kind: "value",
      value: { account: "111122223333", region: "eu-test" },
    });
  });

  it("sets metadata by templates, and constants as they are", () => {
    const set = { n: 3, none: null, text: "$${x}", own: "${stack.id}" };
    const { machine } = compile({
      states: { ...base.states, INIT: { on: { GO: [{ action: "advance", state: "DONE", set }] } } },
    });

    const [reaction] = machine?.states.get("INIT")?.on.get("GO") ?? [];
    const values = [...(reaction?.set ?? [])].map(([key, template]) => [key, template.resolve(scope, () => undefined)]);
    expect(Object.fromEntries(values)).toEqual({
      n: { kind: "value", value: 3 },
      none: { kind: "value", value: null },
      text: { kind: "value", value: "${x}" },
      own: { kind: "value", value: "pr-1" },
    });
  });
});

describe("the config of a v2 task", () => {
  it("is checked when the machine is loaded, and travels with its dollars unescaped", () => {
    const task = compileTask({ config: { name: "run", args: { text: "$${HOME}", list: ["$$${x}"] } } });

    const config = { name: "run", args: { text: "${HOME}", list: ["$${x}"] } };
    expect(task).toMatchObject({ definition: { executor: "lambda", config } });
    expect(task).not.toHaveProperty("dynamicConfig");
  });

  it("is empty where it is left out", () => {
    expect(problemsOf({ tasks: { run: { executor: "sleeper" } } })).toEqual([
      "!config-invalid tasks.run.config.seconds",
    ]);
  });

  it("is checked as far as possible when it contains expressions", () => {
    const config = { secondz: 1, note: "${stack.id} is too long" };

    expect(problemsOf({ tasks: { run: { executor: "sleeper", config } } })).toEqual([
      "!config-invalid tasks.run.config.seconds",
      "!config-invalid tasks.run.config.secondz",
    ]);
  });

  it.each([{ key: 1 }, { key: "${metadata.n}" }])("reports a schema that cannot be used, as %j", (config) => {
    const broken = { ...sleeper, config: { type: "object", patternProperties: { "[\\w-.]": { type: "number" } } } };
    const executors = new Map<string, ExecutorDefinition>([["sleeper", broken]]);
    const tasks = { run: { executor: "sleeper", config } };

    const { problems } = parseMachineDocument({ ...base, tasks }, { ...options, executors });

    expect(problems).toMatchObject([{ code: "config-invalid", path: "tasks.run.config" }]);
    expect(problems[0]?.message).toContain('The schema of the executor "sleeper" cannot be used: Invalid regular');
  });

  it("is checked as a whole once it is resolved", () => {
    const { machine } = compile({ tasks: { run: { executor: "sleeper", config: { seconds: "${metadata.n}" } } } });
    const dynamic = machine?.tasks.get("run")?.dynamicConfig;

    const faults = [{ seconds: 3 }, { seconds: "3" }, { seconds: 0 }, { seconds: 1, note: "longer" }, {}, 3].map(
      (config) => dynamic?.findFault(config),
    );

    expect(faults).toEqual([
      undefined,
      "The config of sleeper: seconds must be a number.",
      "The config of sleeper: seconds must be >= 1.",
      "The config of sleeper: note must not have more than 5 characters.",
      "The config of sleeper: seconds is missing.",
      "The config of sleeper must be a map.",
    ]);
  });

  it("may hold references of secrets where scalars are wanted", () => {
    const { machine } = compile({ tasks: { run: { executor: "sleeper", config: { seconds: "${metadata.n}" } } } });
    const dynamic = machine?.tasks.get("run")?.dynamicConfig;

    expect(dynamic?.findFault({ seconds: { $secret: "n#1" }, note: { $concat: ["a", { $secret: "n#1" }] } })).toBe(
      undefined,
    );
    expect(dynamic?.findFault({ seconds: { $secret: "n#1" }, more: 1 })).toMatch(/more is not a known key\.$/);
    // Like a runner, which ignores the other keys of a reference.
    expect(dynamic?.findFault({ seconds: { $secret: "n#1", more: 1 } })).toBe(undefined);
  });

  it("may not contain a map that replaces a secret in messages", () => {
    expect(
      problemsOf({ tasks: { run: { ...run, config: { name: "run", args: { a: { $secret: "k#1" } } } } } }),
    ).toEqual(["!sensitive-leak tasks.run.config.args.a.$secret"]);
  });

  it("only warns of an executor whose definition is elsewhere", () => {
    const tasks = { run: { executor: "away", config: { any: "${stack.id}" } } };

    const { machine, problems } = parseMachineDocument(
      { ...base, tasks },
      { ...options, uncheckedExecutors: ["away"] },
    );

    expect(problems.map(({ code }) => code)).toEqual(["executor-unchecked"]);
    expect(machine?.tasks.get("run")?.dynamicConfig?.findFault({})).toBe(undefined);
  });
});

describe("the time limit of a v2 task", () => {
  const limitsOf = (task: object) => {
    const compiled = compileTask(task);
    return "timeoutMs" in compiled ? [compiled.timeoutMs, compiled.cancelWithinMs] : compiled;
  };

  it.each([
    [{}, [3_600_000, 300_000]],
    [{ timeout: "10m" }, [600_000, 300_000]],
    [{ executor: "sleeper", config: { seconds: 5 } }, [5_000, 30_000]],
    [{ executor: "sleeper", config: { seconds: 5 }, timeout: "1s" }, [1_000, 30_000]],
    [{ executor: "sleeper", config: { seconds: "${metadata.n}" } }, [3_600_000, 30_000]],
  ])("of %j is %j", (task, limits) => {
    expect(limitsOf(task)).toEqual(limits);
  });

  it("is the executor's for a resolved config, unless the task has its own", () => {
    const config = { seconds: "${metadata.n}" };

    const tasks = [{}, { timeout: "1s" }].map((more) => compileTask({ executor: "sleeper", config, ...more }));

    const limits = tasks.map((task) => {
      return "dynamicConfig" in task ? task.dynamicConfig?.findTimeoutMs({ seconds: 7 }) : task;
    });
    expect(limits).toEqual([7_000, undefined]);
  });

  it("is undefined where the executor throws", () => {
    const refusing: ExecutorDefinition = { ...sleeper, timeout: () => JSON.parse("oops") };
    const tasks = { run: { executor: "sleeper", config: { seconds: "${metadata.n}" } } };

    const { machine } = parseMachineDocument(
      { ...base, tasks },
      { ...options, executors: new Map([["sleeper", refusing]]) },
    );

    expect(machine?.tasks.get("run")?.dynamicConfig?.findTimeoutMs({ seconds: 1 })).toBe(undefined);
  });
});

describe("what expressions may name", () => {
  const states = {
    INIT: { on: { GO: "WORK" } },
    WORK: { tasks: ["a", "b", "c"], on: { NEXT: "DONE" } },
    DONE: { terminal: true },
  };
  const task = (more: object) => ({ executor: "lambda", config: { name: "f" }, ...more });
  const config = (id: string) => ({ config: { name: "f", args: { id } } });

  it("is what a task needs, also through others", () => {
    const c = { ...config("${tasks.a.outputs.id}-${tasks.b.status}"), exclusive: "tasks.a.outputs.id", needs: ["b"] };

    expect(problemsOf({ states, tasks: { a: task({}), b: task({ needs: ["a"] }), c: task(c) } })).toEqual([]);
  });

  it("excludes tasks that run at the same time, and all tasks before they start", () => {
    const c = { ...config("${tasks.a.outputs.id}"), when: "tasks.b.status == 'SATISFIED'", needs: ["b"] };

    expect(problemsOf({ states, tasks: { a: task({}), b: task({}), c: task(c) } })).toEqual([
      "!expression-task-not-available tasks.c.config.args.id",
      "!expression-variable-unavailable tasks.c.when",
    ]);
  });

  it("is a task of the state in reactions, and a state of the machine in visits", () => {
    const on = { GO: [{ when: "tasks.run.status == 'ERROR' || stack.visits.DOEN > 1", action: "no-op" }] };
    const here = { INIT: { on: { GO: "DONE" } }, DONE: { terminal: true, tasks: ["run"], on } };

    expect(problemsOf({ states: here })).toEqual(["!expression-unknown-name states.DONE.on.GO.0.when"]);
    expect(
      problemsOf({ states: { ...here, INIT: { on: { GO: [...on.GO, { action: "advance", state: "DONE" }] } } } }),
    ).toContain("!expression-task-not-available states.INIT.on.GO.0.when");
  });

  it("may be sensitive only where it stays hidden", () => {
    const metadata = { key: { sensitive: true }, copy: { sensitive: true }, open: {} };
    const set = { copy: "${metadata.key + '!'}", open: "${event.metadata.key}" };
    const on = { GO: [{ action: "advance", state: "DONE", set }] };

    expect(problemsOf({ metadata, states: { ...base.states, INIT: { on } } })).toEqual([
      "!sensitive-leak states.INIT.on.GO.0.set.open",
    ]);
  });
});

describe("states that lead to each other by results", () => {
  const loop = (more: object) => ({
    events: ["GO", "END"],
    states: {
      INIT: { on: { GO: "A", END: "DONE" } },
      A: { tasks: ["run"], on: { NEXT: "B" } },
      B: { tasks: ["run"], on: { NEXT: "A", FAILED: "A" } },
      DONE: { terminal: true },
      ...more,
    },
  });

  it("are warned of when nothing leads out of them, once", () => {
    expect(problemsOf(loop({}))).toEqual(["endless-loop states.A"]);
  });

  it.each([
    ["an event", { B: { tasks: ["run"], on: { NEXT: "A", END: "DONE" } } }],
    ["a failure", { B: { tasks: ["run"], on: { NEXT: "A", FAILED: "DONE" } } }],
    [
      "a condition",
      { B: { tasks: ["run"], on: { NEXT: [{ when: "stack.visits.B < 3", action: "advance", state: "A" }] } } },
    ],
    ["a state that waits", { B: { on: { GO: "A" } } }],
  ])("are fine with %s that ends or stops them", (_what, more) => {
    expect(problemsOf(loop(more))).toEqual([]);
  });
});

describe("needs", () => {
  const states = (...tasks: string[]) => ({ INIT: { on: { GO: "DONE" } }, DONE: { terminal: true, tasks } });
  const needing = (needs: Record<string, string[]>) =>
    Object.fromEntries(Object.entries(needs).map(([name, names]) => [name, { ...run, needs: names }]));

  it("are named in the order in which they wait for each other", () => {
    const { problems } = compile({
      states: states("a", "b", "c", "d"),
      tasks: needing({ a: ["b"], b: ["c", "d"], c: ["a"], d: ["d"] }),
    });

    expect(problems.map(({ message, path }) => [path, message])).toEqual([
      ["tasks.c.needs.0", 'These tasks wait for each other: "a" → "b" → "c" → "a".'],
      ["tasks.d.needs.0", 'These tasks wait for each other: "d" → "d".'],
    ]);
  });

  it("go unchecked where the states cannot be read", () => {
    expect(problemsOf({ states: 1, tasks: needing({ a: [], b: ["a"] }) })).toEqual(["!states-required states"]);
  });
});

describe("the limits of a v2 machine", () => {
  it("are counted over all reactions", () => {
    const entries = Array.from({ length: 1_000 }, () => ({ when: "now == now", action: "no-op" }));
    const states = { INIT: { on: { GO: entries, TIMEOUT: entries } }, DONE: {} };

    const [within, beyond] = [states, { ...states, DONE: { on: { GO: "DONE" } } }].map((given) =>
      problemsOf({ states: given }),
    );

    expect(within).not.toContain("!limit-exceeded states");
    expect(beyond).toContain("!limit-exceeded states");
  });

  it("are as many for all entries of after", () => {
    const after = Array.from({ length: 2_001 }, () => ({ in: "1h", event: "GO" }));

    const [within, beyond] = [after.slice(1), after].map((given) =>
      problemsOf({ states: { ...base.states, INIT: { on: { GO: "DONE" }, after: given } } }),
    );

    expect(within).toEqual([]);
    expect(beyond).toEqual(["!limit-exceeded states"]);
  });

  it("let a task need as many others as a state may have", () => {
    const names = Array.from({ length: 101 }, (_, index) => `t${index}`);
    const others = Object.fromEntries(names.map((name) => [name, run]));
    const states = { ...base.states, DONE: { terminal: true, tasks: ["run", ...names.slice(0, 99)] } };

    const [within, beyond] = [names.slice(0, 99), names].map((needs) =>
      problemsOf({ states, tasks: { ...others, run: { ...run, needs } } }).filter((problem) => problem.startsWith("!")),
    );

    expect(within).toEqual([]);
    expect(beyond).toContain("!limit-exceeded tasks.run.needs");
  });

  it("hold for states and tasks as in version 1", () => {
    const many = (value: unknown, prefix: string) =>
      Object.fromEntries(Array.from({ length: 501 }, (_, index) => [`${prefix}${index}`, value]));

    expect(problemsOf({ states: { ...base.states, ...many({}, "S") } })).toContain("!limit-exceeded states");
    expect(problemsOf({ tasks: { ...base.tasks, ...many(run, "t") } })).toContain("!limit-exceeded tasks");
  });

  it("refuse a document of more than 256 KiB, and a deep one", () => {
    const deep = `version: 2\nx-a: ${"[".repeat(70)}${"]".repeat(70)}`;
    const huge = `version: 2\nx-a: ${"a".repeat(262_144)}`;

    expect([deep, huge].map((source) => parseMachine(source, options).problems.map(({ code }) => code))).toEqual([
      ["limit-exceeded"],
      ["limit-exceeded"],
    ]);
  });
});

// Each of these took minutes before it was bounded; a test ends after seconds.
describe("a hostile v2 document", () => {
  const codesOf = (source: string) => new Set(parseMachine(source, options).problems.map(({ code }) => code));

  it("is refused when its aliases write an expression out many times", () => {
    const expression = `${"metadata.a == 1 && ".repeat(200)}true`;
    const config = `{ name: f, args: { l: [${"*e, ".repeat(1_900)}1] } }`;
    const tasks = `tasks: { run: { executor: lambda, config: ${config} }, more: { executor: lambda, config: { name: *e } } }`;

    const { problems } = parseMachine(
      `version: 2\nx-e: &e "\${${expression}}"\nstates: { INIT: { terminal: true, tasks: [run, more] } }\n${tasks}`,
      options,
    );

    expect(problems.map(({ code, path }) => `${code} ${path}`)).toEqual(["limit-exceeded tasks.run.config"]);
  });

  it("gets a suggestion for only some of thousands of unknown names", () => {
    const list = (count: number, toItem: (index: number) => string) =>
      Array.from({ length: count }, (_, i) => toItem(i)).join(", ");
    const keys = `metadata: { ${list(5_000, (i) => `key${i}: {}`)} }`;
    const set = `{ action: no-op, set: { ${list(4_000, (i) => `kay${i}: "\${metadata.kay${i}}"`)} } }`;
    const needs = list(
      500,
      (i) => `t${i}: { executor: lambda, config: { name: f }, needs: [${list(40, (j) => `x${i * j}`)}] }`,
    );

    const undeclared = `version: 2\nadditionalMetadata: false\n${keys}\nstates: { INIT: { terminal: true, on: { TIMEOUT: [${set}] } } }`;
    const needing = `version: 2\nstates: { INIT: { terminal: true } }\ntasks: { ${needs} }`;

    expect(codesOf(undeclared)).toEqual(new Set(["metadata-undeclared", "limit-exceeded"]));
    expect(codesOf(needing)).toEqual(new Set(["needs-undefined", "unused-task", "limit-exceeded"]));
  });

  it("gets short messages about cycles when each of 500 tasks needs all of them by an alias", () => {
    const names = Array.from({ length: 500 }, (_, index) => `t${index}`);
    const tasks = names.map((name) => `${name}: { executor: lambda, config: { name: f }, needs: *all }`).join(", ");
    const source = `version: 2
x-all: &all [${names.join(", ")}]
states: { INIT: { on: { TIMEOUT: RUN }, timeout: 1h }, RUN: { tasks: [${names.slice(0, 100).join(", ")}] } }
tasks: { ${tasks} }`;

    const { problems } = parseMachine(source, options);

    expect(problems.map(({ code }) => code)).toContain("needs-cycle");
    expect(Math.max(...problems.map(({ message }) => message.length))).toBeLessThan(300);
  });
});

describe("documents of another version", () => {
  const messages = (document: object) => parseMachineDocument(document, options).problems.map(({ message }) => message);

  it.each([
    { targets: {} },
    { events: { GO: {} } },
    { states: { INIT: { timeout: "5m" } } },
    { states: { INIT: { on: { GO: "INIT" } } } },
    { states: { INIT: { on: { FAILED: [] } } } },
    { states: { INIT: { on: { GO: [{ when: "true", action: "no-op" }] } } } },
    { tasks: { run: { ...run, retry: { attempts: 2 } } } },
  ])("get advice on how to write %j", (parts) => {
    const v1 = { version: 1, events: ["GO"], states: { INIT: {} }, tasks: {}, ...parts };

    expect(messages(v1).filter((message) => message.includes("stackyard machines upgrade FILE"))).toHaveLength(1);
  });

  it("are judged by what they look like", () => {
    const events = { GO: {} };

    const codes = [3, undefined, "v2"].map((version) => problemsOf({ version, events }));

    expect(codes).toEqual(codes.map(() => ["!version-unsupported version"]));
    expect(messages({ ...base, version: 3 })[0]).toContain('write "version: 1" or "version: 2"');
  });
});

const folder = new URL("../../../fixtures/machines/", import.meta.url);

// All codes that only version 2 has, or for which it has rules of its own.
const ERRORS = `duplicate-mapping-key limit-exceeded revision-unknown description-not-string event-not-map
  event-unknown-key event-metadata-not-list metadata-not-map metadata-unknown-key metadata-type-unknown flag-not-boolean
  pattern-invalid pattern-not-linear constraint-not-applicable range-empty enum-invalid default-invalid metadata-undeclared target-not-map
  target-unknown-key target-value-not-string target-account-invalid target-undefined state-task-duplicate leaving-unknown
  protected-not-boolean duration-invalid after-not-list after-not-map after-unknown-key after-in-required
  after-kind after-at after-cron after-zone raise-event-undeclared raise-event-not-handled
  raise-event-needs-metadata
  after-event-required after-event-undeclared after-event-not-handled after-event-needs-metadata handler-empty
  action-required when-not-string set-invalid set-not-map set-value-not-scalar sensitive-leak executor-required needs-not-list
  needs-undefined needs-duplicate needs-not-in-state needs-cycle retry-not-map retry-unknown-key retry-attempts-invalid
  retry-only-invalid backoff-not-map backoff-unknown-key backoff-factor-invalid outputs-not-map output-name-not-string
  exclusive-not-string expression-syntax expression-unterminated expression-unknown-name
  expression-variable-unavailable expression-task-not-available approval-from-required approval-from-invalid
  approval-count-invalid approval-comment-unknown approval-of-invalid approved-not-list approved-undefined
  approved-invalid allow-not-string`.split(/\s+/);

const WARNINGS = [
  "reaction-unreachable",
  "protected-left-automatically",
  "approval-key-unused",
  "approval-from-duplicate",
  "approved-unnamed",
  "approved-uncovered",
  "endless-loop",
];

describe("the fixtures of version 2", () => {
  it("show every code of an error", () => {
    expect(ERRORS.filter((code) => !existsSync(new URL(`invalid-v2/${code}.yaml`, folder)))).toEqual([]);
  });

  it("show every code of a warning", () => {
    expect(WARNINGS.filter((code) => !existsSync(new URL(`valid-v2/warns-${code}.yaml`, folder)))).toEqual([]);
  });
});

const source = readFileSync(new URL("../../../fixtures/machines/valid-v2/review-app.yaml", import.meta.url), "utf8");

const ecs: ExecutorDefinition = {
  name: "ecs",
  config: Type.Object({ cluster: Type.String(), taskDefinition: Type.String() }, { additionalProperties: false }),
  resumable: true,
};

const none = new Map();

const when = (text: string) => ({ source: text, evaluate: expect.any(Function) });
const template = (value: unknown) => ({ source: value, resolve: expect.any(Function) });
const dynamic = (config: unknown) => ({
  template: template(config),
  findFault: expect.any(Function),
  findTimeoutMs: expect.any(Function),
});

const to = (state: string) => [{ advance: [state], set: none }];

const state = (name: string, parts: object) => [
  name,
  { name, terminal: false, tasks: [], approved: [], protected: false, leaving: "wait", after: [], on: none, ...parts },
];

const rule = (parts: object) => ({ type: "string", required: false, sensitive: false, immutable: false, ...parts });

const once = { attempts: 1, fromMs: 1_000, toMs: 60_000, factor: 2 };

const task = (name: string, executor: string, { config, ...parts }: { config: object; [part: string]: unknown }) => [
  name,
  {
    name,
    executor,
    definition: { executor, config },
    needs: [],
    retry: once,
    outputs: none,
    timeoutMs: 3_600_000,
    cancelWithinMs: 300_000,
    ...parts,
  },
];

const terraform = (action: string) => ({
  target: "preview",
  config: { action, source: { type: "local", location: "./network" } },
});

describe("a review application", () => {
  it("compiles into everything that its document says", () => {
    const result = parseMachine(source, {
      name: "review-app",
      executors: new Map([["ecs", ecs], ...acceptingExecutors("lambda", "terraform")]),
    });

    const databaseConfig = { name: "make-db", args: { vpc: `\${tasks.network.outputs.vpc_id}` } };
    const appConfig = { cluster: "preview", taskDefinition: `review:\${metadata.image.split(':')[1]}` };
    expect(result.problems.map(({ code }) => code)).toEqual(["failure-stays"]);
    expect(result.machine).toEqual({
      name: "review-app",
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      version: 2,
      semantics: SEMANTICS_V2,
      revision: "pin",
      events: new Set(["PUSHED", "MERGED", "KEEP"]),
      allow: new Map(),
      requiredMetadata: new Map([["PUSHED", ["image"]]]),
      metadata: {
        additional: true,
        keys: new Map([
          ["image", rule({ pattern: expect.objectContaining({ source: "^[a-z0-9./-]+:[a-zA-Z0-9._-]+$" }) })],
          ["url", rule({})],
          ["password", rule({ sensitive: true })],
        ]),
      },
      targets: new Map([
        ["preview", template({ account: "111122223333", region: "eu-west-1", role: "stackyard-preview" })],
      ]),
      states: new Map<unknown, unknown>([
        state("INIT", { on: new Map([["PUSHED", to("BUILD")]]) }),
        state("BUILD", {
          tasks: ["network", "database", "app"],
          timeoutMs: 45 * 60_000,
          on: new Map<string, unknown>([
            ["NEXT", to("LIVE")],
            ["FAILED", [{ when: when("stack.visits.BUILD < 3"), advance: ["BUILD"], set: none }, ...to("BROKEN")]],
            ["TIMEOUT", to("BROKEN")],
            ["PUSHED", to("BUILD")],
            ["MERGED", to("CLEAN-UP")],
          ]),
        }),
        state("LIVE", {
          after: [{ kind: "in", inMs: 72 * 3_600_000, event: "MERGED", key: expect.any(String) }],
          on: new Map([
            ["PUSHED", to("BUILD")],
            ["MERGED", to("CLEAN-UP")],
            ["KEEP", to("LIVE")],
          ]),
        }),
        state("BROKEN", {
          on: new Map([
            ["PUSHED", to("BUILD")],
            ["MERGED", to("CLEAN-UP")],
          ]),
        }),
        state("CLEAN-UP", { terminal: true, tasks: ["remove"] }),
      ] as [unknown, unknown][]),
      tasks: new Map<unknown, unknown>([
        task("network", "terraform", terraform("apply")),
        task("database", "lambda", {
          config: databaseConfig,
          dynamicConfig: dynamic(databaseConfig),
          needs: ["network"],
          retry: { attempts: 4, fromMs: 5_000, toMs: 120_000, factor: 2 },
          timeoutMs: 600_000,
          outputs: new Map([["password", "password"]]),
        }),
        task("app", "ecs", {
          config: appConfig,
          dynamicConfig: dynamic(appConfig),
          needs: ["database"],
          outputs: new Map([["url", "logsUrl"]]),
        }),
        task("remove", "terraform", terraform("destroy")),
      ] as [unknown, unknown][]),
    });
  });
});
