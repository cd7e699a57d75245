import { EventBridgeClient, PutEventsCommand, type PutEventsRequestEntry } from "@aws-sdk/client-eventbridge";
import { describe, expect, it } from "vitest";
import { type AwsEvent, type EventPattern, matchesPattern, toStateEvent } from "./event-bridge.ts";
import { ACCOUNT, createWorld, OTHER } from "./testing/a-world.ts";

const REGION = "eu-west-1";
const ENTRY = { Source: "stackyard", DetailType: "Stack changed", Detail: '{"stack":"a"}' };

function createBus(pattern: EventPattern = {}) {
  const world = createWorld();
  const got: AwsEvent[] = [];
  const at = { account: ACCOUNT, region: REGION };
  world.sim.eventBridge.addRule({ ...at, pattern, target: (event) => void got.push(event) });
  const bus = world.client(EventBridgeClient);
  const put = (...Entries: PutEventsRequestEntry[]) => bus.send(new PutEventsCommand({ Entries }));
  const place = { ...at, at: world.clock.now() };
  return { ...world, got, put, place, events: world.sim.eventBridge };
}

describe("PutEvents", () => {
  it("brings an event to the rules that it fits", async () => {
    const { got, put, events } = createBus({ source: ["stackyard"], detail: { stack: ["a"] } });

    const { Entries } = await put(ENTRY, { ...ENTRY, Detail: '{"stack":"b"}' });
    await events.deliver();

    expect(got).toEqual([
      {
        version: "0",
        id: Entries?.[0]?.EventId,
        source: "stackyard",
        "detail-type": "Stack changed",
        account: ACCOUNT,
        region: REGION,
        time: "2026-01-01T00:00:00Z",
        resources: [],
        detail: { stack: "a" },
      },
    ]);
  });

  it("accepts valid entries and reports the others by error code", async () => {
    const { put } = createBus();

    const answer = await put(ENTRY, { ...ENTRY, Detail: "{" }, { ...ENTRY, Source: "aws.ec2" }, { Source: "a" });

    expect(answer.FailedEntryCount).toBe(3);
    expect(answer.Entries?.map(({ ErrorCode }) => ErrorCode)).toEqual([
      ...[undefined, "MalformedDetail", "NotAuthorizedForSourceException", "InvalidArgument"],
    ]);
  });

  it("refuses 11 entries, a megabyte, and a request with nothing in it", async () => {
    const { put } = createBus();
    const refused = { name: "ValidationException" };

    await expect(put(...Array.from({ length: 11 }, () => ENTRY))).rejects.toMatchObject(refused);
    await expect(put({ ...ENTRY, Detail: JSON.stringify("x".repeat(1_048_576)) })).rejects.toMatchObject(refused);
    await expect(put({ Source: "a" })).rejects.toMatchObject(refused);
  });

  it("brings an event to its own bus only", async () => {
    const { got, put, events } = createBus();

    await put({ ...ENTRY, EventBusName: "other" });
    await events.deliver();

    expect(got).toEqual([]);
  });
});

describe("a bus of another account", () => {
  function createReceipts(allows: readonly string[]) {
    const world = createWorld();
    const got: AwsEvent[] = [];
    const at = { account: OTHER, region: REGION };
    const arn = world.sim.eventBridge.addBus({ ...at, name: "receipts", allows });
    world.sim.eventBridge.addRule({ ...at, bus: "receipts", pattern: {}, target: (event) => void got.push(event) });
    const put = (region = REGION) =>
      world
        .client(EventBridgeClient, undefined, region)
        .send(new PutEventsCommand({ Entries: [{ ...ENTRY, EventBusName: arn }] }));
    return { ...world, got, put };
  }

  it("takes events of accounts that its policy lets in, and stamps who sent them", async () => {
    const { put, got, sim } = createReceipts([ACCOUNT]);

    const { FailedEntryCount } = await put();
    await sim.eventBridge.deliver();

    expect(FailedEntryCount).toBe(0);
    expect(got).toMatchObject([{ account: ACCOUNT, region: REGION, detail: { stack: "a" } }]);
  });

  it("refuses others, and what comes through another region", async () => {
    const [closed, open] = [createReceipts(["999988887777"]), createReceipts([ACCOUNT])];

    for (const answer of [await closed.put(), await open.put("us-east-1")]) {
      expect(answer.Entries).toMatchObject([{ ErrorCode: "AccessDeniedException" }]);
    }
    expect([closed.sim.eventBridge.waiting, open.sim.eventBridge.waiting]).toEqual([[], []]);
  });
});

describe("delivery", () => {
  it("may come twice and the last first", async () => {
    const { got, events, place } = createBus({ source: ["aws.ec2"] });
    events.emit(toStateEvent(place, "i-1", "pending"));
    events.emit(toStateEvent(place, "i-1", "running"));
    expect(events.waiting).toHaveLength(2);

    await events.deliver({ copies: 2, reversed: true });

    expect(got.map(({ detail }) => detail["state"])).toEqual(["running", "running", "pending", "pending"]);
    expect(got[0]?.id).toBe(got[1]?.id);
    expect(events.waiting).toEqual([]);
  });

  it("returns what a target throws and continues", async () => {
    const { events, place, got } = createBus();
    const at = { account: ACCOUNT, region: REGION };
    events.addRule({ ...at, pattern: {}, target: () => Promise.reject(new Error("down")) });
    events.emit(toStateEvent(place, "i-1", "running"));
    events.emit(toStateEvent(place, "i-2", "running"));

    expect(await events.deliver()).toHaveLength(2);
    expect(got).toHaveLength(2);
  });
});

describe("a pattern", () => {
  const event = { source: "aws.ec2", detail: { state: "running", zones: ["a", "b"] } };

  it.each<[EventPattern, boolean]>([
    [{ source: ["aws.ssm", "aws.ec2"] }, true],
    [{ source: ["aws.ssm"] }, false],
    [{ source: [{ prefix: "aws." }], detail: { state: ["running"] } }, true],
    [{ source: [{ suffix: ".ssm" }] }, false],
    [{ detail: { zones: ["b"] } }, true],
    [{ detail: { state: [{ "anything-but": ["running"] }] } }, false],
    [{ detail: { state: [{ "anything-but": "stopped" }] } }, true],
    [{ detail: { reason: [{ exists: false }] } }, true],
    [{ detail: { state: [{ exists: false }] } }, false],
    [{ none: { of: ["this"] } }, false],
  ])("%j fits: %s", (pattern, expected) => {
    expect(matchesPattern(event, pattern)).toBe(expected);
  });

  it("with an operator that is not simulated is an error", () => {
    expect(() => matchesPattern(event, { source: [{ wildcard: "*" }] })).toThrow("no operator wildcard");
  });
});

describe("events of AWS", () => {
  it("have the names that rules look for", () => {
    const { place } = createBus();

    expect(toStateEvent(place, "i-1", "running")).toMatchObject({
      source: "aws.ec2",
      "detail-type": "EC2 Instance State-change Notification",
      detail: { "instance-id": "i-1", state: "running" },
      account: ACCOUNT,
      region: REGION,
      resources: [`arn:aws:ec2:${REGION}:${ACCOUNT}:instance/i-1`],
    });
  });
});
