import { createAwsSim } from "@stackyard/aws-sim";
import { createMemoryRecords, createRandom } from "@stackyard/core/testing";
import { type DistributorReply, toManifestText } from "@stackyard/sdk/artifacts";
import { beforeEach, describe, expect, it } from "vitest";
import type { DistributorOptions } from "./context.ts";
import { createDistributor } from "./distributor.ts";
import { PLACE, T0 } from "./testing/a-cell.ts";
import { aRegistration, SOURCE } from "./testing/a-distributor-world.ts";
import { createFleet } from "./testing/a-fleet.ts";
import { createPassingClock } from "./testing/passing-clock.ts";
import { runExecution } from "./testing/run-execution.ts";
import { openSimClients } from "./testing/sim-clients.ts";

const KEY = "artifacts/billing-api/1.4.2/manifest.json";
const FILE = "artifacts/billing-api/1.4.2/app.zip";
const OBJECT = { bucket: { name: "source" }, object: { key: KEY } };
const CREATED = { source: "aws.s3", "detail-type": "Object Created", account: SOURCE.account, detail: OBJECT };
const NOTIFICATION = { eventSource: "aws:s3", eventName: "ObjectCreated:Put", s3: OBJECT };

function createWorld(over: Partial<DistributorOptions> = {}) {
  const clock = createPassingClock(T0);
  const sim = createAwsSim({ clock });
  const { credentials, ...clients } = openSimClients(sim, SOURCE);
  sim.s3.createBucket({ ...SOURCE, name: "source", versioned: true });
  const topicArn = sim.sns.addTopic({ ...SOURCE, name: "artifacts" });
  const metrics: string[] = [];
  const distributor = createDistributor({
    config: {
      ...SOURCE,
      bucket: "source",
      prefix: "artifacts/",
      uploadPrefix: "uploads/",
      topicArn,
      trustedAccounts: [PLACE.account],
    },
    ...clients,
    records: createMemoryRecords(),
    clock,
    random: createRandom(1),
    credentials: async () => credentials,
    write: (line) => void metrics.push(line),
    ...over,
  });
  const attributes = () => sim.sns.published(topicArn).map((message) => message.attributes);
  const sent = () => sim.sns.published(topicArn).map(({ body }) => JSON.parse(body));
  return { sim, distributor, sent, attributes, metrics };
}

let world: ReturnType<typeof createWorld>;
beforeEach(() => {
  world = createWorld();
});

/** Puts an artifact of one file into the bucket, as `publish` does. */
function writeArtifact(): void {
  world.sim.s3.write("source", FILE, "content");
  const sha256 = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73";
  const manifest = {
    v: 1 as const,
    name: "billing-api",
    version: "1.4.2",
    createdAt: "2026-11-20T06:00:00Z",
    files: [{ key: FILE, size: 7, sha256 }],
  };
  world.sim.s3.write("source", KEY, toManifestText(manifest));
}

async function ask(request: unknown): Promise<DistributorReply> {
  return (await world.distributor.handle(request)) as DistributorReply;
}

