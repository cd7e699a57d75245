import { readFileSync } from "node:fs";
import { type TSchema, Type } from "typebox";
import { afterEach, describe, expect, it } from "vitest";
import { explainStack } from "../inspect/explain-stack.ts";
import { createMemoryStore } from "../memory/memory-store.ts";
import { defineExecutor, type Executor, running, silentLogger, succeeded } from "../ports/executor.ts";
import { countingIds, createFakeClock, settlePromises } from "../testing/fake-clock.ts";
import { createTrialLocator } from "../testing/trial.ts";
import { publishMessages } from "./engine.ts";
import { type RunningYard, startYard } from "./yard.ts";
import { loadLiveProcesses } from "./yard-health.ts";

// The rows of the table "When a plugin changes" in docs/plugin-reference.md.

const SOURCE = `
version: 2
events: [GO, NOTE]
metadata: { note: { type: string } }
states:
  INIT: { on: { GO: RUN } }
  RUN: { tasks: [first, second], on: { NOTE: no-op, NEXT: DONE } }
  DONE: { on: { NOTE: no-op } }
  GONE: { terminal: true, tasks: [] }
tasks:
  first: { executor: wait, config: { name: a }, timeout: 1h }
  second: { executor: wait, config: { name: b }, needs: [first], timeout: 1h }
`;

interface Version {
  readonly config?: TSchema;
  readonly progress?: TSchema;
}

const yards: RunningYard[] = [];
afterEach(async () => {
  for (const yard of yards.splice(0)) void yard.stop();
});

/** A yard whose processes come and go, each with its own version of the plugin, or without it. */
function createBench() {
  const clock = createFakeClock();
  const ids = countingIds();
  const store = createMemoryStore();
  const bench = { hasEnded: false };
  const seen: unknown[] = [];
  const create = ({ config = Type.Object({ name: Type.String() }), progress = Type.Any() }: Version = {}): Executor =>
    defineExecutor({
      name: "wait",
      config,
      progress,
      start: async () => running({ progress: { step: 1 }, pollAfterMs: 1_000, message: "begun" }),
      async poll(_ctx, given, at) {
        seen.push([given, at]);
        return bench.hasEnded ? succeeded({}) : running({ progress: at, pollAfterMs: 1_000, message: "works" });
      },
    });
  const locator = createTrialLocator(new Map([["wait", create()]]), { app: SOURCE });
  let count = 0;
  function start(version: Version | "without", roles: readonly ("engine" | "worker")[] = ["engine", "worker"]) {
    count += 1;
    const executors = new Map(version === "without" ? [] : [["wait", create(version)]]);
    const process = { version: "1", host: `host-${count}` };
    const yard = startYard({ store, locator, executors, clock, ids, logger: silentLogger }, { roles, process });
    yards.push(yard);
    return yard;
  }
  async function pass(ms: number) {
    for (let left = ms; left > 0; left -= 1_000) {
      await clock.advance(Math.min(left, 1_000));
      await settlePromises();
    }
  }
  async function send(event: string, stackId = "s") {
    await publishMessages({ store, clock, ids }, [{ id: `${event}-${stackId}`, stackId, event, machine: "app" }]);
    await pass(3_000);
  }
  async function read(stackId = "s") {
    const [loaded] = await store.load([stackId]);
    const tasks = loaded?.stack?.tasks.map(({ name, status, detail, errorCode }) =>
      [name, status, detail, errorCode].filter((part) => part !== undefined).join(" "),
    );
    return [loaded?.stack?.state, ...(tasks ?? [])];
  }
  async function explain() {
    const [loaded] = await store.load(["s"]);
    const { stack, parked = [] } = loaded ?? {};
    if (stack === undefined) return "";
    const attempts = await store.queries.listAttempts("s");
    const workers = await loadLiveProcesses(store.records, clock.now());
    const located = await locator.find("app");
    const machine = located.kind === "found" ? located.machine : undefined;
    return explainStack({ stack, parked, attempts, workers, machine }, clock.now()).summary;
  }
  async function leave(yard: RunningYard) {
    const stopped = yard.stop();
    await pass(30_000);
    await stopped;
  }
  return Object.assign(bench, { clock, store, seen, start, pass, send, read, explain, leave });
}

