import { readFileSync } from "node:fs";
import { join } from "node:path";
import { defineExecutor, failed, running, succeeded } from "@stackyard/core";
import type { Sender } from "@stackyard/core/access";
import { createStaticLocator, publishMessages } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import { countingIds, createSimulator, type Simulator } from "@stackyard/core/testing";
import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { createGateExecutor } from "../gate/gate.ts";
import { createNoHolds } from "../testing/a-release-yard.ts";
import { createDeployExecutor } from "./deploy.ts";

const MINUTE = 60_000;
const RELEASE = "shop-1.42.0";
const TENANTS = Array.from({ length: 6 }, (_, index) => `t${index}`);
const OTHERS = ["shop-staging", "shop-prod"];

const person = (id: string, ...groups: readonly string[]): Sender => ({ kind: "person", id, name: id, groups });
const [ada, rita] = [person("ada", "releasers"), person("rita", "release-managers")] as const;

/** The example as it is, but for the alarms: there is no CloudWatch here. */
function readMachine(name: string): string {
  const path = join(import.meta.dirname, "../../../../examples/promotion/machines", `${name}.yaml`);
  return readFileSync(path, "utf8").replace(/,? *alarms: \[[^\]]*\]/g, "");
}

/** Builds that fail where the test wants it. */
function build(name: string, { ran, fails }: Pick<Example, "ran" | "fails">) {
  return defineExecutor({
    name,
    config: Type.Record(Type.String(), Type.Unknown()),
    progress: Type.Object({}),
    start: async () => running({ progress: {}, pollAfterMs: 5_000, message: "Builds." }),
    async poll({ stackId, metadata }) {
      const version = String(metadata["api"]);
      if (fails(stackId, version)) {
        return failed({ code: "BUILD_FAILED", message: "The build has failed.", retryable: false });
      }
      ran.set(stackId, version);
      return succeeded({});
    },
  });
}

interface Example {
  readonly yard: Simulator;
  /** What the last successful build of each stack was of. */
  readonly ran: Map<string, string>;
  fails: (stack: string, version: string) => boolean;
  send(stackId: string, event: string, body?: object, sender?: Sender): Promise<void>;
  stateOf(stackId?: string): Promise<string | undefined>;
}

function anExample(): Example {
  const hooks = { ran: new Map<string, string>(), fails: (_stack: string, _version: string) => false };
  const late = { ran: hooks.ran, fails: (stack: string, version: string) => example.fails(stack, version) };
  const deploy = createDeployExecutor(createNoHolds);
  const executors = [deploy, createGateExecutor(), build("terraform", late), build("lambda", late)];
  const byName = new Map(executors.map((executor) => [executor.name, executor]));
  const parsed = ["shop", "tenant", "shop-release"].map((name) => {
    const source = readMachine(name);
    const { machine, problems } = parseMachine(source, { name, executors: byName });
    if (machine === undefined) throw new Error(JSON.stringify(problems));
    return { machine, source };
  });
  const yard = createSimulator({ machines: [], locator: createStaticLocator(parsed), executors });
  let sent = 0;
  const example: Example = {
    ...hooks,
    yard,
    stateOf: async (stackId = RELEASE) => (await yard.findStack(stackId))?.state,
    async send(stackId, event, body = {}, sender = ada) {
      sent += 1;
      const message = { ...body, id: `e${sent}`, stackId, event };
      await publishMessages({ store: yard.store, clock: yard.clock, ids: countingIds() }, [message], { sender });
      await yard.settle();
    },
  };
  return example;
}

async function open(example: Example, ring = (index: number) => (index < 2 ? "canary" : "rest")): Promise<void> {
  const metadata = { api: "1.41.0" };
  for (const id of OTHERS) await example.send(id, "OPENED", { machine: "shop", metadata });
  for (const [index, id] of TENANTS.entries()) {
    await example.send(id, "OPENED", { machine: "tenant", metadata: { ...metadata, ring: ring(index), tier: "gold" } });
  }
  await example.yard.advance(MINUTE);
}

async function answer(example: Example, event: string): Promise<void> {
  const stack = await example.yard.findStack(RELEASE);
  const of = stack?.approvals?.["approve"]?.of;
  if (of !== undefined) await example.send(RELEASE, event, { task: { name: "approve" }, of, comment: "c" }, rita);
}