describe("a manifest that appears", () => {
  const inQueue = (event: unknown) => ({
    Records: [{ eventSource: "aws:sqs", messageId: "m-1", body: JSON.stringify(event) }],
  });
  const inTopic = (event: unknown) => ({
    Records: [{ EventSource: "aws:sns", Sns: { Message: JSON.stringify(event) } }],
  });

  it.each([
    ["an event of EventBridge", CREATED],
    ["a notification", { Records: [NOTIFICATION] }],
    ["a notification through a topic", inTopic({ Records: [NOTIFICATION] })],
    ["a notification through a queue", inQueue({ Records: [NOTIFICATION] })],
    ["an event through a queue", inQueue(CREATED)],
    [
      "a notification through a topic and a queue",
      inQueue({ Type: "Notification", Message: JSON.stringify({ Records: [NOTIFICATION] }) }),
    ],
  ])("is announced to all by %s", async (_, event) => {
    writeArtifact();
    await world.distributor.handle(aRegistration(PLACE));

    await world.distributor.handle(event);

    expect(world.sent()).toMatchObject([{ v: 2, ArtifactKey: FILE, target: { account: "ALL", region: "ALL" } }]);
    expect(await ask({ op: "coverage" })).toMatchObject({
      answer: { rows: [{ name: "billing-api", covered: false, cells: [{ ...PLACE, status: "announced", files: 1 }] }] },
    });
  });

  it.each([
    ["continues the trace of the invocation", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
    ["starts no trace without one", undefined],
  ])("%s", async (_, traceparent) => {
    world = createWorld({ traceparent: () => traceparent });
    writeArtifact();

    await world.distributor.handle(CREATED);

    expect(world.attributes().map((each) => each["traceparent"])).toEqual([traceparent]);
  });

  it("is ignored in another bucket", async () => {
    const detail = { ...OBJECT, bucket: { name: "other" } };

    expect(await world.distributor.handle({ ...CREATED, detail })).toEqual([{ kind: "ignored" }]);
  });
});

describe("one bad event", () => {
  const bodies = ["{", JSON.stringify({ source: "unknown", "detail-type": "x" }), JSON.stringify(CREATED)];

  it("of a queue is reported, and the others are processed", async () => {
    writeArtifact();
    const Records = bodies.map((body, index) => ({ eventSource: "aws:sqs", messageId: `m-${index}`, body }));

    const answer = await world.distributor.handle({ Records });

    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: "m-0" }, { itemIdentifier: "m-1" }] });
    expect(world.sent()).toHaveLength(1);
  });

  it("of a topic fails the call after the others are worked", async () => {
    writeArtifact();
    const Records = bodies.map((Message) => ({ EventSource: "aws:sns", Sns: { Message } }));

    await expect(world.distributor.handle({ Records })).rejects.toMatchObject({ code: "EVENT_INVALID" });

    expect(world.sent()).toHaveLength(1);
  });

  it("of a notification is reported and counted, and the others are processed", async () => {
    writeArtifact();
    const faulty = { ...NOTIFICATION, s3: { ...OBJECT, object: { key: "%E0%A4%A" } } };
    const body = JSON.stringify({ Records: [faulty, NOTIFICATION] });

    const answer = await world.distributor.handle({ Records: [{ eventSource: "aws:sqs", messageId: "m-0", body }] });

    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: "m-0" }] });
    expect(world.sent()).toHaveLength(1);
    const dropped = world.metrics.map((line) => JSON.parse(line)).filter((line) => "DroppedEvents" in line);
    expect(dropped).toMatchObject([{ DroppedEvents: 1, Code: "EVENT_INVALID" }]);
  });

  it.each([null, "x", [], {}, { Records: [] }, { Records: [{}] }, { "detail-type": 5 }, { source: "aws.s3" }])(
    "such as %j is refused",
    async (event) => {
      await expect(world.distributor.handle(event)).rejects.toMatchObject({ code: "EVENT_INVALID" });
    },
  );

  it("of S3's own test does nothing", async () => {
    expect(await world.distributor.handle({ Service: "Amazon S3", Event: "s3:TestEvent" })).toBeUndefined();
  });
});

