import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type Account, startAccount } from "./an-account.ts";

const FILES = { "app.zip": "the app", "template.yaml": "AWSTemplateFormatVersion: 2010-09-09\n" };
const KEYS = ["artifacts/billing-api/1.4.2/app.zip", "artifacts/billing-api/1.4.2/template.yaml"];

let account: Account;
beforeAll(async () => {
  account = await startAccount();
});
afterAll(() => account.stop());

describe("the function with roles that are seconds old, in processes of its own", () => {
  it("registers consumers and delivers an artifact to each", async () => {
    const consumers = [account.addConsumer("eu-west-1"), account.addConsumer("us-east-1")];

    for (const consumer of consumers) await consumer.register();
    await vi.waitFor(
      async () => {
        const answer = await account.invoke({ op: "consumers" });
        expect(answer).toMatchObject({ answer: { items: [{ region: "eu-west-1" }, { region: "us-east-1" }] } });
      },
      { timeout: 60_000, interval: 200 },
    );
    await account.publish("billing-api", "1.4.2", FILES);
    await vi.waitFor(() => expect(account.covered).toHaveLength(1), { timeout: 60_000, interval: 100 });

    expect(consumers.map(({ stored }) => [...stored.keys()].sort())).toEqual([KEYS, KEYS]);
    expect(account.covered).toMatchObject([{ detail: { name: "billing-api", version: "1.4.2", consumers: 2 } }]);
    // The delay was there: of the table, and of the role that signs.
    expect(account.denied.length).toBeGreaterThan(0);
    expect(account.sim.calls.filter(({ operation }) => operation === "STS.AssumeRole").length).toBeGreaterThan(1);
  });
});
