import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StackyardError } from "../../errors/stackyard-error.ts";
import { createMemoryRecords } from "../../memory/memory-records.ts";
import type { Records } from "../../ports/records.ts";
import { createFakeClock } from "../../testing/fake-clock.ts";
import { createRecordingLogger } from "../../testing/recording-logger.ts";
import { createAttemptLogs, type OpenLogInput } from "./attempt-log.ts";
import { findAttemptLog } from "./stored-log.ts";

const ID = "s1/created/1/plan/1";
const DAY = 86_400_000;

function createBench(wrap: (records: Records) => Records = (records) => records) {
  const clock = createFakeClock();
  const records = createMemoryRecords();
  const logger = createRecordingLogger();
  const logs = createAttemptLogs({ records: wrap(records), clock, logger });
  const open = (input: Partial<OpenLogInput> = {}) =>
    logs.open({
      attemptId: ID,
      token: 1,
      earlier: "",
      continued: false,
      deadlineAt: 0,
      isLost: () => false,
      ...input,
    });
  const find = () => findAttemptLog(records, ID, clock.now());
  const read = async (from = 0, to = Number.POSITIVE_INFINITY) => {
    const log = await find();
    const parts: Uint8Array[] = [];
    for await (const part of log?.read(from, to) ?? []) parts.push(part);
    return Buffer.concat(parts);
  };
  const text = async () => (await read()).toString();
  const listKeys = async () =>
    (await records.list("log/", { limit: 1_000, now: clock.now() })).items.map(({ key }) => key);
  return { clock, records, logger, open, find, read, text, listKeys };
}

