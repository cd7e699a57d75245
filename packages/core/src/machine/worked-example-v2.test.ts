import { readFileSync } from "node:fs";
import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { acceptingExecutors, anEvent } from "../testing/builders.ts";
import { play, toApplied } from "../testing/play.ts";
import { decide } from "./decide/decide.ts";
import type { StackEvent } from "./event-message.ts";
import type { ExecutorDefinition } from "./executor-definition.ts";
import { parseMachine } from "./parse-machine.ts";
import { readSecrets } from "./secrets.ts";
import type { Stack } from "./stack.ts";

const ecs: ExecutorDefinition = { name: "ecs", config: Type.Object({}), resumable: true };
const source = readFileSync(new URL("../../fixtures/machines/valid-v2/review-app.yaml", import.meta.url), "utf8");
const { machine } = parseMachine(source, {
  name: "review-app",
  executors: new Map([["ecs", ecs], ...acceptingExecutors("lambda", "terraform")]),
});
if (machine === undefined) throw new Error("The example has errors.");
const app = machine;

const pushed = (image = "shop/app:v1") => anEvent("PUSHED", { machine: "review-app", metadata: { image } });
const done = (task: string, outputs: Readonly<Record<string, unknown>> = {}) =>
  anEvent("TASK_COMPLETED", { task: { name: task }, outputs });
const failed = (task: string) => anEvent("TASK_ERROR", { task: { name: task }, description: "no" });
const decideOn = (stack: Stack, event: StackEvent) => toApplied(decide(app, stack, event));
const detailsOf = ({ tasks }: Stack) => tasks.map(({ name, status, detail }) => `${name} ${detail ?? status}`);
const network = done("network", { vpc_id: "vpc-1" });
const database = done("database", { password: "hunter22" });
const live = play(app, pushed(), network, database, done("app", { logsUrl: "https://logs" }));

describe("the review application of version 2", () => {
  it("builds task after task, each with what the one before gave", () => {
    const first = toApplied(decide(app, undefined, pushed()));
    const second = decideOn(first.stack, network);
    const third = decideOn(second.stack, database);

    expect([first, second, third].map(({ dispatches }) => dispatches.map(({ message }) => message.task))).toEqual([
      [
        {
          name: "network",
          executor: "terraform",
          config: { action: "apply", source: { type: "local", location: "./network" } },
          target: { account: "111122223333", region: "eu-west-1", role: "stackyard-preview" },
        },
      ],
      [{ name: "database", executor: "lambda", config: { name: "make-db", args: { vpc: "vpc-1" } } }],
      [{ name: "app", executor: "ecs", config: { cluster: "preview", taskDefinition: "review:v1" } }],
    ]);
    expect(second.dispatches.map(({ timeoutMs }) => timeoutMs)).toEqual([600_000]);
  });

  it("has its address and hides its password when it is live", () => {
    const [dispatch] = decideOn(play(app, pushed(), network), database).dispatches;

    expect([live.state, live.metadata]).toEqual([
      "LIVE",
      { image: "shop/app:v1", url: "https://logs", password: "hunter22" },
    ]);
    expect(dispatch?.message.stack.metadata["password"]).toEqual({ $secret: "password#1" });
    expect(JSON.stringify(dispatch)).not.toContain("hunter22");
    expect(readSecrets(live, ["password#1"])).toEqual({ "password#1": "hunter22" });
  });

  it("tries to build three times, then is broken", () => {
    const twice = play(app, pushed(), failed("network"), failed("network"));

    expect([twice.state, twice.visits, detailsOf(twice)]).toEqual([
      "BUILD",
      { INIT: 1, BUILD: 3 },
      ["network RUNNING", "database WAITING", "app WAITING"],
    ]);
    expect(decideOn(twice, failed("network")).stack.state).toBe("BROKEN");
  });

  it("tries the database four times by itself", () => {
    const { stack } = decideOn(play(app, pushed(), network), failed("database"));

    expect(stack.timers.map(({ event, dueAt, jitterMs }) => [event, dueAt, jitterMs])).toEqual([
      ["TIMEOUT", 2_701_000, undefined],
      ["TASK_RETRY_DUE", 6_000, 5_000],
    ]);
  });

  it("is cleaned up after 72 hours, unless somebody keeps it", () => {
    const [timer] = live.timers;
    const kept = decideOn(live, anEvent("KEEP", { at: 9_000 })).stack;
    const merged = { origin: "timer", timerId: timer?.id ?? "", at: timer?.dueAt ?? 0 } as const;

    const { stack } = decideOn(live, anEvent("MERGED", merged));

    expect([kept.state, kept.timers[0]?.dueAt]).toEqual(["LIVE", 9_000 + 259_200_000]);
    expect([stack.state, detailsOf(stack)]).toEqual(["CLEAN-UP", ["remove RUNNING"]]);
    expect(decideOn(stack, done("remove")).removed).toBe(true);
  });

  it("waits for what it left before it cleans up", () => {
    const building = play(app, pushed(), anEvent("MERGED"));

    expect(detailsOf(building)).toEqual(["remove WAITING"]);
    expect(detailsOf(decideOn(building, failed("network")).stack)).toEqual(["remove RUNNING"]);
  });

  it("refuses an image that is none, and a push without one", () => {
    expect(decide(app, live, pushed("shop app"))).toMatchObject({ code: "METADATA_INVALID" });
    expect(decide(app, live, anEvent("PUSHED"))).toMatchObject({ code: "EVENT_METADATA_REQUIRED" });
  });
});
