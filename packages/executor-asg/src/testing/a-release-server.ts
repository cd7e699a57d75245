import { defineExecutor, failed, running, type Step, silentLogger, succeeded } from "@stackyard/core";
import { createMemoryStore, createStaticLocator, createUlids, startYard, systemClock } from "@stackyard/core/engine";
import type { ReleaseReport } from "@stackyard/sdk/releases";
import { createServer } from "@stackyard/server";
import { Type } from "typebox";
import { AsgConfig } from "../definition.ts";
import { aReport } from "./a-report.ts";

/** A yard whose executor `asg` answers and reports as a test says, step by step. */
export interface ReleaseServer {
  readonly url: string;
  /** Configs of runs, in order. */
  readonly started: Readonly<Record<string, unknown>>[];
  /** Of each step the report and the answer; the last one stays. */
  script: readonly ScriptedStep[];
  stop(): Promise<void>;
}

/** One step. */
export interface ScriptedStep {
  readonly report?: Partial<ReleaseReport>;
  readonly answer?: Step;
}

/** A step that is polled again at once. */
export const GOES_ON: Step = running({ progress: {}, pollAfterMs: 10, message: "CheckHealthy." });
/** The end of a release that is done. */
export const DONE: Step = succeeded({ releaseId: "release-2", end: "Success", dirty: false });

/** Makes one. */
export async function startReleaseServer(): Promise<ReleaseServer> {
  const started: Readonly<Record<string, unknown>>[] = [];
  const served = { script: [{}] as readonly ScriptedStep[] };
  const executors = new Map([["asg", createScripted(served, started)]]);
  const [store, locator] = [createMemoryStore(), createStaticLocator([])];
  const deps = { store, locator, executors, clock: systemClock, ids: createUlids(), logger: silentLogger };
  const server = createServer({ ...deps, version: "0.0.0" }, { port: 0, allowAnonymous: true });
  const { url } = await server.start();
  const yard = startYard(deps, { drainMs: 100 });
  return Object.assign(served, {
    url,
    started,
    async stop() {
      await server.stop();
      await yard.stop();
      await store.close();
    },
  });
}

type Context = Parameters<Parameters<typeof defineExecutor>[0]["start"]>[0];

function createScripted(served: { script: readonly ScriptedStep[] }, started: Readonly<Record<string, unknown>>[]) {
  const step = async (ctx: Context): Promise<Step> => {
    const [next = {}, ...rest] = served.script;
    if (rest.length > 0) served.script = rest;
    if (next.report !== undefined) await write(ctx, next.report);
    return next.answer ?? GOES_ON;
  };
  return defineExecutor({
    name: "asg",
    config: AsgConfig,
    progress: Type.Unknown(),
    start(ctx, config) {
      started.push(config);
      return step(ctx);
    },
    poll: step,
    async cancel(ctx) {
      await write(ctx, { state: "FailureClean", end: "FailureClean" });
      return failed({ code: "RELEASE_HALTED", message: "Halted.", retryable: false });
    },
  });
}

async function write({ records, clock, stackId }: Context, report: Partial<ReleaseReport>): Promise<void> {
  const [key, now] = [`run-report/${stackId}/0000`, clock.now()];
  const expected = (await records.get(key, now))?.version ?? "absent";
  await records.put({ key, value: { ...aReport(report) }, expected, now });
}