describe("the whole log of an attempt", () => {
  it("can be read a second after its lines were reported, while the attempt runs", async () => {
    const { clock, open, text, listKeys } = createBench();
    const writer = open();

    writer.add("one");
    writer.add("two");
    await clock.advance(999);
    expect(await text()).toBe("");
    await clock.advance(1);
    expect(await text()).toBe("one\ntwo\n");
    writer.add("three");
    await clock.advance(1_000);

    expect(await text()).toBe("one\ntwo\nthree\n");
    expect((await listKeys()).map((key) => key.replace(/^log\/[0-9a-f]{32}/, ""))).toEqual(["/1/0", "/index"]);
    expect(clock.nextWakeAt()).toBeUndefined();
  });

  it("says when each line was logged, to a tenth of a second, and nothing for what was logged before (argo-cd#7663)", async () => {
    const { clock, open, find } = createBench();
    const writer = open({ earlier: "old", continued: true });
    const start = clock.now();

    writer.add("one");
    await clock.advance(250);
    writer.add("two");
    writer.add("three");
    await clock.advance(5_000);
    writer.add("four");
    await clock.advance(1_000);

    const log = await find();
    const floor = (ms: number) => Math.floor(ms / 100) * 100;
    const times = [
      { at: 4, time: floor(start) },
      { at: 8, time: floor(start + 250) },
      { at: 18, time: floor(start + 5_250) },
    ];
    expect(await log?.times(0, 100)).toEqual(times);
    // A part begins with the time that holds there.
    expect(await log?.times(14, 18)).toEqual([{ at: 14, time: times[1]?.time }]);
  });

  it("has the time of a line in the record where it continues, and after its values were masked", async () => {
    const { clock, open, find } = createBench();
    const writer = open();
    writer.add("secret");
    await clock.advance(200);
    writer.add("x".repeat(70_000));
    await clock.advance(1_000);
    await writer.end({ settled: true, mask: (text) => text.replaceAll("secret", "***") });

    const log = await find();
    const [first, second] = (await log?.times(0, 80_000)) ?? [];
    expect([first?.at, second?.at]).toEqual([0, 4]);
    expect(await log?.times(69_000, 70_000)).toEqual([{ at: 69_000, time: second?.time }]);
  });

  it("costs less than a tenth of its bytes for its times, with a line each 150 ms", async () => {
    const { clock, records, open } = createBench();
    const writer = open();
    for (let n = 0; n < 2_000; n += 1) {
      writer.add(`module.network.aws_subnet.private[${n}]: Still creating...`);
      await clock.advance(150);
    }
    await clock.advance(1_000);

    const { items } = await records.list("log/", { limit: 100, now: clock.now() });
    const chunks = items.map(({ value }) => value as { text?: string; times?: string });
    const [text, times] = [
      chunks.map((each) => each.text ?? "").join(""),
      chunks.map((each) => each.times ?? "").join(""),
    ];
    expect(times.length / text.length).toBeLessThan(0.1);
  });

  it("is stored at once when 64 KiB have gathered", async () => {
    const { clock, open, find } = createBench();

    open().add("x".repeat(70_000));
    await clock.advance(0);

    expect((await find())?.size).toBe(70_001);
  });

  it("is not stored when the attempt ends before the first second, because its tail has it all", async () => {
    const { open, listKeys } = createBench();
    const writer = open();

    writer.add("short");
    await writer.end({ settled: true });

    expect(await listKeys()).toEqual([]);
  });

  it("has the times of its lines also where it ends before the first second (argo-cd#7663)", async () => {
    const { clock, open, find, text } = createBench();
    const writer = open();
    const start = clock.now();

    writer.add("connect");
    await clock.advance(400);
    writer.add("migrate");
    await clock.advance(300);
    writer.add("done");
    await writer.end({ settled: true });

    expect(await text()).toBe("connect\nmigrate\ndone\n");
    expect(await (await find())?.times(0, 21)).toEqual([
      { at: 0, time: start },
      { at: 8, time: start + 400 },
      { at: 16, time: start + 700 },
    ]);
  });

  it("is not stored when all its lines came within a tenth of a second: they have one time", async () => {
    const { clock, open, listKeys } = createBench();
    const writer = open();

    writer.add("a");
    await clock.advance(90);
    writer.add("b");
    await clock.advance(500);
    await writer.end({ settled: true });

    expect(await listKeys()).toEqual([]);
  });

  it("continues over the grants of an attempt, each under its own keys", async () => {
    const { clock, open, text } = createBench();
    const first = open();
    first.add("one");
    await first.end();
    const lost = open({ token: 2, continued: true });
    lost.add("two");
    await clock.advance(1_000);

    const third = open({ token: 3, continued: true, earlier: "one" });
    third.add("three");
    await third.end({ settled: true });
    lost.add("a late line of a worker that does not know yet");
    await clock.advance(1_000);

    expect(await text()).toBe("one\ntwo\nthree\n");
  });

  it("begins with the lines of earlier steps where those were too short to be stored", async () => {
    const { open, text } = createBench();
    const writer = open({ token: 4, continued: true, earlier: "one\ntwo" });

    writer.add("three");
    await writer.end();

    expect(await text()).toBe("one\ntwo\nthree\n");
  });

  it("takes nothing of a writer that has lost its lease, or that begins after a later grant", async () => {
    const bench = createBench();
    let isLost = false;
    const writer = bench.open({ isLost: () => isLost, token: 2 });
    writer.add("one");
    await bench.clock.advance(1_000);

    isLost = true;
    writer.add("two");
    await writer.end();
    const late = bench.open({ token: 1, continued: true });
    late.add("late");
    await late.end();

    expect(await bench.text()).toBe("one\n");
    expect(bench.clock.nextWakeAt()).toBeUndefined();
  });

  it("returns any range, over characters of several bytes and the borders of records", async () => {
    const { open, text, read, find } = createBench();
    const writer = open();
    const lines = Array.from({ length: 4_000 }, (_, n) => `line ${n} — ${"äöü€😀".repeat(n % 9)}`);
    const whole = Buffer.from(lines.map((line) => `${line}\n`).join(""));
    for (const line of lines.slice(0, 2_000)) writer.add(line);
    await writer.end();
    const second = open({ token: 2, continued: true });
    for (const line of lines.slice(2_000)) second.add(line);
    await second.end();

    expect((await find())?.size).toBe(whole.byteLength);
    expect(await text()).toBe(whole.toString());
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.byteLength), fc.nat(200_000), async (from, length) => {
        expect(await read(from, from + length)).toEqual(whole.subarray(from, from + length));
      }),
      { numRuns: 60 },
    );
  });

  it("ends at 16 MiB and says so; later grants add nothing", async () => {
    const { clock, open, find, read } = createBench();
    const writer = open();
    for (let n = 0; n < 300; n += 1) {
      writer.add("x".repeat(65_000));
      await clock.advance(0);
    }
    await writer.end();
    const later = open({ token: 2, continued: true });
    later.add("more");
    await later.end();

    const size = (await find())?.size ?? 0;
    expect(size).toBeGreaterThan(16 * 1_048_576);
    expect(size).toBeLessThan(16 * 1_048_576 + 200);
    expect((await read(size - 90, size)).toString()).toContain("the log is longer than 16 MiB");
  });

  it("holds no more than 256 KiB while the store does not answer, and says what is missing", async () => {
    let isAway = true;
    const { clock, logger, open, text } = createBench((records) => ({
      ...records,
      put: (input) => (isAway ? Promise.reject(new StackyardError("STORE_UNAVAILABLE", "away")) : records.put(input)),
    }));
    const writer = open();
    for (let n = 0; n < 100; n += 1) {
      writer.add(`${n} ${"x".repeat(10_000)}`);
      await clock.advance(100);
    }
    isAway = false;
    await clock.advance(1_000);
    writer.add("it is back");
    await writer.end();

    const stored = await text();
    expect(stored.length).toBeLessThan(300_000);
    expect(stored).toMatch(/^0 x/);
    expect(stored).toMatch(/… \d+ bytes were not kept/);
    expect(stored).toContain("it is back\n");
    expect(logger.list("warn")).toHaveLength(1);
  });

  it("masks what is known to be sensitive only at the end, also in what is stored", async () => {
    const { open, text, find } = createBench();
    const first = open();
    first.add("made AKIA1234");
    await first.end();
    const second = open({ token: 2, continued: true });
    second.add("AKIA1234 again");

    await second.end({ settled: true, mask: (line) => line.replaceAll("AKIA1234", "***") });

    expect(await text()).toBe("made ***\n*** again\n");
    expect((await find())?.size).toBe(19);
  });

  it("is kept for 7 days", async () => {
    const { clock, open, find } = createBench();
    const writer = open();
    writer.add("one");
    await writer.end();

    await clock.advance(7 * DAY - 1);
    expect(await find()).toBeDefined();
    await clock.advance(1);

    expect(await find()).toBeUndefined();
  });

  it("stores characters that some stores refuse as replacements", async () => {
    const { open, text } = createBench();
    const writer = open();

    writer.add("a\0b\ud800c");
    await writer.end();

    expect(await text()).toBe("a\ufffdb\ufffdc\n");
  });
});
