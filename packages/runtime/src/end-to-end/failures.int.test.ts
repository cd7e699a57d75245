import { createFakeClock, type FakeClock } from "@stackyard/core/testing";
import { createDeadLetterQueue } from "@stackyard/transport-sqs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Account, startAccount } from "../testing/start-account.ts";
import { type LambdaYard, type LambdaYardInput, startLambdaYard } from "../testing/start-lambda-yard.ts";
import { REVIEW_APP } from "../testing/start-manager.ts";

let account: Account;
let clock: FakeClock;
let yard: LambdaYard | undefined;
beforeAll(async () => {
  account = await startAccount();
});
afterAll(() => account.stop());
beforeEach(() => {
  clock = createFakeClock();
  for (const name of ["network", "db"]) account.functions.add(name, () => null);
});
afterEach(() => yard?.stop());

async function start(input: Partial<LambdaYardInput> = {}): Promise<LambdaYard> {
  yard = await startLambdaYard({ account, clock, machines: { "review-app": REVIEW_APP }, ...input });
  return yard;
}

const opened = (stackId: string) => ({ stackId, event: "OPENED", machine: "review-app" });

describe("a batch of which one stack cannot be written", () => {
  it.each(["", ".fifo"] as const)(
    "is worked but for that one, whose events come again in order (*%s)",
    async (suffix) => {
      const { host, send, find, sources, outcomes } = await start({ suffix, batchSize: 10 });
      const allow = account.door.refuse(({ service, body }) => service === "dynamodb" && body.includes("broken"));

      await send(...["ok-1", "broken", "ok-2"].map(opened), { stackId: "broken", event: "MERGED" });
      await host.until(async () => (await find("ok-1")) === "LIVE" && (await find("ok-2")) === "LIVE");
      await host.until(() => sources.events.waiting > 0 && sources.events.busy + sources.tasks.busy === 0);
      allow();
      await clock.advance(30_000);
      await host.until(async () => (await find("broken")) === "CLEAN-UP PENDING");

      expect(outcomes("state-manager")).not.toContain("timed-out");
    },
  );
});

describe("a batch whose mapping reads no answer, as the predecessor's users may have it", () => {
  it("loses nothing, and brings again only what its stack has refused", async () => {
    const { host, find, sources } = await start({
      batchSize: 10,
      reportsFailures: false,
      managerEnvironment: { REFUSED_EVENTS: "redeliver" },
      backlog: [opened("pr-1"), { stackId: "pr-1", event: "MERGED" }],
    });
    await host.until(async () => (await find("pr-1")) === "LIVE");
    await host.until(() => sources.events.busy + sources.tasks.busy === 0);
    await clock.advance(30_000);
    await host.until(async () => (await find("pr-1")) === "CLEAN-UP PENDING");
    await host.idle();

    const events = host.invocations.map(({ event }) => JSON.stringify(event));
    expect(events.filter((text) => text.includes("OPENED"))).toHaveLength(1);
    expect(events.filter((text) => text.includes("MERGED"))).toHaveLength(2);
  });
});

describe("poison messages", () => {
  it("are acknowledged and reported, and block nothing", async () => {
    const { host, send, find, count } = await start({ batchSize: 10 });

    await send("{not JSON", '{"event":"OPENED"}', '"text"', { ...opened("pr-1"), metadata: ["a"] }, opened("pr-2"));
    await host.until(async () => (await find("pr-2")) === "LIVE");
    await host.idle();

    expect([await count("events"), await count("eventDeadLetters"), await find("pr-1")]).toEqual([0, 0, ""]);
  });

  it("do not loop in a runner", async () => {
    const { host, queues, outcomes, count } = await start();

    await account.cloud.send(queues.tasks, "{not JSON");
    await host.until(() => outcomes("task-runner").length > 0);
    for (let deliveries = 1; deliveries < 8; deliveries += 1) {
      await clock.advance(600_000);
      await host.idle();
    }

    expect(outcomes("task-runner").length).toBeLessThanOrEqual(5);
    expect([await count("tasks"), await count("taskDeadLetters")]).toEqual([0, 1]);
  });
});

describe("a state manager that may not write", () => {
  it("leaves events in the dead-letter queue, from which they are sent again", async () => {
    const { host, send, find, queues, outcomes, count } = await start();
    const allow = account.door.refuse(({ service, operation }) => service === "dynamodb" && operation === "PutItem");

    await send(opened("pr-1"));
    for (let deliveries = 0; deliveries < 6; deliveries += 1) {
      await host.until(() => outcomes("state-manager").length >= Math.min(deliveries + 1, 5));
      await clock.advance(30_000);
      await host.idle();
    }
    expect([await count("events"), await count("eventDeadLetters"), await find("pr-1")]).toEqual([0, 1, ""]);

    allow();
    const { sqs } = account.cloud;
    const letters = createDeadLetterQueue({ sqs, url: queues.eventDeadLetters, targetUrl: queues.events });
    expect(await letters.redrive()).toMatchObject([{ stackId: "pr-1" }]);

    await host.until(async () => (await find("pr-1")) === "LIVE");
    expect(await count("eventDeadLetters")).toBe(0);
  });
});