const RUNS = ["RUN", "first PENDING RUNNING", "second PENDING WAITING"];

describe("tasks whose plugin changes", () => {
  const played: string[] = [];
  function row(name: string, play: () => Promise<void>): void {
    played.push(name);
    it(name, play);
  }

  row("the schema of `config` is stricter, or a check of documents is new", async () => {
    const bench = createBench();
    const before = bench.start({});
    await bench.send("GO");
    await bench.leave(before);
    bench.start({ config: Type.Object({ name: Type.String(), region: Type.String() }) });
    await bench.send("NOTE");
    const during = await bench.read();
    bench.hasEnded = true;
    await bench.pass(10_000);

    expect(during).toEqual(RUNS);
    expect(bench.seen.at(-1)).toEqual([{ name: "a" }, { step: 1 }]);
    expect(await bench.read()).toEqual(["RUN", "first SATISFIED", "second ERROR CONFIG_INVALID"]);
  });

  row("the schema of `progress`", async () => {
    const bench = createBench();
    const before = bench.start({ progress: Type.Object({ step: Type.Number() }) });
    await bench.send("GO");
    await bench.leave(before);
    bench.hasEnded = true;
    bench.start({ progress: Type.Object({ stage: Type.String() }) });
    await bench.pass(5_000);

    expect(bench.seen.at(-1)).toEqual([{ name: "a" }, { step: 1 }]);
    expect((await bench.read())[1]).toBe("first SATISFIED");
  });

  row("the plugin is missing in one worker", async () => {
    const bench = createBench();
    bench.start("without");
    bench.start({});
    bench.start("without", ["worker"]);
    bench.hasEnded = true;
    for (const id of ["s", "t", "u"]) await bench.send("GO", id);
    await bench.pass(120_000);

    expect([await bench.read("s"), await bench.read("t"), await bench.read("u")]).toEqual([
      ["DONE"],
      ["DONE"],
      ["DONE"],
    ]);
  });

  row("the plugin is missing in all workers", async () => {
    const bench = createBench();
    const before = bench.start({});
    await bench.send("GO");
    await bench.leave(before);
    bench.start("without");
    await bench.send("GO", "t");
    await bench.send("NOTE");
    await bench.pass(10 * 60_000);
    const [why, during] = [await bench.explain(), [await bench.read("s"), await bench.read("t")]];
    await bench.pass(60 * 60_000);

    expect(why).toContain('"wait"');
    expect(during.map(([state, first]) => [state, first])).toEqual([
      ["RUN", "first PENDING RUNNING"],
      ["RUN", "first PENDING RUNNING"],
    ]);
    expect((await bench.read())[1]).toMatch(/^first ERROR/);
    const { items } = await bench.store.queries.listHistory({ stackId: "s" }, { limit: 99 });
    expect(items.find(({ event }) => event === "NOTE")).toMatchObject({ outcome: "applied" });
  });

  row("it comes back", async () => {
    const bench = createBench();
    const before = bench.start({});
    await bench.send("GO");
    await bench.leave(before);
    const without = bench.start("without");
    await bench.send("GO", "t");
    await bench.pass(10 * 60_000);
    await bench.leave(without);
    bench.start({});
    bench.hasEnded = true;
    await bench.pass(60_000);

    expect([await bench.read("s"), await bench.read("t")]).toEqual([["DONE"], ["DONE"]]);
  });

  it("are all rows of the page", () => {
    const page = readFileSync(new URL("../../../../docs/plugin-reference.md", import.meta.url), "utf8");
    const [, table = ""] = page.split("| what changes |");
    const [lines = ""] = table.split("\n\n");
    const rows = lines.split("\n").slice(2);

    expect(rows.map((line) => line.split("|")[1]?.trim())).toEqual(played);
  });
});