/** Lets two days pass, or less until the release is in a state with a task; a green release means that every stack runs it. */
async function pass(example: Example, { until = "", approves = true } = {}): Promise<void> {
  for (let step = 0; step < 200; step += 1) {
    if (approves) await answer(example, "APPROVE_TASK");
    await example.yard.advance(15 * MINUTE);
    const stack = await example.yard.findStack(RELEASE);
    if (stack?.state === "DONE") expect(await listElsewhere(example)).toEqual([]);
    const task = stack?.tasks.find(({ name }) => name === until);
    if (task?.detail === "RUNNING" || task?.detail === "APPROVING") return;
  }
}

async function listElsewhere({ ran, stateOf }: Example): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const id of [...TENANTS, "shop-prod"]) {
    if (ran.get(id) !== "1.42.0" || (await stateOf(id)) !== "LIVE") wrong.push(id);
  }
  return wrong;
}

const release = (example: Example) =>
  example.send(RELEASE, "RELEASED", { machine: "shop-release", metadata: { api: "1.42.0" } });

const breaks =
  (...ids: readonly string[]) =>
  async (example: Example) => {
    example.fails = (stack, version) => version === "1.42.0" && ids.includes(stack);
    await release(example);
    await pass(example);
  };

const setsByHand = (stack: string, until: string) => async (example: Example) => {
  await release(example);
  await pass(example, { until });
  await example.send(stack, "SET", { metadata: { api: "1.40.0" } });
  await pass(example);
};

const FAILURES: readonly (readonly [string, (example: Example) => Promise<void>, string])[] = [
  ["staging", breaks("shop-staging"), "STOPPED"],
  ["soak", setsByHand("shop-staging", "soak"), "STOPPED"],
  [
    "approve",
    async (example) => {
      await release(example);
      await pass(example, { until: "approve", approves: false });
      await answer(example, "REJECT_TASK");
      await pass(example, { approves: false });
    },
    "STOPPED",
  ],
  ["production", breaks("shop-prod"), "STOPPED"],
  ["watch", setsByHand("shop-prod", "watch"), "STOPPED"],
  ["tenants, at a canary", breaks("t0"), "PRODUCTION"],
  ["tenants, at the end", breaks("t5"), "PRODUCTION"],
  [
    "undo-production",
    async (example) => {
      example.fails = (stack) => stack === "shop-prod";
      await release(example);
      await pass(example);
    },
    "STOPPED",
  ],
];

describe("the release machine of the example", () => {
  it.each(FAILURES)("is not done after a failure of %s, and is once that is repaired", async (_, fail, state) => {
    const example = anExample();
    await open(example);

    await fail(example);
    const during = await example.stateOf();
    example.fails = () => false;
    if (during === "PRODUCTION") await example.send(RELEASE, "RETRY_FAILED_TASKS");
    if (during !== "PRODUCTION") await example.send(RELEASE, "AGAIN");
    await pass(example);

    expect([during, await example.stateOf()]).toEqual([state, "DONE"]);
    expect(await listElsewhere(example)).toEqual([]);
  });

  it("is not done after a failure of plan, because no tenant is a canary", async () => {
    const example = anExample();
    await open(example, () => "rest");
    await release(example);
    await pass(example);

    expect(await example.stateOf()).toBe("STOPPED");
    expect(new Set(TENANTS.map((id) => example.ran.get(id)))).toEqual(new Set(["1.41.0"]));
  });

  it.each(FAILURES)("goes back to what was before a failure of %s", async (_, fail) => {
    const example = anExample();
    await open(example);
    await fail(example);
    example.fails = () => false;
    const byHand = new Set(OTHERS.filter((id) => example.ran.get(id) === "1.40.0"));

    await example.send(RELEASE, "ROLLBACK");
    await pass(example, { approves: false });

    const elsewhere = [...TENANTS, "shop-prod"].filter((id) => example.ran.get(id) !== "1.41.0" && !byHand.has(id));
    expect(elsewhere).toEqual([]);
    expect(await example.stateOf()).not.toBe("DONE");
  });
});
