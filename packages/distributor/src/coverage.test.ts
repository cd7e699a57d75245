import type { Records } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { onCall } from "./calls.ts";
import { toPlaceKey } from "./cell.ts";
import { findCell, listCells } from "./cell-records.ts";
import { toCoverageCell } from "./cell-status.ts";
import { knownConsumers, noteConsumer, toConsumerView } from "./consumers.ts";
import { onPublished, onReceipt } from "./coverage.ts";
import { onSchedule } from "./schedule.ts";
import { PLACE } from "./testing/a-cell.ts";
import {
  aProbeAnswer,
  aReceiptEvent,
  aRegistration,
  createDistributorWorld,
  type DistributorWorld,
} from "./testing/a-distributor-world.ts";
import { mortalRecords } from "./testing/mortal-records.ts";
import { findCoverage } from "./versions.ts";

const OTHER = { account: "444455556666", region: "us-east-1" };

/** Two consumers are registered, and a version of two files was announced to them. */
async function createPublished(world: DistributorWorld = createDistributorWorld()) {
  for (const place of [PLACE, OTHER]) await onReceipt(world.context, aRegistration(place));
  const artifact = await world.publish({ version: "1.0.0" });
  await onPublished(world.context, artifact);
  const receive = (...args: Parameters<typeof aReceiptEvent> extends [unknown, ...infer Rest] ? Rest : never) =>
    onReceipt(world.context, aReceiptEvent(artifact, ...args));
  return { world, artifact, receive, context: world.context };
}

async function settled(world: DistributorWorld): Promise<number> {
  await world.sim.eventBridge.deliver();
  return world.covered.length;
}