describe("an event of a consumer", () => {
  it("is dropped and counted when it names another account", async () => {
    const forged = { ...aRegistration(PLACE), account: "222233334444" };

    expect(await world.distributor.handle(forged)).toEqual({ kind: "dropped", code: "ACCOUNT_MISMATCH" });

    expect(world.metrics.map((line) => JSON.parse(line))).toMatchObject([
      { Code: "ACCOUNT_MISMATCH", DroppedEvents: 1 },
    ]);
  });

  it("is rejected without a stamped account", async () => {
    const { account: _, ...event } = aRegistration(PLACE);

    await expect(world.distributor.handle(event)).rejects.toMatchObject({ code: "EVENT_INVALID" });
  });

  it("makes a version covered with the receipt of its last file", async () => {
    writeArtifact();
    await world.distributor.handle(aRegistration(PLACE));
    await world.distributor.handle(CREATED);
    const [{ artifact }] = world.sent();
    const detail = {
      v: 1,
      artifact: { name: "billing-api", version: "1.4.2", key: FILE },
      ...PLACE,
      status: "stored",
      code: null,
      verified: true,
      sourceSha256: artifact.sha256,
      storedSha256: artifact.sha256,
      at: "2026-11-20T06:00:05Z",
      bucket: `bucket-${PLACE.account}-${PLACE.region}`,
    };

    await world.distributor.handle({ ...aRegistration(PLACE), "detail-type": "artifact.receipt", detail });

    expect(await ask({ op: "list" })).toMatchObject({ answer: { items: [{ version: "1.4.2", covered: true }] } });
  });

  it("who wants a fresh URL is announced to that consumer alone", async () => {
    writeArtifact();
    await world.distributor.handle(aRegistration(PLACE));
    await world.distributor.handle(CREATED);
    const detail = { v: 1, distributionId: world.sent()[0].distributionId, key: FILE, ...PLACE };

    await world.distributor.handle({ ...aRegistration(PLACE), "detail-type": "artifact.refresh", detail });

    expect(world.sent()[1]).toMatchObject({ ArtifactKey: FILE, target: PLACE });
  });
});

describe("other events", () => {
  it.each([{ op: "schedule" }, { source: "aws.events", "detail-type": "Scheduled Event", detail: {} }])(
    "%j is the schedule",
    async (event) => {
      expect(await world.distributor.handle(event)).toEqual({
        announced: 0,
        alarmed: 0,
        covered: 0,
        sets: 0,
        removed: 0,
      });
    },
  );

  it("of the state machine are steps, and a wrong input fails it", async () => {
    const task = { op: "initial-set", execution: "first", input: { AccountId: "222233334444", Region: "eu-west-1" } };

    expect(await world.distributor.handle(task)).toMatchObject({ kind: "failed", code: "ACCOUNT_NOT_TRUSTED" });
    expect(await world.distributor.handle({ ...task, input: {} })).toMatchObject({ code: "INITIAL_SET_FAILED" });
  });

  it.each(["", "1", "1111222233334", "11112222333x", "111122223333\n", 111122223333, null])(
    "of the state machine with the account id %j are refused, as of an account that is not trusted",
    async (AccountId) => {
      const task = { op: "initial-set", execution: "first", input: { AccountId, Region: "eu-west-1" } };

      expect(await world.distributor.handle(task)).toEqual({
        kind: "failed",
        code: "ACCOUNT_NOT_TRUSTED",
        askedAt: expect.any(Number),
        message: expect.stringContaining("/input/AccountId"),
      });
    },
  );

  it("that ask for something unknown are answered", async () => {
    expect(await ask({ op: "dance" })).toMatchObject({ kind: "error", code: "USAGE" });
  });

  it("turn another account's upload into an artifact", async () => {
    world.sim.s3.write("source", "uploads/shop/dev/40/app.zip", "content");
    const object = { key: "uploads/shop/dev/40/app.zip", size: 7 };

    await world.distributor.handle({ ...CREATED, detail: { ...OBJECT, object } });
    await world.distributor.handle({ op: "schedule" });

    expect(world.sent()).toMatchObject([{ artifact: { name: "shop/dev/app.zip", version: "40" } }]);
  });
});

type Fleet = ReturnType<typeof createFleet>;
const NEW = { bucket: "another-bucket" };

/** A consumer has a version, and moves to another bucket, where the files of its set come to this end. */
async function move(over: object): Promise<Fleet> {
  const fleet = createFleet();
  await fleet.register(PLACE);
  await fleet.look();
  for (const each of fleet.executions) await runExecution(fleet, each, () => fleet.answer([PLACE]));
  await fleet.created(fleet.write("1", ["a", "b"]));
  await fleet.answer([PLACE]);
  await fleet.clock.advance(3_600_000);
  await fleet.register(PLACE, NEW.bucket);
  await fleet.look();
  for (const each of fleet.executions.slice(1)) {
    await runExecution(fleet, each, () => fleet.answer([PLACE], { ...NEW, ...over }));
  }
  return fleet;
}

