import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { acceptingExecutors } from "../../testing/builders.ts";
import { MACHINE_LIMITS } from "../document/compile-context.ts";
import { createProblemList } from "../document/problem-list.ts";
import { readYaml } from "../document/read-yaml.ts";
import type { ExecutorDefinition, ExecutorRegistry } from "../executor-definition.ts";
import { parseMachine } from "../parse-machine.ts";
import { findPlace, upgradeMachine } from "./upgrade-machine.ts";

const ACCEPTED = acceptingExecutors("lambda", "terraform");

const upgrade = (source: string, executors = ACCEPTED) => upgradeMachine(source, { name: "app", executors });

function toSource(source: string, executors?: ExecutorRegistry): string {
  const upgraded = upgrade(source, executors);
  if (upgraded.kind === "refused") throw new TypeError(JSON.stringify(upgraded.problems));
  return upgraded.source;
}

const problemsOf = (source: string) =>
  upgrade(source).problems.map(({ severity, code, path, line }) => `${severity} ${code} ${path} ${line}`);

const sleeper: ExecutorDefinition = {
  name: "sleeper",
  config: Type.Object({ seconds: Type.Number(), note: Type.Optional(Type.String()) }),
  resumable: true,
};

/** Fixtures of version 1 that version 2 does not take, with all that it says. */
const REFUSED: ReadonlyMap<string, readonly string[]> = new Map([
  ["empty-task", ["refused", "executor-required"]],
  ["warns-config-missing", ["refused", "upgrade-differs"]],
  ["warns-executor-missing", ["refused", "executor-required"]],
]);

const HEAD = "version: 1\nevents: [GO]\n";
const STATES = "states: {INIT: {on: {GO: [{action: advance, state: RUN}]}}, RUN: {tasks: [t]}}\n";
const TASKS = "tasks: {t: {executor: lambda, config: {name: f}}}\n";

