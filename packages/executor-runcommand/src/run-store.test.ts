import { createMemoryStore } from "@stackyard/core/engine";
import { createFakeClock } from "@stackyard/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type FleetRun, noteFailed, noteSending, noteStopped, tallyOf } from "./fleet-run.ts";
import { nextAction } from "./next-action.ts";
import type { FleetInstanceReport, FleetReportPage } from "./report-page.ts";
import { createRunStore, fitPage, MAX_PAGE_BYTES, type RunStore } from "./run-store.ts";
import { aMember, anId, aRun, members } from "./testing/a-run.ts";

function aStore() {
  const { records } = createMemoryStore();
  const clock = createFakeClock();
  const open = (): RunStore => createRunStore({ records, clock, runId: "run-1", source: "task" });
  const page = async (number: string) =>
    (await records.get(`job-report/run-1/${number}`, clock.now()))?.value as FleetReportPage;
  return { records, clock, open, page };
}

function chunksOf(run: FleetRun) {
  const action = nextAction(run, { now: 0, chunkSize: 50 });
  return action.kind === "send" ? action.chunks : [];
}

describe("a run's records", () => {
  it("hold 50 instances a page, and the whole run's counts on the first", async () => {
    const { open, page } = aStore();

    await open().save(aRun(members(120), { artifact: { bucket: "builds", key: "site.zip" } }));

    expect((await page("0000")).instances).toHaveLength(50);
    expect((await page("0002")).instances).toHaveLength(20);
    expect(await page("0001")).not.toHaveProperty("counts");
    expect(await page("0000")).toMatchObject({
      runId: "run-1",
      source: "task",
      artifact: { bucket: "builds", key: "site.zip" },
      startedAt: 0,
      counts: { selected: 120, notSent: 120 },
    });
  });

  it("bring back only the pages that matter now", async () => {
    const { open } = aStore();
    await open().save(aRun(members(200)));

    const store = open();
    const run = await store.load();
    if (run === undefined) throw new Error("nothing was saved");

    expect([...run.pages.keys()]).toEqual([0, 3]);
    expect([...(await store.loadWaiting(run, 60)).pages.keys()].toSorted()).toEqual([0, 1, 3]);
    expect((await store.loadAll(run)).pages.size).toBe(4);
  });

  it("keep the run's state unchanged, with the tallies of its pages", async () => {
    const { open, records, clock } = aStore();
    const outcomes: readonly Partial<FleetInstanceReport>[] = [
      { state: "running" },
      { state: "succeeded" },
      { state: "skipped", code: "TAG_MISSING" },
      { state: "failed", code: "UNDELIVERABLE" },
      { state: "cancelled", code: "CANCELLED" },
      { code: "NOT_SENT" },
      { code: "NOT_SENT", detailedStatus: "SSM_THROTTLED" },
      {},
    ];
    const run = aRun(
      outcomes.map((overrides, number) => aMember(number, overrides)),
      { lastSentAt: 5, refusals: 1 },
    );
    const stop = { code: "SSM_THROTTLED", message: "A command was refused: SSM_THROTTLED.", retryable: true };
    expect(nextAction(run, { now: 7, chunkSize: 50 })).toEqual({ kind: "drop", stop });
    const noted = noteSending(run, chunksOf(aRun([aMember(7)], { maxConcurrency: 49 })), 7);

    await open().save(noted);
    const stored = (await records.get("run-state/run-1", clock.now()))?.value;
    const loaded = await open().load();

    expect(stored).toEqual(noted.state);
    expect(loaded?.state).toEqual(noted.state);
    expect(stored).toMatchObject({
      nextChunk: 2,
      sending: [{ chunk: 1, ids: [anId(7)], platform: "linux", roles: ["web"], maxConcurrency: "49", maxErrors: "0" }],
      sendingAt: 7,
      tallies: [
        [
          {
            waiting: 1,
            sent: 1,
            done: 1,
            failed: 2,
            skipped: 1,
            unsent: 2,
            codes: { UNDELIVERABLE: 1, CANCELLED: 1, NOT_SENT: 1, "NOT_SENT:SSM_THROTTLED": 1 },
          },
        ],
      ],
    });
  });

  it("trust a page more than the run, which is written after it", async () => {
    const { open } = aStore();
    const run = aRun(members(2));
    await open().save(run);
    const store = open();
    const loaded = await store.load();
    if (loaded === undefined) throw new Error("nothing was saved");
    // The page is written and the state is not.
    await store.save({ ...noteFailed(loaded, [anId(1)], "UNDELIVERABLE"), state: loaded.state });

    expect(tallyOf((await open().load()) ?? run)).toMatchObject({ waiting: 1, codes: { UNDELIVERABLE: 1 } });
  });

  it("notice that another worker was faster", async () => {
    const { open } = aStore();
    await open().save(aRun(members(2)));
    const [mine, other] = [open(), open()];
    const [run, same] = [await mine.load(), await other.load()];
    if (run === undefined || same === undefined) throw new Error("nothing was saved");
    const stop = { code: "X", message: "x", retryable: false };
    await other.save(noteStopped(same, stop));

    await expect(mine.save(noteFailed(run, [anId(0)], "X"))).rejects.toThrow("another worker");
  });

  it("keep no pages of a longer plan", async () => {
    const { open, page } = aStore();
    const first = open();
    await first.save(aRun(members(120)));

    await first.save(aRun(members(10)));

    expect((await page("0000")).instances).toHaveLength(10);
    expect((await page("0002")).instances).toEqual([]);
  });
});

