import { defineExecutor, type Executor, running, type Store, succeeded } from "@stackyard/core";
import { parseMachine } from "@stackyard/core/machine";
import { createSimulator, type Simulator } from "@stackyard/core/testing";
import promotion from "@stackyard/promotion";
import { createSqliteStore } from "@stackyard/store-sqlite";
import { Type } from "typebox";
import { withFolder } from "./bench-store.ts";
import { publish, type ReportOptions, toMachineLine } from "./report.ts";

const TENANT = `
version: 2
events: { OPENED: {}, RELEASED: { metadata: [api] } }
metadata: { api: { type: string } }
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE: { on: { RELEASED: BUILD } }
  BUILD: { tasks: [build], on: { NEXT: LIVE } }
tasks: { build: { executor: work, config: {}, timeout: 6h } }
`;

const RELEASE = {
  version: 2,
  events: { PLAN: { metadata: ["api"] }, SEND: { metadata: ["api"] }, SELECT: {} },
  metadata: { api: { type: "string" } },
  states: {
    INIT: { on: { PLAN: "PLANNING", SEND: "SENDING", SELECT: "SELECTING" } },
    PLANNING: { tasks: ["plan"], on: { NEXT: "DONE" } },
    SENDING: { tasks: ["tenants"], on: { NEXT: "DONE" } },
    SELECTING: { tasks: ["few"] },
    DONE: {},
  },
  tasks: {
    plan: { executor: "deploy", config: { op: "plan", of: ["tenants"] } },
    tenants: { executor: "deploy", config: toConfig({ machine: "tenant" }, 50) },
    // Selects all and sends nothing.
    few: { executor: "deploy", config: toConfig({ machine: "tenant", where: "metadata.api == 'none'" }, 50) },
  },
};

function toConfig(stacks: object, concurrency: number): object {
  const metadata = { api: `\${metadata.api}` };
  return { stacks, event: "RELEASED", metadata, until: ["LIVE"], concurrency };
}

/** What the calls of one executor have cost. */
interface Calls {
  count: number;
  cpuMs: number;
}

interface Bench {
  readonly yard: Simulator;
  readonly calls: Calls;
  readonly writes: () => number;
}

/** What was measured over one store. */
interface PromotionFigures {
  readonly store: string;
  readonly planCpuMs: number;
  readonly pollCpuMs: number;
  readonly polls: number;
  readonly writes: number;
  readonly selectSeconds: number;
  readonly selectMiB: number;
}

/** Measures plans, polls and writes of a release over 400 tenants, and the selection of 10,000. */
export async function runPromotion(options: ReportOptions): Promise<void> {
  const [tenants, many] = options.quick ? [40, 1_000] : [400, 10_000];
  const figures = [await measure("memory", undefined, { tenants, many })];
  figures.push(
    await withFolder(async (folder) => {
      const store = await createSqliteStore({ folder });
      try {
        return await measure("SQLite", store, { tenants, many });
      } finally {
        await store.close();
      }
    }),
  );
  publish(options, {
    section: "promotion",
    command: "--promotion",
    machine: toMachineLine(),
    tables: [
      {
        title: `A release over ${tenants} tenants, 50 on their way, and a selection among ${many}`,
        head: ["store", "plan, s of CPU", "poll, ms of CPU", "polls", "writes of records", "selection, s", "MiB"],
        rows: figures.map((each) => [
          each.store,
          (each.planCpuMs / 1_000).toFixed(2),
          each.pollCpuMs.toFixed(1),
          String(each.polls),
          String(each.writes),
          each.selectSeconds.toFixed(2),
          each.selectMiB.toFixed(0),
        ]),
      },
    ],
    figures: { figures },
  });
}