describe("a consumer that has moved to another bucket", () => {
  it("has what it says of that bucket", async () => {
    const fleet = await move({ status: "present" });

    expect(await fleet.coverage()).toMatchObject([{ covered: true, cells: [{ status: "present", filesDone: 2 }] }]);
  });

  it("has not what could not be copied there", async () => {
    const fleet = await move({ status: "failed", code: "TARGET_DENIED" });

    expect(await fleet.coverage()).toMatchObject([{ covered: false, cells: [{ status: "failed", filesDone: 0 }] }]);
  });

  it("is sent again what it does not answer", async () => {
    const fleet = await move({ artifact: { name: "app", version: "1", key: "lost" } });

    expect(await fleet.coverage()).toMatchObject([{ covered: false, cells: [{ status: "announced" }] }]);
    const before = fleet.sent().length;
    await fleet.lookFor(1);

    expect(fleet.sent().slice(before)).toHaveLength(4);
  });

  it("does not go back with a late word of the old bucket", async () => {
    const fleet = await move({ status: "failed", code: "TARGET_DENIED" });
    const [message] = fleet.sent().filter(({ ArtifactKey }) => ArtifactKey !== undefined);
    if (message === undefined) throw new Error("Nothing was sent.");
    const at = new Date(fleet.clock.now() - 3_600_000).toISOString();

    expect(await fleet.handle(fleet.receipt(message, PLACE, { at }))).toEqual({ kind: "ignored" });

    const { answer } = (await fleet.handle({ op: "consumer", ...PLACE })) as { answer: object };
    expect(answer).toMatchObject({ ...NEW, cells: [{ status: "failed", filesDone: 0 }] });
  });
});

describe("two versions whose events come in the wrong order", () => {
  it("are announced to a new consumer in the order in which they were written", async () => {
    const fleet = createFleet();
    const first = fleet.write("1");
    await fleet.clock.advance(60_000);
    const second = fleet.write("2");
    for (const key of [second, first]) await fleet.created(key);
    const before = fleet.sent().length;

    await fleet.register(PLACE);
    await fleet.look();
    for (const each of fleet.executions) await runExecution(fleet, each, () => fleet.answer([PLACE]));

    const files = fleet
      .sent()
      .slice(before)
      .filter((message) => message.ArtifactKey !== undefined);
    expect(files).toMatchObject([{ artifact: { version: "2" } }]);
  });

  it("are removed by when they were written", async () => {
    const fleet = createFleet({ keepDays: 1 });
    await fleet.register(PLACE);
    const first = fleet.write("1");
    await fleet.clock.advance(60_000);
    const second = fleet.write("2");
    for (const key of [second, first]) await fleet.created(key);
    await fleet.answer([PLACE]);
    await fleet.clock.advance(2 * 86_400_000);

    expect(await fleet.look()).toMatchObject({ removed: 1 });

    expect(await fleet.coverage()).toMatchObject([{ version: "2" }]);
  });

  it("are ordered by their numbers where they were written in one second", async () => {
    const fleet = createFleet({ keepDays: 1 });
    await fleet.register(PLACE);
    for (const key of [fleet.write("2"), fleet.write("1")]) await fleet.created(key);
    await fleet.answer([PLACE]);
    await fleet.clock.advance(2 * 86_400_000);

    await fleet.look();

    expect(await fleet.coverage()).toMatchObject([{ version: "1" }]);
  });

  it("are ordered by their uploads even if the earlier one takes longer to digest", async () => {
    const fleet = createFleet({ keepDays: 1 });
    await fleet.register(PLACE);
    const keys = ["40", "41"].map((build) => `uploads/shop/${build}/app.zip`);
    for (const key of keys) {
      fleet.sim.s3.write("source", key, key);
      await fleet.clock.advance(60_000);
    }
    for (const key of keys.toReversed()) await fleet.created(key);
    await fleet.answer([PLACE]);
    await fleet.clock.advance(2 * 86_400_000);

    await fleet.look();

    expect(await fleet.coverage("shop/app.zip")).toMatchObject([{ version: "41" }]);
  });
});
