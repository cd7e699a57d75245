import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { createAwsSim, createSimPlugin, SimFault } from "@stackyard/aws-sim";
import { silentLogger } from "@stackyard/core";
import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createEventSender } from "./event-sender.ts";

const account = "444455556666";
const TAKEN = { kind: "taken" } as const;
const eventOf = (index: number) => ({ detailType: "artifact.receipt", detail: { index } }) as const;

function createBus(allowed: readonly string[] = [account]) {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  const credentials = sim.iam.addUser({ account, name: "consumer" });
  const bus = sim.eventBridge.addBus({
    account: "111122223333",
    region: "eu-west-1",
    name: "receipts",
    allows: allowed,
  });
  const client = new EventBridgeClient({ region: "eu-west-1", credentials, maxAttempts: 1 });
  client.middlewareStack.use(createSimPlugin(sim));
  const sizes = () => sim.calls.map(({ input }) => Object(input["Entries"]).length);
  return { clock, sim, sizes, sender: createEventSender({ client, bus, clock, logger: silentLogger }) };
}

describe("the sender of events", () => {
  it("puts what comes while a request is under way into the next ones, ten at the most", async () => {
    const { sender, sim, sizes } = createBus();

    const taken = await Promise.all(Array.from({ length: 25 }, (_, index) => sender.send(eventOf(index))));

    expect(new Set(taken.map(({ kind }) => kind))).toEqual(new Set(["taken"]));
    expect(sizes()).toEqual([1, 10, 10, 4]);
    expect(sim.eventBridge.waiting[3]).toMatchObject({ source: "stackyard.consumer", detail: { index: 3 }, account });
  });

  it("sends again only what the bus did not take", async () => {
    const { sender, sim, clock, sizes } = createBus();
    const sent = [sender.send(eventOf(0))];
    sim.once("EventBridge.PutEvents", async (proceed) => proceed());
    sim.once("EventBridge.PutEvents", async () => ({
      FailedEntryCount: 1,
      Entries: [{ EventId: "1" }, { ErrorCode: "ThrottlingException" }],
    }));
    sent.push(sender.send(eventOf(1)), sender.send(eventOf(2)));
    await clock.advance(1_000);

    expect(await Promise.all(sent)).toEqual([TAKEN, TAKEN, TAKEN]);
    expect(sizes()).toEqual([1, 1]);
    expect(sim.eventBridge.waiting.at(-1)).toMatchObject({ detail: { index: 2 } });
  });

  it("gives up after three repeats, and never throws", async () => {
    const { sender, sim, clock } = createBus();
    const failing = { tries: 0 };
    const fail = () => {
      failing.tries += 1;
      sim.once("EventBridge.PutEvents", fail);
      return Promise.reject(new SimFault("InternalException", 500, "broken"));
    };
    sim.once("EventBridge.PutEvents", fail);

    const sent = sender.send(eventOf(0));
    await clock.advance(60_000);

    expect(await sent).toEqual({ kind: "refused", reason: "InternalException: broken", isDenied: false });
    expect(failing.tries).toBe(4);
  });

  it("repeats a denied entry for two minutes, because the role may be new", async () => {
    const { sender, sizes, clock } = createBus([]);

    const sent = sender.send(eventOf(0));
    await clock.advance(119_000);
    const tries = sizes().length;
    await clock.advance(1_000);

    expect(await sent).toEqual({
      kind: "refused",
      reason: expect.stringMatching(/^AccessDeniedException: User: /),
      isDenied: true,
    });
    expect(tries).toBeGreaterThan(5);
    expect((await sender.send(eventOf(1))).kind).toBe("refused");
  });

  it("does not repeat what no time changes", async () => {
    const { sender, sim, sizes } = createBus();
    const Entries = [{ ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed." }];
    sim.once("EventBridge.PutEvents", async () => ({ FailedEntryCount: 1, Entries }));

    expect(await sender.send(eventOf(0))).toEqual({
      kind: "refused",
      reason: "MalformedDetail: Detail is malformed.",
      isDenied: false,
    });
    expect(sizes()).toEqual([]);
  });
});
