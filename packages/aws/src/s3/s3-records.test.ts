import { connectionReset, SimFault } from "@stackyard/aws-sim";
import type { Records } from "@stackyard/core";
import { createLeases } from "@stackyard/core/engine";
import { leasesConformance, recordsConformance } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createBucket } from "../testing/a-bucket.ts";
import { createS3Records } from "./s3-records.ts";

const DAY = 24 * 60 * 60_000;
/** Pauses between tries last no time; everything else goes by the bucket's clock. */
const noPause = { sleep: () => Promise.resolve() };

function createRecords(options: Parameters<typeof createBucket>[0] = {}) {
  const world = createBucket(options);
  const clock = { ...world.clock, ...noPause };
  return { ...world, records: createS3Records({ ...world, clock }) };
}

async function putNow(records: Records, key: string, now: number, value: unknown = 1): Promise<number> {
  const expected = (await records.get(key, now))?.version ?? "absent";
  const result = await records.put({ key, value, expected, now });
  if (result.kind === "conflict") throw new Error("conflict");
  return result.record.version;
}

const conflict = () => Promise.reject(new SimFault("ConditionalRequestConflict", 409, "conflict"));

describe("records in S3", () => {
  for (const each of recordsConformance) it(each.name, () => each.run(async () => createRecords().records));

  it("lie under their prefix, one object each", async () => {
    const { records, sim, clock } = createRecords();

    await putNow(records, "a/b", clock.now(), { x: 1 });

    expect(Object.keys(sim.s3.texts("yard"))).toEqual(["records/a/b"]);
  });

  it("are found beyond the first thousand", async () => {
    const { records, sim, clock } = createRecords();
    const body = JSON.stringify({ version: 1, writer: "w", value: 1 });
    for (let n = 0; n < 1_203; n += 1) sim.s3.write("yard", `records/n/${String(n).padStart(4, "0")}`, body);

    const first = await records.list("n/", { limit: 1_000, now: clock.now() });
    const second = await records.list("n/", { limit: 1_000, now: clock.now(), cursor: first.cursor ?? "" });

    expect([first.items.length, second.items.length, second.cursor]).toEqual([1_000, 203, undefined]);
    expect(second.items[0]?.key).toBe("n/1000");
  });
});

describe("leases on records in S3", () => {
  for (const each of leasesConformance) {
    it(each.name, () =>
      each.run(async () => {
        const { records, clock } = createRecords();
        return { clock, leases: createLeases(records, { clock }) };
      }),
    );
  }

  it("go to one of many processes that ask at the same time", async () => {
    const { records, clock } = createRecords();
    const owners = Array.from({ length: 20 }, (_, n) => `owner-${n}`);

    const results = await Promise.all(
      owners.map((owner) => createLeases(records, { clock }).acquire("scheduler", owner, 60_000)),
    );

    expect(results.filter(({ kind }) => kind === "acquired")).toHaveLength(1);
  });
});

