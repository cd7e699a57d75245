import { readFileSync } from "node:fs";
import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { acceptingExecutors } from "../../testing/builders.ts";
import type { ExecutorDefinition } from "../executor-definition.ts";
import { SEMANTICS_V2 } from "../machine.ts";
import { parseMachine } from "../parse-machine.ts";

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
  { name, terminal: false, tasks: [], protected: false, leaving: "wait", after: [], on: none, ...parts },
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
    expect(result.problems).toEqual([]);
    expect(result.machine).toEqual({
      name: "review-app",
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      version: 2,
      semantics: SEMANTICS_V2,
      revision: "pin",
      events: new Set(["PUSHED", "MERGED", "KEEP"]),
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
          after: [{ inMs: 72 * 3_600_000, event: "MERGED" }],
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