describe("upgradeMachine", () => {
  it("keeps comments, anchors and order, and gives handlers their short form", () => {
    const source = `# yaml-language-server: $schema=../schema/machine-v1.schema.json

# What this is.
version: "1" # the first
events: [GO, STOP]
x-stop: &stop
  STOP: # always possible
    - action: advance
      state: END
states:
  INIT:
    on:
      # Begin.
      GO:
        - action: advance
          state: RUN
  RUN:
    tasks: [a, a]
    on:
      <<: *stop
      GO:
        - action: no-op # not twice
      NEXT: []
  END: {terminal: "true"}
tasks:
  a: {executor: lambda, config: {name: f, args: {path: "\${HOME}", both: "$\${x}"}}}
`;

    expect(toSource(source)).toBe(`# yaml-language-server: $schema=../schema/machine-v2.schema.json

# What this is.
version: 2 # the first
revision: follow
events: [GO, STOP]
x-stop: &stop
  STOP:
    # always possible
    - action: advance
      state: END
states:
  INIT:
    on:
      # Begin.
      GO: RUN
    leaving: abandon
  RUN:
    tasks: [a]
    on:
      <<: *stop
      GO:
        - action: no-op # not twice
      NEXT: no-op
    leaving: abandon
  END: {terminal: true, leaving: abandon}
tasks:
  a: {executor: lambda, config: {name: f, args: {path: "$\${HOME}", both: "$$\${x}"}}, timeout: 24h}
`);
  });

  it("keeps texts of tasks as they are, whatever they look like", () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: texts of a machine, which look like expressions
    const args = { a: "${x}", b: "$${x}", c: "$$${x", d: ["${"], e: "plain $ text" };
    const source = `${HEAD}${STATES}tasks: {t: {executor: lambda, config: {name: f, args: ${JSON.stringify(args)}}}}`;

    const { machine } = parseMachine(toSource(source), { name: "app" });

    expect(machine?.tasks.get("t")?.definition["config"]).toEqual({ name: "f", args });
    expect(machine?.tasks.get("t")?.dynamicConfig).toBeUndefined();
  });

  it("writes v1's time limit where the executor has none of its own", () => {
    const sleep = { name: "sleep", config: Type.Object({}), resumable: true, timeout: () => 60_000 };
    const wait = { name: "wait", config: Type.Object({}), resumable: true };
    const source = `${HEAD}${STATES}tasks: {t: {executor: sleep, config: {}}, w: {executor: wait, config: {}}}`;

    const { machine } = parseMachine(
      toSource(
        source,
        new Map<string, ExecutorDefinition>([
          ["sleep", sleep],
          ["wait", wait],
        ]),
      ),
      {
        name: "app",
        executors: new Map<string, ExecutorDefinition>([
          ["sleep", sleep],
          ["wait", wait],
        ]),
      },
    );

    expect(machine?.tasks.get("t")?.timeoutMs).toBe(60_000);
    expect(machine?.tasks.get("w")?.timeoutMs).toBe(86_400_000);
  });

  it("ends lines with CR and LF once, also behind comments", () => {
    const source = "version: 1\r\nevents: # none\r\n  # yet\r\n  []\r\nstates: {INIT: {}}\r\ntasks: {}\r\n";

    expect(toSource(source)).toContain("# yet\r\n");
    expect(toSource(source)).not.toContain("\r\r");
  });

  it("keeps JSON as JSON and line ends as they are", () => {
    const json = JSON.stringify({ version: 1, events: [], states: { INIT: {} }, tasks: {} });

    expect(JSON.parse(toSource(json))).toMatchObject({ version: 2, states: { INIT: { leaving: "abandon" } } });
    expect(toSource("version: 1\r\nevents: []\r\nstates: {INIT: {}}\r\ntasks: {}\r\n")).toBe(
      "version: 2\r\nrevision: follow\r\nevents: []\r\nstates: {INIT: {leaving: abandon}}\r\ntasks: {}\r\n",
    );
  });

  it("writes the document anew where a dropped duplicate holds an anchor that is used", () => {
    const source = `${HEAD}${STATES}tasks:
  t: {executor: lambda, config: {name: f}}
  t: &kept {executor: lambda, config: {name: g}}
  u: *kept
`;

    const { machine } = parseMachine(toSource(source), { name: "app" });

    expect(machine?.tasks.get("t")?.definition["config"]).toEqual({ name: "f" });
    expect(machine?.tasks.get("u")?.definition["config"]).toEqual({ name: "g" });
  });

  it.each([
    [
      "a handler that gets its short form",
      `INIT: {on: {GO: [{action: advance, state: &end END}]}}
  RUN:
    on:
      GO: # always
        - {action: advance, state: *end}`,
    ],
    ["a flag in quotes", 'INIT: {terminal: &flag "false"}\n  RUN: {terminal: *flag, on: {GO: []}}'],
    [
      "a handler that an extension repeats",
      "INIT: {on: {GO: &go [{action: advance, state: END}]}}\n  RUN: {}",
      "x-go: *go",
    ],
  ])("writes the document anew where an alias would lose its anchor in %s", (_what, states, more = "") => {
    const source = `version: 1\nevents: [GO]\nstates:\n  ${states}\n  END: {tasks: [t]}\n${TASKS}${more}`;

    expect(parseMachine(source, { name: "app" }).problems.filter(({ severity }) => severity === "error")).toEqual([]);
    expect(parseMachine(toSource(source), { name: "app" }).machine?.version).toBe(2);
  });

  it("warns of handlers whose several advances become one, at their place", () => {
    const source = `${HEAD}states:
  INIT:
    on:
      GO:
        - {action: advance, state: RUN}
        - {action: advance, state: INIT}
  RUN: {}
tasks: {}
`;

    expect(problemsOf(source)).toEqual(["warning advance-collapsed states.INIT.on.GO 6"]);
    expect(parseMachine(toSource(source), { name: "app" }).machine?.states.get("INIT")?.on.get("GO")).toEqual([
      { advance: ["INIT"], set: new Map() },
    ]);
  });

  it.each([
    [
      "a task without executor",
      `${HEAD}${STATES}tasks: {t: {config: {name: f}}}`,
      "error executor-required tasks.t.executor 4",
    ],
    [
      "an event called FAILED",
      `version: 1\nevents: [FAILED]\nstates: {INIT: {}}\n${TASKS}`,
      "error event-reserved events.0 2",
    ],
    [
      "an event called TIMEOUT",
      `version: 1\nevents: [TIMEOUT]\nstates: {INIT: {}}\n${TASKS}`,
      "error event-reserved events.0 2",
    ],
    [
      "an event that begins with a hyphen",
      `version: 1\nevents: [-A]\nstates: {INIT: {}}\n${TASKS}`,
      "error event-name-pattern events.0 2",
    ],
    [
      "a long state name",
      `version: 1\nevents: []\nstates:\n  INIT: {}\n  ${"A".repeat(64)}: {}\n${TASKS}`,
      `error state-name-pattern states.${"A".repeat(64)} 5`,
    ],
  ])("refuses %s with the code of version 2, at its place in the old document", (_what, source, told) => {
    expect(upgrade(source).kind).toBe("refused");
    expect(problemsOf(source)).toContain(told);
  });

  it("refuses what v1 refuses, and what is of version 2 already", () => {
    expect(problemsOf("version: 1\nevents: []\nstates: {}\ntasks: {}\n")).toContain("error init-required states 3");
    expect(problemsOf("version: 2\nstates: {INIT: {}}\n")).toEqual(["error version-unsupported version 1"]);
  });

  const folder = join(import.meta.dirname, "../../../fixtures/machines/valid");

  it.each(readdirSync(folder).filter((file) => file.endsWith(".yaml")))(
    "upgrades the fixture %s, or says why not",
    (file) => {
      const options = {
        name: "app",
        executors: new Map([...ACCEPTED, ["sleeper", sleeper]]),
        uncheckedExecutors: ["elsewhere"],
      };
      const source = readFileSync(join(folder, file), "utf8");

      const upgraded = upgradeMachine(source, options);

      const errors = upgraded.problems.filter(({ severity }) => severity === "error").map(({ code }) => code);
      expect([upgraded.kind, ...errors]).toEqual(REFUSED.get(file.replace(".yaml", "")) ?? ["upgraded"]);
    },
  );
});

const source = `tasks:
  a.b:
    config: {list: [x,
      y]}
  a: 1
`;
const tree = readYaml(source, MACHINE_LIMITS, createProblemList({ strict: false, maxProblems: 9 }));

describe("findPlace", () => {
  it.each([
    ["tasks", 1, 1],
    ["tasks.a", 5, 3],
    ["tasks.a.b", 2, 3],
    ["tasks.a.b.config.list.1", 4, 7],
    ["tasks.a.b.config.gone.deep", 3, 5],
    ["other", 1, 1],
    ["", 1, 1],
  ])("finds %s, or the nearest part around it", (path, line, column) => {
    expect(tree && findPlace(tree, path)).toEqual({ line, column });
  });
});