async function measure(
  name: string,
  store: Store | undefined,
  { tenants, many }: { readonly tenants: number; readonly many: number },
): Promise<PromotionFigures> {
  const bench = createBench(store);
  const { yard, calls } = bench;
  await addTenants(yard, 0, tenants);
  await play(yard, "warm", "PLAN");
  const plan = await spend(calls, () => play(yard, "r1", "PLAN"));
  const writesBefore = bench.writes();
  await send(yard, "r2", "SEND");
  await yard.advance(4_000);
  const poll = await spend(calls, () => yard.advance(60_000));
  await yard.advance(4 * 3_600_000);
  const writes = bench.writes() - writesBefore;
  await addTenants(yard, tenants, many);
  const before = process.memoryUsage().rss;
  const begun = performance.now();
  await play(yard, "r3", "SELECT");
  const selectSeconds = (performance.now() - begun) / 1_000;
  const selectMiB = (process.memoryUsage().rss - before) / 2 ** 20;
  return {
    store: name,
    planCpuMs: plan.cpuMs,
    pollCpuMs: poll.cpuMs / poll.count,
    polls: poll.count,
    writes,
    selectSeconds,
    selectMiB,
  };
}

function createBench(store: Store | undefined): Bench {
  const calls: Calls = { count: 0, cpuMs: 0 };
  let writes = 0;
  const context = { projectDir: ".", dataDir: ".", environment: {}, readSecret: async () => "" };
  const own = promotion.executors({}, context).map((executor) => counted(executor, calls));
  const executors = [...own, work];
  const machines = Object.entries({ tenant: TENANT, shop: JSON.stringify(RELEASE) }).map(([name, source]) => {
    const { machine, problems } = parseMachine(source, { name, executors: new Map(executors.map((e) => [e.name, e])) });
    if (machine === undefined) throw new Error(JSON.stringify(problems));
    return { machine, source };
  });
  const wrapStore = (memory: Store): Store => {
    const target = store ?? memory;
    const { records } = target;
    const put: typeof records.put = (input) => {
      if (input.key.startsWith("promotion/")) writes += 1;
      return records.put(input);
    };
    const counting = { ...records, put };
    return new Proxy(target, { get: (of, key) => (key === "records" ? counting : Reflect.get(of, key)) });
  };
  const yard = createSimulator({ machines, executors, wrapStore, engines: 1, workers: 1 });
  return { yard, calls, writes: () => writes };
}

/** Builds that take from 2 to 32 minutes, so that one tenant arrives after the other. */
const work = defineExecutor({
  name: "work",
  config: Type.Object({}),
  progress: Type.Object({}),
  async start({ stackId }) {
    const place = Number.parseInt(stackId.slice(1), 10) % 61;
    return running({ progress: {}, pollAfterMs: 120_000 + place * 30_000, message: "" });
  },
  poll: async () => succeeded({}),
});

function counted(executor: Executor, calls: Calls): Executor {
  const { start, poll } = executor;
  async function count<Result>(call: () => Promise<Result>): Promise<Result> {
    const begun = process.cpuUsage();
    const result = await call();
    const { user, system } = process.cpuUsage(begun);
    calls.count += 1;
    calls.cpuMs += (user + system) / 1_000;
    return result;
  }
  return {
    ...executor,
    start: (ctx, config) => count(() => start(ctx, config)),
    ...(poll && { poll: (ctx, config, progress) => count(() => poll(ctx, config, progress)) }),
  };
}

async function spend(calls: Calls, run: () => Promise<void>): Promise<Calls> {
  const before = { ...calls };
  await run();
  return { count: calls.count - before.count, cpuMs: calls.cpuMs - before.cpuMs };
}

const BATCH = 500;

async function addTenants(yard: Simulator, from: number, to: number): Promise<void> {
  for (let first = from; first < to; first += BATCH) {
    const ids = Array.from({ length: Math.min(BATCH, to - first) }, (_, index) => first + index);
    const metadata = { api: "1.41.0" };
    await yard.publish(
      ...ids.map((id) => ({ id: `o${id}`, stackId: `t${id}`, machine: "tenant", event: "OPENED", metadata })),
    );
    await yard.settle();
  }
}

async function send(yard: Simulator, stackId: string, event: string): Promise<void> {
  await yard.publish({ id: `e-${stackId}`, stackId, machine: "shop", event, metadata: { api: stackId } });
  await yard.settle();
}

async function play(yard: Simulator, stackId: string, event: string): Promise<void> {
  await send(yard, stackId, event);
  for (let turn = 0; turn < 1_000; turn += 1) {
    const stack = (await yard.store.load([stackId]))[0]?.stack;
    if (stack?.tasks.every(({ status }) => status !== "PENDING")) return;
    await yard.advance(1_000);
  }
  throw new Error(`The release ${stackId} does not rest.`);
}
