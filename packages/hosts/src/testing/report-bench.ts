import { silentLogger } from "@stackyard/core";
import { startYard } from "@stackyard/core/engine";
import { countingIds } from "@stackyard/core/testing";
import { createGitHubBench, type GitHubBenchOptions } from "./github-bench.ts";
import type { HostsBench } from "./hosts-bench.ts";

/** A yard with an engine that reports to a simulated GitHub. */
export type ReportBench = Awaited<ReturnType<typeof createReportBench>>;

/** Creates one, by default with the mapping document of the bench of hosts. */
export async function createReportBench(document?: string, options?: GitHubBenchOptions) {
  const bench = await createGitHubBench(document, options);
  const { github } = bench;
  return {
    ...runYard(bench),
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
  const ports = { store, clock, locator, ids: countingIds(), logger: silentLogger, executors: new Map() };
  const yard = startYard(ports, { roles: ["engine"], process: { version: "0.0.0", host: "blue" } });
  const process = bench.start();
  return {
    ...bench,
    ...process,
    /** Advances the time, and does the due work meanwhile as the servers of a yard do. */
    async pass(seconds: number, running: Pick<typeof process, "tick" | "report"> = process): Promise<void> {
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
