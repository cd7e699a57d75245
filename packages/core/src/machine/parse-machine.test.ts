import { readdirSync, readFileSync } from "node:fs";
import { Type } from "typebox";
import { describe, expect, it } from "vitest";
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

const executors = new Map([["sleeper", sleeper]]);

const listFixtures = (kind: string) => readdirSync(new URL(kind, folder)).filter((file) => file.endsWith(".yaml"));

function parseFixture(file: string, strict = false) {
  const source = readFileSync(new URL(file, folder), "utf8");
  return parseMachine(source, { name: "fixture", executors, uncheckedExecutors: ["elsewhere"], strict });
}

const toExpected = (file: string): unknown =>
  JSON.parse(readFileSync(new URL(file.replace(".yaml", ".json"), folder), "utf8"));

describe("parseMachine", () => {
  it.each(listFixtures("invalid"))("refuses invalid/%s with the problems beside it", (file) => {
    const { machine, problems } = parseFixture(`invalid/${file}`);

    expect(problems).toEqual(toExpected(`invalid/${file}`));
    expect(problems.map(({ code }) => code)).toContain(file.replace(".yaml", ""));
    expect(machine).toBeUndefined();
  });

  it.each(listFixtures("valid"))("accepts valid/%s with the warnings beside it", (file) => {
    const { machine, problems } = parseFixture(`valid/${file}`);

    expect(problems).toEqual(toExpected(`valid/${file}`));
    expect(machine).toBeDefined();
  });

  it.each(listFixtures("valid"))("makes errors of the warnings of valid/%s in strict mode", (file) => {
    const lenient = parseFixture(`valid/${file}`);

    const strict = parseFixture(`valid/${file}`, true);

    expect(strict.problems).toEqual(lenient.problems.map((problem) => ({ ...problem, severity: "error" })));
    expect(strict.machine === undefined).toBe(lenient.problems.length > 0);
  });
});
