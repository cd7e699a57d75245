import assert from "node:assert/strict";
import { Type } from "typebox";
import type { FinishedAttempt } from "../../engine/births.ts";
import { createStaticLocator } from "../../engine/built-in-ports.ts";
import { createEngine } from "../../engine/engine.ts";
import { createWorker } from "../../engine/workers/worker.ts";
import { createJobs, type Jobs } from "../../jobs/create-jobs.ts";
import { defineExecutor, failed, type Step, silentLogger, succeeded } from "../../ports/executor.ts";
import type { Store } from "../../ports/store.ts";
import type { DueItem } from "../../ports/work-queue.ts";
import type { ConformanceCase } from "../conformance-case.ts";
import { countingIds, createFakeClock } from "../fake-clock.ts";
import { expectThere, storeCase } from "./store-builders.ts";

/** Jobs without a machine over the store's own queue, with a real engine and worker. */
export const jobCases: readonly ConformanceCase<Store>[] = [
  storeCase("runs: one is found by its key from its start to its end, and works once", async (store) => {
    const { jobs, work, started } = createYard(store);
    const { jobId } = await jobs.start({ key: "job-7", executor: "work", config: { n: 1 } });
    const waiting = await jobs.find(jobId);

    await jobs.start({ key: "job-7", executor: "work", config: { n: 2 } });
    await work();

    const job = expectThere(await jobs.find(jobId));
    assert.equal(waiting?.state, "waiting");
    assert.deepEqual([job.state, job.outputs, job.config], ["succeeded", { list: ["a"], n: 1 }, { n: 1 }]);
    assert.deepEqual(started, [1]);
    assert.deepEqual((await jobs.list({ state: "succeeded" }, { limit: 9 })).items, [job]);
  }),

  storeCase("runs: a failed one shows why, and can be retried", async (store) => {
    const { jobs, work, started } = createYard(store);
    const { jobId } = await jobs.start({ key: "job-7", executor: "work", config: { n: -1 } });
    await work();
    const lost = await jobs.find(jobId);

    await jobs.retry(jobId);
    await work();

    assert.deepEqual([lost?.state, lost?.error], ["failed", { code: "NEGATIVE", message: "It is negative." }]);
    assert.deepEqual([started, (await jobs.find(jobId))?.state], [[-1, -1], "failed"]);
  }),

  storeCase("runs: one that was not started is cancelled before it works", async (store) => {
    const { jobs, work, started } = createYard(store);
    const { jobId } = await jobs.start({ key: "job-7", executor: "work", config: { n: 1 } });

    await jobs.cancel(jobId, { actor: "ada" });
    await work();

    assert.deepEqual([(await jobs.find(jobId))?.state, started], ["cancelled", []]);
  }),

  ...(["through the queue", "in one process"] as const).map((way) =>
    storeCase(
      `runs: one whose outputs are no plain JSON fails, and never waits for its result, ${way}`,
      async (store) => {
        const { jobs, work } = createYard(store, { way, toStep: (n) => ODD_STEPS[n] });
        for (const n of ODD_STEPS.keys()) await jobs.start({ key: `job-${n}`, executor: "work", config: { n } });

        await work();

        const { items } = await jobs.list({}, { limit: 99 });
        const ends = items.map(({ state, error }) => `${state} ${error?.code}`);
        assert.deepEqual(ends.sort(), [
          ...Array(ODD_STEPS.length - 2).fill("failed OUTPUT_INVALID"),
          ...Array(2).fill("failed QUOTA"),
        ]);
        assert.deepEqual((await store.queries.listDeadLetters({}, { limit: 9 })).items, []);
      },
    ),
  ),

  ...(["through the queue", "in one process"] as const).map((way) =>
    storeCase(
      `runs: one that fails with a text that strict stores and hosts refuse ends, and is tried once, ${way}`,
      async (store) => {
        const { jobs, work, started } = createYard(store, {
          way,
          toStep(n, report) {
            const message = ODD_TEXTS[n] ?? "";
            report(message);
            return failed({ code: "ODD", message, retryable: false });
          },
        });
        for (const n of ODD_TEXTS.keys()) await jobs.start({ key: `job-${n}`, executor: "work", config: { n } });

        await work();

        const { items } = await jobs.list({}, { limit: 99 });
        const messages = items.map(({ error }) => error?.message ?? "");
        assert.deepEqual(
          items.map(({ state }) => state),
          ODD_TEXTS.map(() => "failed"),
        );
        assert.deepEqual([messages.filter((text) => text === "" || !text.isWellFormed() || text.includes("\0"))], [[]]);
        assert.deepEqual(started.toSorted(), [...ODD_TEXTS.keys()].toSorted());
        assert.deepEqual((await store.queries.listDeadLetters({}, { limit: 9 })).items, []);
      },
    ),
  ),

  storeCase("runs: what their executor reports comes in pages, in order", async (store) => {
    const { jobs } = createYard(store);
    const { jobId } = await jobs.start({ key: "job-7", executor: "work", config: { n: 1 } });
    for (const page of [2, 0, 1]) {
      const key = `job-report/${jobId}/000${page}`;
      await store.records.put({ key, value: { page }, expected: "absent", now: 0 });
    }

    const first = await jobs.reportPage(jobId, { limit: 2 });

    assert.deepEqual(first.items, [{ page: 0 }, { page: 1 }]);
    assert.deepEqual(await jobs.report(jobId), [{ page: 0 }, { page: 1 }, { page: 2 }]);
  }),
];

