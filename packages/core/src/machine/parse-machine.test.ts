import { readdirSync, readFileSync } from "node:fs";
import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { acceptingExecutors } from "../testing/builders.ts";
import type { Problem } from "./document/problem-list.ts";
import type { ExecutorDefinition } from "./executor-definition.ts";
import { parseMachine } from "./parse-machine.ts";

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

/** The problems beside a fixture that core itself reports. */
const toExpected = (file: string) => {
  const problems: readonly Problem[] = JSON.parse(
    readFileSync(new URL(file.replace(".yaml", ".json"), folder), "utf8"),
  );
  return problems.filter(({ code }) => !OF_EXECUTORS.test(code));
};

describe("parseMachine", () => {
  it.each(listFixtures("invalid"))("refuses %s with the problems beside it", (file) => {
    const { machine, problems } = parseFixture(file);

    expect(problems).toEqual(toExpected(file));
    const code = file.replace(/.*\/|\.yaml/g, "");
    if (OF_EXECUTORS.test(code)) return;
    expect(problems.map((problem) => problem.code)).toContain(code);
    expect(machine).toBeUndefined();
  });

  it.each(listFixtures("valid"))("accepts %s with the warnings beside it", (file) => {
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