describe("a write", () => {
  it("whose answer was lost knows itself when the SDK tries again", async () => {
    const { records, sim, clock } = createRecords({ maxAttempts: 2 });
    sim.once("S3.PutObject", async (proceed) => {
      await proceed();
      throw connectionReset();
    });

    const result = await records.put({ key: "a", value: 1, expected: "absent", now: clock.now() });

    expect(result).toEqual({ kind: "written", record: await records.get("a", clock.now()) });
  });

  it("is a conflict if another process wrote the same value first", async () => {
    const { records, client, bucket, sim, clock } = createRecords();
    const other = createS3Records({ client, bucket, clock });
    sim.once("S3.PutObject", async (proceed) => {
      await other.put({ key: "a", value: 1, expected: "absent", now: clock.now() });
      return proceed();
    });

    const result = await records.put({ key: "a", value: 1, expected: "absent", now: clock.now() });

    expect(result).toEqual({ kind: "conflict", current: await other.get("a", clock.now()) });
  });

  it("that meets another request is tried again", async () => {
    const { records, sim, clock } = createRecords();
    sim.once("S3.PutObject", conflict);
    sim.once("S3.PutObject", conflict);

    expect((await records.put({ key: "a", value: 1, expected: "absent", now: clock.now() })).kind).toBe("written");
  });

  it("gives up after repeated conflicts", async () => {
    const { records, sim, clock } = createRecords();
    for (let n = 0; n < 50; n += 1) sim.once("S3.PutObject", conflict);

    const writing = records.put({ key: "a", value: 1, expected: "absent", now: clock.now() });

    await expect(writing).rejects.toMatchObject({ code: "RECORD_CONFLICT", retryable: true });
  });

  it("over a record that was deleted by hand meanwhile is a conflict without a current record", async () => {
    const { records, sim, clock } = createRecords();
    const version = await putNow(records, "a", clock.now());
    sim.once("S3.PutObject", async (proceed) => {
      sim.s3.remove("yard", "records/a");
      return proceed();
    });

    const result = await records.put({ key: "a", value: 2, expected: version, now: clock.now() });

    expect(result).toEqual({ kind: "conflict", current: undefined });
  });

  it("takes keys that fill an object's key to the last byte, and rejects longer ones", async () => {
    const { client, bucket, clock } = createRecords();
    const records = createS3Records({ client, bucket, clock, prefix: "p/" });

    await putNow(records, "é".repeat(511), clock.now());

    await expect(records.get(`${"é".repeat(511)}a`, 0)).rejects.toMatchObject({ code: "USAGE" });
    await expect(records.get("\ud800", 0)).rejects.toMatchObject({ code: "USAGE" });
  });
});

describe("what is over", () => {
  it("is deleted a day later by the next listing, and its versions are never given again", async () => {
    const { records, sim, clock } = createRecords();
    const start = clock.now();
    const removed = await putNow(records, "removed", start);
    await records.remove("removed", removed);
    await records.put({ key: "expired", value: 1, expected: "absent", now: start, expiresAt: start + 1 });

    await records.list("", { limit: 10, now: start + DAY - 1 });
    expect(Object.keys(sim.s3.texts("yard"))).toHaveLength(2);
    await records.list("", { limit: 10, now: start + DAY + 2 });
    expect(sim.s3.texts("yard")).toEqual({});

    expect(await putNow(records, "removed", start + DAY + 2)).toBeGreaterThan(removed);
  });

  it("is not deleted if it was written meanwhile", async () => {
    const { records, sim, clock } = createRecords();
    const start = clock.now();
    await records.remove("a", await putNow(records, "a", start));
    sim.once("S3.DeleteObject", async (proceed) => {
      await putNow(records, "a", start + 2 * DAY, "new");
      return proceed();
    });

    await records.list("", { limit: 10, now: start + 2 * DAY });

    expect((await records.get("a", start + 2 * DAY))?.value).toBe("new");
  });
});

describe("a failure", () => {
  it("reports that the prefix contains other objects", async () => {
    const { records, sim } = createRecords();
    sim.s3.write("yard", "records/a", "hello");

    await expect(records.get("a", 0)).rejects.toMatchObject({
      code: "STORE_CORRUPT",
      message: "s3://yard/records/a is not a record. Move other objects to another prefix.",
    });
  });

  it("reports which permissions are missing, even if S3 hides that the object does not exist", async () => {
    const { records } = createRecords({ allow: ["s3:GetObject", "s3:PutObject"] });

    await expect(records.get("a", 0)).rejects.toMatchObject({
      code: "FORBIDDEN",
      message: expect.stringContaining("s3:ListBucket on the bucket; without s3:ListBucket, S3 returns this error"),
    });
  });

  it("of S3 itself may be tried again", async () => {
    const { records, sim } = createRecords();
    sim.once("S3.GetObject", () => Promise.reject(new SimFault("SlowDown", 503, "Please reduce your request rate.")));

    await expect(records.get("a", 0)).rejects.toMatchObject({ code: "RATE_LIMITED", retryable: true });
  });
});