interface Yard {
  readonly jobs: Jobs;
  /** The configs of its started jobs, in order. */
  readonly started: readonly number[];
  /** Processes queued work until the queue is empty. */
  work(): Promise<void>;
}

/** The options of a yard: how results reach the engine, and the steps of the executor. */
interface YardInput {
  readonly way?: "through the queue" | "in one process";
  readonly toStep?: (n: number, report: (line: string) => void) => Step | undefined;
}

function createYard(store: Store, { way = "through the queue", toStep = toStepOf }: YardInput = {}): Yard {
  const started: number[] = [];
  const executor = defineExecutor({
    name: "work",
    config: Type.Object({ n: Type.Integer() }),
    async start(ctx, { n }) {
      started.push(n);
      return toStep(n, (line) => ctx.report(line)) as Step<never, never>;
    },
  });
  const clock = createFakeClock();
  const executors = new Map([["work", executor]]);
  const deps = { store, executors, clock, ids: countingIds(), logger: silentLogger };
  const engine = createEngine({ ...deps, locator: createStaticLocator([]) });
  const finish = async (finished: FinishedAttempt) => (await engine.finish([finished]))[0] ?? NOT_FINISHED;
  const worker = createWorker(way === "in one process" ? { ...deps, finish } : deps);
  const take = () => store.takeDue({ kinds: ["event", "task"], now: clock.now(), limit: 9, leaseMs: 60_000 });
  async function handle(item: DueItem): Promise<void> {
    if (item.kind === "task") await worker.handle(item);
    if (item.kind !== "event") return;
    const { event, receipt, deliveries } = item;
    await engine.handle([{ event, storeReceipt: receipt, deliveries }]);
  }
  return {
    jobs: createJobs(deps),
    started,
    async work() {
      for (let items = await take(); items.length > 0; items = await take()) {
        for (const item of items) await handle(item);
      }
    },
  };
}

const NOT_FINISHED = { kind: "retry", reason: "The engine did not answer." } as const;

function toStepOf(n: number): Step {
  return n < 0 ? failed(NEGATIVE) : succeeded({ list: ["a"], n });
}

function nest(levels: number): unknown {
  return levels === 0 ? "end" : { next: nest(levels - 1) };
}

const QUOTA = { code: "QUOTA", message: "The quota is used up.", retryable: false };

/** Results of plugins that JSON changes or that events refuse; see hamilton#1310, activepieces#14429, airflow#25343. */
const ODD_STEPS: readonly Step[] = [
  succeeded({ at: new Date(0) }),
  succeeded({ n: Number.NaN }),
  succeeded({ n: 2 ** 53 }),
  succeeded({ n: Number.POSITIVE_INFINITY }),
  succeeded({ map: new Map([["a", 1]]) }),
  succeeded({ url: new URL("http://a.example/") }),
  succeeded({ bytes: Buffer.from("x") }),
  succeeded({ call: () => 1 }),
  succeeded({ big: 1n }),
  succeeded(JSON.parse('{"__proto__": {"a": 1}}')),
  succeeded({ deep: nest(64) }),
  succeeded({ n: 1 }, { sensitive: "n" as never }),
  succeeded({ n: 1 }, { followUp: { inMs: 1, config: { at: new Date(0) } } }),
  failed({ ...QUOTA, outputs: { at: new Date(0) } }),
  failed({ ...QUOTA, message: "x".repeat(1_100_000) }),
];

/**
 * Texts of programs: half of a character, NUL, and a character on each border at which a text is cut; see rakazo#416,
 * cumora#185, activepieces#13965.
 */
const ODD_TEXTS: readonly string[] = [
  "half \ud83d",
  "\udc4d half",
  "NUL \0",
  ...[200, 500, 512, 1_024, 2_000, 4_096, 8_192, 16_384].flatMap((border) =>
    [2, 1, 0].map((before) => `${"x".repeat(border - before)}😀${"y".repeat(20_000)}${"😀z".repeat(border)}`),
  ),
];

const NEGATIVE = { code: "NEGATIVE", message: "It is negative.", retryable: false };
