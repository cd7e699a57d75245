// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.
import { parseMachine } from "@stackyard/core/machine";
import { describe, expect, it } from "vitest";
import { deployDefinition } from "./definition.ts";

const executors = new Map([["deploy", deployDefinition]]);

/** Lists the problems of a machine with one task `deploy`: `code: message`. */
function check(config: object, version = 2): readonly string[] {
  const document = {
    version,
    events: version === 1 ? ["GO"] : { GO: {} },
    ...(version === 2 && {
      metadata: {
        api: { type: "string" },
        plan: { type: "string" },
        target: { type: "string" },
        token: { type: "string", sensitive: true },
      },
    }),
    states: { INIT: { on: { GO: version === 1 ? [{ action: "advance", state: "A" }] : "A" } }, A: { tasks: ["go"] } },
    tasks: { go: { executor: "deploy", config }, prod: { executor: "deploy", config: SEND } },
  };
  const { problems } = parseMachine(JSON.stringify(document), { name: "shop", executors });
  return problems.filter(({ severity }) => severity === "error").map(({ code, message }) => `${code}: ${message}`);
}

const of = (key: string) => `\${metadata.${key}}`;

const SEND = { stacks: "prod", event: "RELEASED", metadata: { api: of("api") }, until: ["LIVE"] };

describe("the config of deploy", () => {
  it("accepts the three operations", () => {
    expect(check(SEND)).toEqual([]);
    expect(check({ ...SEND, plan: of("plan"), waves: [{ name: "all" }], maxFailures: "2%" })).toEqual([]);
    expect(check({ ...SEND, stacks: { machine: "tenant", where: "metadata.tier != 'internal'" } })).toEqual([]);
    expect(check({ op: "plan", of: ["prod"], show: ["plan"] })).toEqual([]);
    expect(check({ op: "undo", of: "prod" })).toEqual([]);
  });

  it.each([
    ["stacks", { ...SEND, stacks: of("target") }],
    ["event", { ...SEND, event: of("api") }],
    ["until.0", { ...SEND, until: [of("api")] }],
    ["stacks.where", { ...SEND, stacks: { machine: "tenant", where: `metadata.tier == '${of("target")}'` } }],
    ["metadata", { ...SEND, metadata: of("api") }],
    ["of.0", { op: "plan", of: [of("target")] }],
  ])("refuses an expression in %s: who starts a release chooses no targets", (place, config) => {
    expect(check(config)).toContainEqual(
      expect.stringContaining(`deploy-expression: Only metadata and plan may have expressions, and "${place}"`),
    );
  });

  it.each([
    ["as a value of its own", of("token")],
    ["inside a text", `v-${of("token")}`],
    ["by an index", "${metadata['token']}"],
    ["by an expression", "${metadata.token + ''}"],
  ])("refuses a sensitive value %s: what a release sends is stored and shown (CVE-2025-54831)", (_, api) => {
    expect(check({ ...SEND, metadata: { api } })).toContainEqual(
      expect.stringMatching(/^sensitive-leak: .*"token" may not be read here/),
    );
  });

  it("names what an operation needs and does not have", () => {
    expect(check({ stacks: "prod", event: "RELEASED", until: ["LIVE"] })).toEqual([
      "deploy-key-required: A task deploy with op: send needs metadata.",
    ]);
    expect(check({ op: "undo", of: "prod", stacks: "prod" })).toEqual([expect.stringContaining("deploy-key-unused")]);
    expect(check({ op: "undo", of: ["prod"] })).toEqual([expect.stringContaining("deploy-of")]);
    expect(check({ op: "plan", of: "prod" })).toEqual([expect.stringContaining("deploy-of")]);
    expect(check({ ...SEND, failed: ["LIVE"] })).toEqual([expect.stringContaining("deploy-failed-state")]);
    expect(check({ ...SEND, stacks: { machine: "tenant" }, create: "tenant" })).toEqual([
      expect.stringContaining("deploy-create"),
    ]);
  });

  it("checks values, keys and conditions", () => {
    expect(check({ ...SEND, metadata: {} })).toEqual([expect.stringContaining("config-invalid")]);
    expect(check({ ...SEND, maxFailures: "many" })).toEqual([expect.stringContaining("a share such as 2%")]);
    expect(check({ ...SEND, wave: [] })).toEqual([expect.stringContaining("config-unknown-key")]);
    expect(check({ ...SEND, stacks: { machine: "tenant", where: "metadata.tier ==" } })).toEqual([
      expect.stringContaining("deploy-where"),
    ]);
    expect(check({ ...SEND, plan: "yes" })).toEqual([expect.stringContaining("the digest of a plan")]);
  });

  it.each([
    [
      "an undo of a task that does not exist",
      { op: "undo", of: "prodd" },
      'of must name a task deploy that sends, not "prodd". Did you mean "prod"?',
    ],
    ["an undo of itself", { op: "undo", of: "go" }, 'of must name a task deploy that sends, not "go". Known: "prod".'],
    [
      "a plan of one task and a misspelled one",
      { op: "plan", of: ["prod", "Prod"] },
      'of must name a task deploy that sends, not "Prod". Did you mean "prod"?',
    ],
  ])("refuses %s: it would do nothing, and succeed", (_, config, message) => {
    expect(check(config)).toEqual([expect.stringContaining(`deploy-of: ${message}`)]);
  });

  it("needs version 2", () => {
    expect(check(SEND, 1)).toContainEqual(expect.stringContaining("deploy-version"));
  });

  it("has a limit of 30 days, which a task can shorten", () => {
    expect(deployDefinition.timeout()).toBe(30 * 86_400_000);
  });
});