describe("onReceipt", () => {
  it("counts receipts of files until a consumer has the version", async () => {
    const { context, receive, artifact } = await createPublished();

    await receive(PLACE, { file: 0 });
    const half = await findCell(context, { ...artifact.manifest, ...PLACE });
    await receive(PLACE, { file: 1 });
    const full = await findCell(context, { ...artifact.manifest, ...PLACE });

    expect([half?.files, full?.files]).toEqual(["S-", "SS"]);
  });

  it("sends artifact.covered when it stands everywhere, once", async () => {
    const { world, receive } = await createPublished();
    for (const file of [0, 1]) await receive(PLACE, { file });
    expect(await settled(world)).toBe(0);

    for (const file of [0, 1, 1, 0]) await receive(OTHER, { file });

    expect(await settled(world)).toBe(1);
    expect(world.covered[0]).toMatchObject({
      source: "stackyard.distributor",
      "detail-type": "artifact.covered",
      detail: { v: 1, name: "billing-api", version: "1.0.0", manifestSha256: "a".repeat(64), consumers: 2 },
    });
  });

  it("does not count a version as covered while the record of a consumer cannot be read, and keeps the receipts", async () => {
    const { world, context, receive, artifact } = await createPublished();
    for (const file of [0, 1]) await receive(PLACE, { file });
    const key = `consumer/${OTHER.account}/${OTHER.region}`;
    const now = context.clock.now();
    const found = await context.records.get(key, now);
    await context.records.put({ key, value: { v: 9 }, expected: found?.version ?? "absent", now });
    const corrupt = { code: "STORE_CORRUPT", message: expect.stringContaining(key) };

    await expect(receive(PLACE, { file: 1 })).rejects.toMatchObject(corrupt);
    const asked = await onCall(context, { op: "coverage", name: "billing-api" }).catch((error) => error);
    await expect(onSchedule(context, async () => {}, { deadlineAt: now + 900_000 })).rejects.toMatchObject(corrupt);

    expect(asked).toMatchObject(corrupt);
    expect(await settled(world)).toBe(0);
    expect((await findCell(context, { ...artifact.manifest, ...PLACE }))?.files).toBe("SS");

    const broken = await context.records.get(key, now);
    if (found !== undefined)
      await context.records.put({ key, value: found.value, expected: broken?.version ?? "absent", now });
    for (const file of [0, 1]) await receive(OTHER, { file });
    expect(await settled(world)).toBe(1);
  });

  it("loses none of many simultaneous receipts, and reports once", async () => {
    const { world, receive, artifact, context } = await createPublished();
    const events = [PLACE, OTHER].flatMap((place) => [0, 1, 0, 1].map((file) => ({ place, file })));

    await Promise.all(events.map(({ place, file }) => receive(place, { file })));

    const cells = await listCells(context, artifact.manifest, []);
    expect(cells.map(({ files }) => files)).toEqual(["SS", "SS"]);
    expect(await settled(world)).toBe(1);
  });

  it("drops a body that names another account, whichever it is", async () => {
    const { context, artifact } = await createPublished();
    const forged = { ...aReceiptEvent(artifact, OTHER), account: PLACE.account };

    expect(await onReceipt(context, forged)).toEqual({ kind: "dropped", code: "ACCOUNT_MISMATCH" });
    expect((await findCell(context, { ...artifact.manifest, ...OTHER }))?.files).toBe("--");
  });

  it.each(["artifact.receipt", "consumer.registered", "consumer.unregistered"])(
    "drops %s of an account that is not trusted",
    async (type) => {
      const { context, artifact } = await createPublished();
      const stranger = { account: "222233334444", region: "eu-west-1" };
      const { detail } = type === "artifact.receipt" ? aReceiptEvent(artifact, stranger) : aRegistration(stranger);

      const outcome = await onReceipt(context, { account: stranger.account, "detail-type": type, detail });

      expect(outcome).toEqual({ kind: "dropped", code: "ACCOUNT_NOT_TRUSTED" });
      expect(await knownConsumers.find(context, toPlaceKey(stranger))).toBeUndefined();
    },
  );

  it.each([
    ["artifact.receipt", {}],
    ["artifact.receipt", null],
    ["consumer.registered", { v: 1, ...PLACE }],
    ["consumer.unregistered", { v: 2, ...PLACE }],
    ["consumer.exploded", { v: 1, ...PLACE }],
  ])("drops %s with %j", async (type, detail) => {
    const { context } = createDistributorWorld();

    const outcome = await onReceipt(context, { account: PLACE.account, "detail-type": type, detail });

    expect(outcome).toEqual({ kind: "dropped", code: "EVENT_INVALID" });
  });

  it("accepts and ignores reports about unknown records", async () => {
    const { context, artifact, receive } = await createPublished();
    const unknown = { ...artifact, manifest: { ...artifact.manifest, version: "9.9.9" } };

    const outcomes = [
      await receive(PLACE, { file: 7 }),
      await receive(PLACE, { sourceSha256: "f".repeat(64) }),
      await onReceipt(context, aReceiptEvent(unknown, PLACE)),
    ];

    expect(outcomes).toEqual(Array(3).fill({ kind: "ignored" }));
    expect((await findCell(context, { ...artifact.manifest, ...PLACE }))?.files).toBe("--");
  });

  it("takes a consumer that never registered as one of the second generation", async () => {
    const world = createDistributorWorld();
    const artifact = await world.publish({ version: "1.0.0" });

    await onReceipt(world.context, aReceiptEvent(artifact, PLACE));

    const consumer = await knownConsumers.find(world.context, toPlaceKey(PLACE));
    expect(consumer && toConsumerView(consumer)).toMatchObject({ generation: "v2", registered: true });
  });

  it("notes the answer to a probe", async () => {
    const { context } = await createPublished();

    await onReceipt(context, aProbeAnswer(PLACE));

    expect((await knownConsumers.find(context, toPlaceKey(PLACE)))?.probeAnsweredAt).toBe(context.clock.now());
  });

  it("does not let a consumer's clock that is ahead outlast what happens later", async () => {
    const { world, context, receive, artifact } = await createPublished();
    const now = context.clock.now();
    await receive(PLACE, { status: "failed", code: "SOURCE_DENIED", at: now + 9e9 });
    await world.pass(1_000);
    await receive(PLACE, { status: "failed", code: "SOURCE_MISSING", at: now + 500 });

    const cell = await findCell(context, { ...artifact.manifest, ...PLACE });
    expect([cell?.failures[0]?.code, cell?.heardAt]).toEqual(["SOURCE_MISSING", now + 500]);
  });

  // HumanCellAtlas/data-store#1410, minio/minio#18272, aws/aws-sdk-net#1119: "stored", and it is not there.
  it.each([
    ["with EventBridge's stamp", 0, true],
    ["of a consumer whose clock is an hour ahead", 3_600_000, true],
    ["that no one stamps", 0, false],
  ])("does not find a lost file again by a receipt that is delivered twice, %s", async (_, aheadMs, isStamped) => {
    const { world, context, receive, artifact } = await createPublished();
    const at = context.clock.now();
    const time = isStamped ? { time: new Date(at).toISOString() } : {};
    const receipt = { ...aReceiptEvent(artifact, PLACE, { at: at + aheadMs }), ...time };
    await onReceipt(context, receipt);
    await receive(PLACE, { file: 1, at });
    await world.pass(600_000);
    const seen = artifact.manifest.files.map(({ key, sha256 }, file) => ({ key, sha256: file === 0 ? null : sha256 }));
    const { name, version } = artifact.manifest;
    const bucket = `bucket-${PLACE.account}-${PLACE.region}`;
    await onCall(context, { op: "compare", name, version, ...PLACE, bucket, seen });
    await world.pass(60_000);

    await onReceipt(context, receipt);

    expect((await findCell(context, { name, version, ...PLACE }))?.files).toBe("-S");
  });

  it("believes a receipt that was sent while a bucket was checked", async () => {
    const { world, context, receive, artifact } = await createPublished();
    const { name, version, files } = artifact.manifest;
    await world.pass(10_000);
    await receive(PLACE, { file: 0, at: context.clock.now() });
    await world.pass(10_000);
    const seen = files.map(({ key }) => ({ key, sha256: null }));
    const bucket = `bucket-${PLACE.account}-${PLACE.region}`;

    await onCall(context, { op: "compare", name, version, ...PLACE, bucket, seen, elapsedMs: 15_000 });

    expect((await findCell(context, { name, version, ...PLACE }))?.files).toBe("S-");
  });

  it("keeps a failure that arrives before the publication is recorded", async () => {
    const world = createDistributorWorld();
    await onReceipt(world.context, aRegistration(PLACE));
    const artifact = await world.publish({ version: "1.0.0" });
    const failed = { status: "failed", code: "SOURCE_DENIED", at: world.context.clock.now() };
    await onReceipt(world.context, aReceiptEvent(artifact, PLACE, failed));
    await world.pass(1_000);

    await onPublished(world.context, artifact);

    const cell = await findCell(world.context, { ...artifact.manifest, ...PLACE });
    expect(cell && toCoverageCell(cell)).toMatchObject({ status: "failed", code: "SOURCE_DENIED", announcements: 1 });
  });

  it.each([
    ["left and come", ["unregistered", "registered"]],
    ["come and left, as the events arrive", ["registered", "unregistered"]],
  ])("knows a consumer that has %s again by when that was", async (_, types) => {
    const { context, world } = await createPublished();
    const times = { unregistered: 5_000, registered: 8_000 };
    const begin = context.clock.now();
    await world.pass(10_000);

    for (const type of types) {
      const sentAt = begin + (type === "registered" ? times.registered : times.unregistered);
      const time = new Date(sentAt).toISOString();
      await onReceipt(context, { ...aRegistration(OTHER), "detail-type": `consumer.${type}`, time });
    }

    const consumer = await knownConsumers.find(context, toPlaceKey(OTHER));
    expect(consumer && toConsumerView(consumer).registered).toBe(true);
  });

  it("waits for no consumer that cannot answer", async () => {
    const world = createDistributorWorld();
    await onReceipt(world.context, aRegistration(PLACE));
    await noteConsumer(world.context, OTHER, { kind: "asked", at: world.context.clock.now() });
    const artifact = await world.publish({ version: "1.0.0", files: 1 });
    await onPublished(world.context, artifact);

    await onReceipt(world.context, aReceiptEvent(artifact, PLACE));

    expect(await settled(world)).toBe(1);
    const cells = await listCells(world.context, artifact.manifest, []);
    expect(cells.map((cell) => toCoverageCell(cell).status)).toEqual(["stored", "announced"]);
    expect(world.covered[0]?.detail).toMatchObject({ consumers: 1 });
  });

  it("expects nothing more of a consumer that has left", async () => {
    const { world, context, receive } = await createPublished();
    const detail = { v: 1, ...OTHER };
    await world.pass(1_000);
    await onReceipt(context, { account: OTHER.account, "detail-type": "consumer.unregistered", detail });

    for (const file of [0, 1]) await receive(PLACE, { file });

    expect(await settled(world)).toBe(1);
    expect(world.covered[0]?.detail).toMatchObject({ consumers: 1 });
  });
});

