import { createDynamodbStore } from "@stackyard/store-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createStateManager } from "./state-manager.ts";
import { silentTelemetry } from "./testing/silent-telemetry.ts";
import { type Cloud, startCloud } from "./testing/start-cloud.ts";
import { type Manager, startManager } from "./testing/start-manager.ts";

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud.stop());

const MACHINE = `
version: 2
events:
  OPENED: {}
  DEPLOY: { allow: "'release-managers' in actor.groups" }
states:
  INIT: { on: { OPENED: READY } }
  READY: { on: { DEPLOY: LIVE } }
  LIVE: { on: {} }
`;
const opened = { stackId: "pr-12", event: "OPENED", machine: "app" };
const deploy = { stackId: "pr-12", event: "DEPLOY", id: "d1" };
const toSenders = (id: string) => JSON.stringify([{ id, groups: ["release-managers"] }]);
const context = { getRemainingTimeInMillis: () => 30_000 };

const start = (senders: string) =>
  startManager(cloud, { machines: { app: MACHINE }, environment: { QUEUE_SENDERS: senders } });

/** The lines of a stack: event, outcome, code and sender, oldest first. */
async function listHistory({ environment }: Manager): Promise<readonly string[]> {
  const store = await createDynamodbStore({ client: cloud.dynamodb, table: environment["DYNAMODB_TABLE"] ?? "" });
  const { items } = await store.queries.listHistory({ stackId: "pr-12" }, { limit: 20 });
  await store.close();
  return items.map(({ event, outcome, code = "", actor = "" }) => `${event} ${outcome} ${code} ${actor}`.trim());
}

describe("an event with allow, in a function", () => {
  /** Lets the function work on a message that SQS says is of that sender. */
  async function playAs(manager: Manager, senderId: string, ...events: readonly unknown[]): Promise<void> {
    for (const event of events) await cloud.send(manager.queues.events, event);
    for (let batch = await cloud.receive(manager.queues.events); batch; ) {
      const Records = batch.Records.map((record) => ({
        ...record,
        attributes: { ...record.attributes, SenderId: senderId },
      }));
      await manager.app.handler({ Records }, context);
      await cloud.settle(batch, []);
      batch = await cloud.receive(manager.queues.events);
    }
  }

  it("is applied for a session of a mapped role, and recorded under its name", async () => {
    const manager = await start(toSenders("AROAEXAMPLE:*"));

    await playAs(manager, "AROAOTHER:bob", opened);
    await playAs(manager, "AROAEXAMPLE:ada", { ...deploy, actor: "mallory" });

    expect(await listHistory(manager)).toEqual(["OPENED applied", "DEPLOY applied  ada"]);
  });

  it("is NOT_ALLOWED for others, whatever they write, and through a topic", async () => {
    const manager = await start(toSenders("AROAEXAMPLE:*"));
    const sender = { kind: "aws", id: "AROAEXAMPLE:ada", name: "ada", groups: ["release-managers"] };
    const forged = { ...deploy, id: "d2", sender, SenderId: sender.id, groups: sender.groups };
    const enveloped = { Type: "Notification", MessageId: "n1", Message: JSON.stringify({ ...deploy, id: "d3" }) };

    await playAs(manager, "AROAOTHER:bob", opened, deploy);
    await playAs(manager, "AROAOTHER:bob", forged);
    await playAs(manager, "AROAEXAMPLE:ada", enveloped);

    expect(await listHistory(manager)).toEqual([
      "OPENED applied",
      ...Array.from({ length: 3 }, () => expect.stringMatching(/^DEPLOY \S+ NOT_ALLOWED/)),
    ]);
  });
});

describe("an event with allow, in a container", () => {
  /** The emulator names the account as the sender of every message. */
  it.each([
    ["000000000000", "DEPLOY applied"],
    ["111122223333", "NOT_ALLOWED"],
  ])("is decided by the SenderId that the queue gives: %s is mapped", async (id, expected) => {
    const manager = await start(toSenders(id));
    const environment = { ...manager.environment, SQS_EVENT_QUEUE_URL: manager.queues.events };
    const stopping = new AbortController();
    const running = createStateManager({ environment, telemetry: silentTelemetry }).main(stopping.signal);

    await cloud.send(manager.queues.events, opened);
    await expect.poll(() => listHistory(manager)).toHaveLength(1);
    await cloud.send(manager.queues.events, deploy);
    await expect.poll(() => listHistory(manager)).toHaveLength(2);
    stopping.abort();

    expect(await running).toBe(0);
    expect((await listHistory(manager))[1]).toContain(expected);
  });
});
