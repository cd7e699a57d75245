import { readdirSync, readFileSync } from "node:fs";
import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { acceptingExecutors } from "../testing/builders.ts";
import { defineMachine } from "./define-machine.ts";
import type { Problem } from "./document/problem-list.ts";
import type { ExecutorDefinition } from "./executor-definition.ts";
import { parseMachine, parseMachineDocument, toMachineSource } from "./parse-machine.ts";

const folder = new URL("../../fixtures/machines/", import.meta.url);

const sleeper: ExecutorDefinition = {
  name: "sleeper",
  config: Type.Object({ seconds: Type.Number(), note: Type.Optional(Type.String()) }, { additionalProperties: false }),
  resumable: true,
  cancelWithin: "30s",
  timeout: ({ seconds }: { seconds: number }) => seconds * 1000,
};

const ecs: ExecutorDefinition = {
  name: "ecs",
  config: Type.Object({ cluster: Type.String(), taskDefinition: Type.String() }, { additionalProperties: false }),
  resumable: true,
  showsConfig: "The service stores it in clear. Keep it elsewhere.",
};

const executors = new Map([
  ...acceptingExecutors("terraform", "lambda"),
  ...[sleeper, ecs].map((executor) => [executor.name, executor] as const),
]);

/** Codes of problems that executors report. */
const OF_EXECUTORS = /^(?:terraform-|lambda-|source-|variable|config-unknown-key|scalar-ambiguous)/;

/** Such as `invalid-v2/needs-cycle`, with and without the ending of the version. */
const listFixtures = (kind: string) =>
  [kind, `${kind}-v2`].flatMap((name) =>
    readdirSync(new URL(name, folder)).flatMap((file) => (file.endsWith(".yaml") ? [`${name}/${file}`] : [])),
  );

function parseFixture(file: string, strict = false) {
  const source = readFileSync(new URL(file, folder), "utf8");
  return parseMachine(source, { name: "fixture", executors, uncheckedExecutors: ["elsewhere"], strict });
}

/** The expected problems of a fixture that core itself reports. */
const toExpected = (file: string) => {
  const problems: readonly Problem[] = JSON.parse(
    readFileSync(new URL(file.replace(".yaml", ".json"), folder), "utf8"),
  );
  return problems.filter(({ code }) => !OF_EXECUTORS.test(code));
};

describe("parseMachine", () => {
  it.each(listFixtures("invalid"))("refuses %s with the expected problems", (file) => {
    const { machine, problems } = parseFixture(file);

    expect(problems).toEqual(toExpected(file));
    const code = file.replace(/.*\/|\.yaml/g, "");
    if (OF_EXECUTORS.test(code)) return;
    expect(problems.map((problem) => problem.code)).toContain(code);
    expect(machine).toBeUndefined();
  });

  it.each(listFixtures("valid"))("accepts %s with the expected warnings", (file) => {
    const { machine, problems } = parseFixture(file);

    expect(problems).toEqual(toExpected(file));
    expect(machine).toBeDefined();
  });

  it.each(listFixtures("valid"))("makes errors of the warnings of %s in strict mode", (file) => {
    const lenient = parseFixture(file);

    const strict = parseFixture(file, true);

    expect(strict.problems).toEqual(lenient.problems.map((problem) => ({ ...problem, severity: "error" })));
    expect(strict.machine === undefined).toBe(lenient.problems.length > 0);
  });
});

const document = {
  version: 1,
  events: ["GO"],
  states: { INIT: { on: { GO: [{ action: "advance", state: "DONE" }] } }, DONE: { terminal: true, tasks: ["run"] } },
  tasks: { run: { executor: "lambda", config: { name: "run", args: undefined } } },
};

const told = (value: unknown) =>
  parseMachineDocument(value, { name: "app" }).problems.map(({ code, path, line, column }) => [
    code,
    path,
    line,
    column,
  ]);