describe("a process that dies while the last receipt is counted", () => {
  it.each(Array.from({ length: 16 }, (_, index) => index + 1))(
    "at write %i reports at the next delivery",
    async (number) => {
      let left = Number.POSITIVE_INFINITY;
      const world = createDistributorWorld({ wrapRecords: (records) => mortalRecords(records, () => left--) });
      const { receive, artifact, context } = await createPublished(world);
      for (const place of [PLACE, OTHER]) await receive(place, { file: 0 });
      await receive(PLACE, { file: 1 });

      left = number;
      await receive(OTHER, { file: 1 }).catch(() => undefined);
      left = Number.POSITIVE_INFINITY;
      await world.pass(60_000);
      await receive(OTHER, { file: 1 });

      const told = await settled(world);
      expect(told).toBeGreaterThanOrEqual(1);
      expect(told).toBeLessThanOrEqual(2);
      expect((await findCoverage(context, artifact.manifest)).settledAt).not.toBeNull();
    },
  );
});

const PLACES = Array.from({ length: 10 }, (_, index) => ({
  account: index % 2 === 0 ? "111122223333" : "444455556666",
  region: `eu-west-${index + 1}`,
}));

/** A version of so many files was announced to consumers; each call of the records takes so long. */
async function createAnnounced({ files, consumers, callMs }: { files: number; consumers: number; callMs: number }) {
  const world = createDistributorWorld();
  const { clock, records } = world.context;
  const places = PLACES.slice(0, consumers);
  for (const place of places) await onReceipt(world.context, aRegistration(place));
  const artifact = await world.publish({ version: "1.0.0", files });
  await onPublished(world.context, artifact);
  const slow =
    <Args extends readonly unknown[], Result>(call: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      if (callMs > 0) await clock.sleep(callMs);
      return call(...args);
    };
  const taken: Records = {
    get: slow(records.get),
    put: slow(records.put),
    remove: slow(records.remove),
    list: slow(records.list),
  };
  const events = places.flatMap((place) =>
    Array.from({ length: files }, (_, file) => aReceiptEvent(artifact, place, { file })),
  );

  async function bring(): Promise<void> {
    await Promise.all(events.map((event) => onReceipt({ ...world.context, records: taken }, event)));
  }

  async function check(): Promise<void> {
    const cells = await listCells(world.context, artifact.manifest, []);
    expect(cells.map((cell) => cell.files)).toEqual(places.map(() => "S".repeat(files)));
    await world.sim.eventBridge.deliver();
    expect(world.covered).toHaveLength(1);
  }
  return { bring, check };
}

describe("many receipts at once", () => {
  it.each([
    ["ten thousand", { files: 1_000, consumers: 10, callMs: 0 }],
    ["a thousand over a table that needs time", { files: 500, consumers: 2, callMs: 5 }],
  ])("are all counted and reported once: %s", async (_, input) => {
    const { bring, check } = await createAnnounced(input);

    await bring();

    await check();
  });
});
