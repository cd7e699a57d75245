import { parseMachine } from "@stackyard/core/machine";
import { describe, expect, it } from "vitest";
import { type CommandOptions, commandDefinition, createCommandDefinition, toGraceMs } from "./definition.ts";
import { toTaskId } from "./environment.ts";

function problemsOf(config: string, options?: CommandOptions, version: 1 | 2 = 2) {
  const task = `tasks: { t: { executor: command, config: ${config} } }`;
  const source =
    version === 2
      ? `version: 2\nevents: { GO: {} }\nstates: { INIT: { on: { GO: B } }, B: { tasks: [t], on: { NEXT: END } }, END: { terminal: true } }\n${task}`
      : `version: 1\nevents: [GO]\nstates: { INIT: { on: { GO: [{ action: advance, state: B }] } }, B: { tasks: [t], on: { NEXT: [{ action: advance, state: END }] } }, END: { terminal: true } }\n${task}`;
  const definition = options === undefined ? commandDefinition : createCommandDefinition(options);
  const { problems } = parseMachine(source, { name: "shop", executors: new Map([["command", definition]]) });
  return problems.map(({ severity, code }) => `${severity} ${code}`);
}

const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const GIT = "type: git, host: github, repository: acme/tools";
const MAKE = `{ ${GIT}, commit: ${COMMIT}, trusted: true }`;

describe("the config of a command", () => {
  it.each([
    [`{ run: [helm, upgrade, "\${stack.id}"] }`, []],
    ["{ run: helm upgrade }", ["error command-run-list"]],
    ["{ run: [helm], shell: true }", ["error command-shell-text"]],
    ["{ run: helm upgrade, shell: true }", ["warning command-shell"]],
    [`{ run: "helm upgrade \${stack.id}", shell: true }`, ["error command-shell-expression"]],
    [`{ run: "echo $\${HOME}", shell: true }`, ["error command-shell-expression"]],
    [`{ run: ["\${stack.id}"] }`, ["error command-program-expression"]],
    ["{ run: [helm], grace: 3m }", ["error command-grace-too-long"]],
    ["{ run: [helm], environment: { LD_PRELOAD: x } }", ["error config-invalid"]],
    ["{ run: [] }", ["error config-invalid"]],
    [`{ run: [make], folder: { ${GIT}, commit: "\${stack.id}", trusted: "\${stack.id == 'a'}" } }`, []],
    [`{ run: [make], folder: { ${GIT}, commit: main, trusted: true } }`, ["error config-invalid"]],
    [`{ run: [make], folder: { ${GIT}, trusted: true } }`, ["error config-invalid"]],
    ["{ run: [make], folder: { type: s3, bucket: b } }", ["error config-invalid"]],
    ["{ run: [make], folder: 5 }", ["error config-invalid"]],
    // A token in an address ends in logs (open-mercato/cezar#59).
    [
      `{ run: [make], folder: { type: git, host: github, repository: "x:token@github.com/acme/a", commit: ${COMMIT}, trusted: true } }`,
      ["error config-invalid"],
    ],
  ])("%s has the problems %j", (config, problems) => {
    expect(problemsOf(config)).toEqual(problems);
  });

  it("of version 1 has no expressions", () => {
    expect(problemsOf(`{ run: "echo \${HOME}", shell: true }`, undefined, 1)).toEqual(["warning command-shell"]);
  });

  it.each<[string, CommandOptions, readonly string[]]>([
    ["{ run: [helm] }", {}, ["error command-not-allowed"]],
    ["{ run: [helm] }", { allow: [{ program: "helm", machines: ["sho*"] }] }, []],
    ["{ run: [helm] }", { allow: [{ program: "helm", machines: ["web"] }] }, ["error command-not-allowed"]],
    ["{ run: [helm], cancel: { run: [kill] } }", { allow: [{ program: "helm" }] }, ["error command-not-allowed"]],
    ["{ run: [ls], shell: true }", { allow: [{ program: "*" }] }, ["error command-shell-text"]],
    ["{ run: ls, shell: true }", { allow: [{ program: "*" }] }, ["error command-not-allowed"]],
    ["{ run: ls, shell: true }", { allow: [{ shell: true }] }, []],
    [`{ run: [make], folder: ${MAKE} }`, { allow: [{ program: "*" }] }, ["error command-not-allowed"]],
    [`{ run: [make], folder: ${MAKE} }`, { allow: [{ program: "*", sources: ["git:github/acme/*"] }] }, []],
    [`{ run: ls, shell: true, folder: ${MAKE} }`, { allow: [{ shell: true }] }, ["error command-not-allowed"]],
    [
      `{ run: [make], folder: { ${GIT}, commit: ${COMMIT}, trusted: false } }`,
      { allow: [{ program: "*", sources: ["*"] }] },
      ["error command-not-allowed"],
    ],
    [
      "{ run: [make], folder: { type: s3, bucket: tools, key: v7 } }",
      { allow: [{ program: "*", sources: ["s3:tools-2/*"] }] },
      ["error command-not-allowed"],
    ],
    ["{ run: [make], folder: { type: local, location: a } }", { allow: [{ program: "*" }] }, []],
    [
      "{ run: [make], folder: { type: local, location: a } }",
      { allow: [{ program: "*", user: "deploy" }] },
      ["error command-not-allowed"],
    ],
  ])("%s under %j has the problems %j", (config, options, problems) => {
    expect(problemsOf(config, options)).toEqual(problems);
  });
});

it("limits the task to the time of the program, its grace and a minute", () => {
  expect(commandDefinition.timeout({ run: ["x"], timeout: "10m", grace: "1m" })).toBe(12 * 60_000);
  expect(commandDefinition.timeout({ run: ["x"] })).toBeUndefined();
  expect(toGraceMs({ grace: "9m" })).toBe(120_000);
});

it("has one key for all tasks of a name", () => {
  expect(commandDefinition.exclusiveKey({}, { run: ["x"], exclusive: "orders" })).toBe("command/orders");
});

it("has one id for the attempts of a task", () => {
  const idOf = (id: string) => toTaskId({ attempt: { id, number: 1, token: 1 } });

  expect(idOf("s/e/1/t/1")).toBe(idOf("s/e/1/t/2"));
  expect(idOf("s/e/2/t/1")).not.toBe(idOf("s/e/1/t/1"));
});
