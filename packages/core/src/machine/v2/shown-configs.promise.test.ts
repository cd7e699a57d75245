// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.
import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import type { ExecutorDefinition } from "../executor-definition.ts";
import { parseMachine } from "../parse-machine.ts";

const any: ExecutorDefinition = { name: "any", config: Type.Object({}), resumable: true };
const executors = new Map<string, ExecutorDefinition>([
  ["plain", { ...any, name: "plain" }],
  ["shown", { ...any, name: "shown", showsConfig: "The service shows it. Do something else." }],
  ["stored", { ...any, name: "stored", takesSecrets: false }],
]);

function check(executor: string, config: object): readonly string[] {
  const source = JSON.stringify({
    version: 2,
    events: ["GO"],
    metadata: { token: { sensitive: true }, name: {} },
    states: { INIT: { on: { GO: "RUN" } }, RUN: { tasks: ["run"], terminal: true } },
    tasks: { run: { executor, config } },
  });
  const { problems } = parseMachine(source, { name: "app", executors });
  return problems.map(({ severity, code, path, message }) => `${severity} ${code} ${path}: ${message}`);
}

const DEEP = { env: [{ name: "TOKEN", value: "Bearer ${metadata['token']}" }] };

describe("a sensitive value in a config", () => {
  it("is taken where the executor keeps it secret", () => {
    expect(check("plain", DEEP)).toEqual([]);
  });

  it("is a warning where the service behind the executor shows configs, however deep and inside of texts", () => {
    const advice = 'This config of shown contains the sensitive key "token". The service shows it. Do something else.';

    expect(check("shown", DEEP)).toEqual([`warning sensitive-shown tasks.run.config: ${advice}`]);
    expect(check("shown", { env: "${metadata.name}" })).toEqual([]);
  });

  it("is an error where the yard stores and shows configs", () => {
    expect(check("stored", DEEP)).toEqual([
      expect.stringMatching(/^error sensitive-leak tasks\.run\.config\.env\.0\.value: .*"token" may not be read here/),
    ]);
  });
});