function aFailure(overrides: Partial<FleetInstanceReport> = {}): FleetInstanceReport {
  return { instanceId: "i-0123456789abcdef0", state: "failed", code: "COMMAND_FAILED", roles: ["web"], ...overrides };
}

describe("fitPage", () => {
  it("leaves what fits alone", () => {
    const page = [aFailure({ stdoutTail: "a".repeat(24_000), stderrTail: "b".repeat(8_000) })];

    expect(fitPage(page)).toEqual(page);
  });

  it("keeps the ends of texts, and says that they are cut", () => {
    const texts = { stdoutTail: `${"a".repeat(23_000)}the end`, stderrTail: "short" };
    const [first] = fitPage(Array.from({ length: 50 }, () => aFailure(texts)));

    expect(first).toMatchObject({ cut: true, stderrTail: "short", stdoutTail: expect.stringMatching(/^a+the end$/) });
    expect(first?.stdoutTail?.length).toBeLessThan(8_000);
  });

  it("does not begin in the middle of a character", () => {
    const page = Array.from({ length: 50 }, () => aFailure({ stdoutTail: `${"😀".repeat(11_000)}x` }));

    for (const { stdoutTail } of fitPage(page)) expect(stdoutTail?.isWellFormed()).toBe(true);
  });

  it("makes any page small enough for a record", () => {
    const instance = fc.record({
      roles: fc.array(fc.string({ maxLength: 63 }), { maxLength: 4 }),
      stdoutTail: fc.constantFrom("", "x".repeat(24_000), "\u0001".repeat(24_000), "é".repeat(24_000)),
      stderrTail: fc.constantFrom("", "\\".repeat(8_000), "😀".repeat(4_000)),
      links: fc.constantFrom({}, { stdout: `https://${"u".repeat(2_000)}`, stderr: `https://${"u".repeat(2_000)}` }),
    });
    fc.assert(
      fc.property(fc.array(instance, { minLength: 50, maxLength: 50 }), (instances) => {
        const page = fitPage(instances.map((each) => aFailure(each)));

        expect(page).toHaveLength(50);
        expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThanOrEqual(MAX_PAGE_BYTES);
      }),
      { numRuns: 30 },
    );
  });
});
