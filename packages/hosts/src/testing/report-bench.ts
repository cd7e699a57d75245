import { defined, silentLogger } from "@stackyard/core";
import type { Sender } from "@stackyard/core/access";
import { publishMessages, startYard } from "@stackyard/core/engine";
import { countingIds } from "@stackyard/core/testing";
import { createGitHubBench, type GitHubBenchOptions } from "./github-bench.ts";
import type { HostsBench } from "./hosts-bench.ts";
import { createIdleClock } from "./idle-clock.ts";

/** A yard with an engine that reports to a simulated GitHub. */
export type ReportBench = Awaited<ReturnType<typeof createReportBench>>;

/** Creates one, by default with the mapping document of the bench of hosts. */
export async function createReportBench(document?: string, options?: GitHubBenchOptions) {
  const bench = await createGitHubBench(document, options);
  const { github } = bench;
  const yard = runYard(bench);
  return {
    ...yard,
    ...createActions(yard),
    reports: github.reports,
    /** Lists the methods and paths of requests that have changed the host, after the first `since` requests. */
    listWrites: (since = 0) =>
      github.requests
        .slice(since)
        .filter((request) => !request.startsWith("GET") && !request.includes("/app/"))
        .map((request) => request.replace("/api/v3/repos/acme/shop", "")),
  };
}

/** Adds an engine and a first process to a bench. */
export function runYard<Bench extends Pick<HostsBench, "store" | "clock" | "locator" | "start">>(
  bench: Bench & { stop(): Promise<void> },
) {
  const { store, clock, locator } = bench;
  const engineClock = createIdleClock(clock, store);
  const ports = { store, clock: engineClock, locator, ids: countingIds(), logger: silentLogger, executors: new Map() };
  const yard = startYard(ports, { roles: ["engine"], process: { version: "0.0.0", host: "blue" } });
  const process = bench.start();
  return {
    ...bench,
    ...process,
    /** Advances the time, and does the due work meanwhile as the servers of a yard do. */
    async pass(seconds: number, running: Pick<RunningProcess, "tick" | "report"> = process): Promise<void> {
      for (let second = 0; second < seconds; second++) {
        await running.tick();
        await clock.advance(1_000);
        await running.report();
      }
    },
    async stopEngine(): Promise<void> {
      const stopped = yard.stop();
      await clock.advance(60_000);
      await stopped;
    },
    async stop(): Promise<void> {
      const stopped = yard.stop();
      await clock.advance(60_000);
      await stopped;
      await bench.stop();
    },
  };
}

const MINUTE = 60_000;

/** A server of the yard, as far as it follows pull requests. */
export type RunningProcess = Pick<ReturnType<HostsBench["start"]>, "poll" | "tick" | "report">;

/** A message to the stack of the first pull request. */
export interface PublishedMessage extends Readonly<Record<string, unknown>> {
  readonly sender?: Sender;
}

/** Creates what happens in the yard of a bench apart from its hosts. */
export function createActions({
  store,
  clock,
  tick,
  poll,
  pass,
}: Pick<ReturnType<typeof runYard<Runnable>>, "store" | "clock" | "tick" | "poll" | "pass">) {
  const ids = countingIds();
  async function publish({ sender, ...message }: PublishedMessage, running?: RunningProcess): Promise<void> {
    const sent = { id: `own-${ids.next()}`, stackId: "shop-pr-1", ...message };
    await publishMessages({ store, clock, ids }, [sent], defined({ sender }));
    await clock.advance(5_000);
    await pass(3, running);
  }
  return {
    publish,
    send: (event: string, metadata: Readonly<Record<string, unknown>> = {}) => publish({ event, metadata }),
    /** Settles a task of the stack as succeeded, or lets it fail. */
    settle: (task: string) => publish({ event: "SETTLE_TASK", task: { name: task }, as: "succeeded", reason: "x" }),
    fail: (task: string) =>
      publish({ event: "TASK_ERROR", task: { name: task }, code: "BOOM", description: "It broke." }),
    findStack: async (stackId = "shop-pr-1") => (await store.load([stackId]))[0]?.stack,
    stateOf: async (stackId = "shop-pr-1") => (await store.load([stackId]))[0]?.stack?.state,
    /** Time passes, and the hosts are compared every five minutes. */
    async wait(minutes: number, running: Pick<RunningProcess, "poll" | "tick"> = { poll, tick }): Promise<void> {
      for (let passed = 0; passed < minutes; passed += 5) {
        await clock.advance(5 * MINUTE);
        await running.poll();
        await running.tick();
        await clock.advance(0);
      }
    },
  };
}

type Runnable = Pick<HostsBench, "store" | "clock" | "locator" | "start">;
