import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Distribution, startDistribution } from "./testing/a-distribution.ts";

const FILES = { "app.zip": "the app", "template.yaml": "AWSTemplateFormatVersion: 2010-09-09\n" };
const KEYS = ["artifacts/billing-api/1.4.2/app.zip", "artifacts/billing-api/1.4.2/template.yaml"];

let all: Distribution;
beforeEach(async () => {
  all = await startDistribution();
});
afterEach(() => all.stop());

describe("the app over DynamoDB, S3, SNS, EventBridge and Step Functions", () => {
  it("delivers an artifact to every consumer, and reports when all have stored it", async () => {
    const consumers = [all.addConsumer("111122223333", "eu-west-1"), all.addConsumer("444455556666", "us-east-1")];
    for (const consumer of consumers) await consumer.register();
    await all.settle();

    await all.publish("billing-api", "1.4.2", FILES);
    await all.settle();

    expect(consumers.map(({ stored }) => [...stored.keys()].sort())).toEqual([KEYS, KEYS]);
    expect(all.covered).toMatchObject([{ detail: { name: "billing-api", version: "1.4.2", consumers: 2 } }]);
    expect(await all.app.handler({ op: "coverage" })).toMatchObject({
      answer: { rows: [{ covered: true, cells: [{ status: "stored" }, { status: "stored" }] }] },
    });
  });

  it("fills a new consumer without anybody asking", async () => {
    await all.publish("billing-api", "1.4.2", FILES);
    await all.settle();
    const consumer = all.addConsumer("111122223333", "eu-west-1");
    await consumer.register();
    await all.settle();

    await all.app.handler({ op: "schedule" });
    await all.settle();

    expect(all.sim.stepFunctions.executions.map(({ status }) => status)).toEqual(["SUCCEEDED"]);
    expect([...consumer.stored.keys()].sort()).toEqual(KEYS);
    expect(all.covered).toHaveLength(1);
  });

  it("believes no consumer that is not trusted, and none that speaks for another", async () => {
    const stranger = all.addConsumer("222233334444", "eu-west-1");
    await stranger.register();
    await all.publish("billing-api", "1.4.2", FILES);
    await all.settle();

    expect(await all.app.handler({ op: "consumers" })).toMatchObject({ answer: { items: [] } });
    expect(all.covered).toEqual([]);
    expect(all.told.some((line) => line.includes("ACCOUNT_NOT_TRUSTED"))).toBe(true);
  });

  it("lets no URL into its log, its metrics or its records", async () => {
    const consumer = all.addConsumer("111122223333", "eu-west-1");
    await consumer.register();
    await all.publish("billing-api", "1.4.2", FILES);
    await all.settle();
    await all.app.handler({ op: "schedule" });

    const answers = await Promise.all(
      ["list", "coverage", "consumers"].map(async (op) => JSON.stringify(await all.app.handler({ op }))),
    );

    expect(consumer.stored.size).toBe(2);
    expect([...all.told, ...answers].filter((line) => /X-Amz-|Signature/.test(line))).toEqual([]);
  });
});