describe("parseMachineDocument", () => {
  it("compiles a value as the source that says the same", () => {
    const source =
      "version: 1\nevents: [GO]\nstates: {INIT: {on: {GO: [{action: advance, state: DONE}]}}, DONE: {terminal: true, tasks: [run]}}\ntasks: {run: {executor: lambda, config: {name: run}}}";

    const fromValue = parseMachineDocument(document, { name: "app" });

    const fromSource = parseMachine(source, { name: "app" });
    expect({ ...fromValue.machine, hash: "" }).toEqual({ ...fromSource.machine, hash: "" });
    expect(fromValue.problems).toEqual([]);
  });

  it("gives the hash of the source to keep, whatever the order of keys", () => {
    const turned = Object.fromEntries(Object.entries(document).toReversed());

    const hashes = [
      parseMachineDocument(document, { name: "app" }),
      parseMachineDocument(turned, { name: "app" }),
      parseMachine(toMachineSource(document) ?? "", { name: "app" }),
    ].map(({ machine }) => machine?.hash);

    expect(hashes).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), hashes[0], hashes[0]]);
  });

  it("compiles what defineMachine gives", () => {
    const machine = defineMachine({
      version: 1,
      events: ["GO"],
      states: {
        INIT: { on: { GO: [{ action: "advance", state: "DONE" }] } },
        DONE: { terminal: true, tasks: ["run"] },
      },
      tasks: { run: { executor: "lambda", config: { name: "run" } } },
    });

    const { machine: compiled } = parseMachineDocument(machine, { name: "app" });

    expect(compiled).toEqual(parseMachineDocument(document, { name: "app" }).machine);
  });

  it("reports every fault at line 1, column 1, the same fault of two values twice", () => {
    const faulty = { ...document, states: { INIT: { terminal: 1 }, DONE: { terminal: 1, tasks: ["run"] } }, extra: 1 };

    expect(told(faulty)).toEqual([
      ["top-level-unknown-key", "extra", 1, 1],
      ["terminal-not-boolean", "states.INIT.terminal", 1, 1],
      ["terminal-not-boolean", "states.DONE.terminal", 1, 1],
      ["unreachable-state", "states.DONE", 1, 1],
      ["unused-event", "events.0", 1, 1],
    ]);
  });

  it.each([
    [undefined, "value-not-json"],
    [null, "document-not-map"],
    ["version: 1", "document-not-map"],
    [[], "document-not-map"],
    [new Map(), "value-not-json"],
    [() => document, "value-not-json"],
    [10n, "value-not-json"],
    [{ kind: "stackyard.machine" }, "version-unsupported"],
  ])("refuses %o as %s", (value, code) => {
    expect(told(value)[0]?.[0]).toBe(code);
  });

  it("refuses what JSON cannot hold, with its path", () => {
    const value = {
      ...document,
      tasks: { run: { executor: "lambda", config: { name: Symbol("f"), args: { at: new Date(0), n: Number.NaN } } } },
    };

    expect(told(value)).toEqual([
      ["value-not-json", "tasks.run.config.name", 1, 1],
      ["value-not-json", "tasks.run.config.args.at", 1, 1],
      ["value-not-json", "tasks.run.config.args.n", 1, 1],
    ]);
  });

  it("refuses cycles, what is too large, and what throws when it is read", () => {
    const cycle: Record<string, unknown> = { ...document };
    cycle["x-self"] = cycle;
    const huge = { ...document, "x-huge": Array.from({ length: 300_000 }, () => 1) };
    const thrower = new Proxy({}, { ownKeys: () => JSON.parse("oops") });

    const codes = [cycle, huge, thrower].map((value) => told(value).map(([code]) => code));

    expect(codes).toEqual([["limit-exceeded"], ["limit-exceeded"], ["value-not-json"]]);
  });

  it("never follows a key into a prototype", () => {
    const value = JSON.parse(
      '{"version":1,"events":[],"states":{"INIT":{"terminal":true,"tasks":["__proto__"]}},"tasks":{"__proto__":{"executor":"lambda","config":{"name":"f","args":{"__proto__":{"polluted":true}}}}}}',
    );

    const { machine } = parseMachineDocument(value, { name: "app" });

    expect(JSON.stringify(machine?.tasks.get("__proto__")?.definition)).toBe(
      '{"executor":"lambda","config":{"name":"f","args":{"__proto__":{"polluted":true}}}}',
    );
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  });
});

describe("toMachineSource", () => {
  it("gives JSON with sorted keys, without what is undefined", () => {
    const source = toMachineSource({ b: [1, { z: null, a: "é\n" }], a: undefined, "": true });

    expect(source).toBe('{"":true,"b":[1,{"a":"é\\n","z":null}]}');
  });

  it("gives nothing for what JSON cannot hold", () => {
    expect(toMachineSource({ when: new Date(0) })).toBeUndefined();
  });
});
