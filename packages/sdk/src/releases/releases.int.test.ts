import { defineExecutor, failed, running, type Step, silentLogger, succeeded } from "@stackyard/core";
import { createMemoryStore, createStaticLocator, createUlids, startYard, systemClock } from "@stackyard/core/engine";
import { createServer } from "@stackyard/server";
import { Type } from "typebox";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createReleasesClient, type ReleasesApi } from "./index.ts";

const AT = { account: "111122223333", region: "eu-west-1", project: "acme/shop", config: "production" };
const GOES_ON: Step = running({ progress: {}, pollAfterMs: 10, message: "CheckHealthy" });

let [state, answer]: [string, Step] = ["Deploy", GOES_ON];
let started: unknown[] = [];
let releases: ReleasesApi;
let end: () => Promise<void>;

/** Writes a report as the test says, and answers so. */
const scripted = defineExecutor({
  name: "asg",
  config: Type.Record(Type.String(), Type.Unknown()),
  progress: Type.Unknown(),
  async start(ctx, config) {
    started.push(config);
    return step(ctx);
  },
  poll: step,
  async cancel(ctx) {
    state = "FailureClean";
    await step(ctx);
    return failed({ code: "RELEASE_HALTED", message: "Halted.", retryable: false });
  },
});

async function step(ctx: Parameters<Parameters<typeof defineExecutor>[0]["start"]>[0]): Promise<Step> {
  const key = `job-report/${ctx.stackId}/0000`;
  const now = ctx.clock.now();
  const expected = (await ctx.records.get(key, now))?.version ?? "absent";
  const end = state === "FailureClean" ? { end: state } : {};
  await ctx.records.put({ key, value: { releaseId: "release-1", state, ...end }, expected, now });
  return answer;
}

beforeEach(async () => {
  [state, answer, started] = ["Deploy", GOES_ON, []];
  const executors = new Map([["asg", scripted]]);
  const [store, locator] = [createMemoryStore(), createStaticLocator([])];
  const deps = { store, locator, executors, clock: systemClock, ids: createUlids(), logger: silentLogger };
  const server = createServer({ ...deps, version: "0.0.0" }, { port: 0, allowAnonymous: true });
  const { url } = await server.start();
  const yard = startYard(deps, { drainMs: 100 });
  releases = createReleasesClient({ url });
  end = async () => {
    await server.stop();
    await yard.stop();
    await store.close();
  };
});
afterEach(() => end());

function deploy(releaseId: string, config = AT.config) {
  const names = { project_name: AT.project, config_name: config, release_id: releaseId };
  return releases.deploy({ document: { aws_account_id: AT.account, aws_region: AT.region, ...names }, userData: "x" });
}

describe("the client of releases", () => {
  it("deploys a release once, however often it is requested", async () => {
    answer = succeeded({ end: "Success", releaseId: "release-1" });

    const first = await deploy("release-1");
    const again = await deploy("release-1");
    const done = await releases.wait(first.jobId, { pollMs: 5 });

    expect(again.jobId).toBe(first.jobId);
    expect(done).toMatchObject({ ...AT, releaseId: "release-1", standing: "succeeded", end: "Success" });
    expect(started).toHaveLength(1);
  });

  it("watches each change to the end", async () => {
    const { jobId } = await deploy("release-1");
    const states: unknown[] = [];

    for await (const { report, standing } of releases.watch(jobId, { pollMs: 5 })) {
      states.push(standing === "succeeded" ? standing : report?.state);
      if (states.at(-1) === "CheckHealthy") answer = succeeded({ end: "Success" });
      if (states.at(-1) === "Deploy") state = "CheckHealthy";
    }

    expect([...new Set(states)].filter(Boolean)).toEqual(["Deploy", "CheckHealthy", "succeeded"]);
  });

  it("stops watching when its signal aborts", async () => {
    const { jobId } = await deploy("release-1");
    const stop = new AbortController();
    const watching = (async () => {
      for await (const _release of releases.watch(jobId, { pollMs: 5, signal: stop.signal })) stop.abort();
    })();

    await expect(watching).rejects.toMatchObject({ code: "INTERRUPTED" });
  });

  it("finds the release that runs exactly there, and halts it", async () => {
    const { jobId } = await deploy("release-1");
    await deploy("release-2", "production-eu");
    await expect.poll(async () => (await releases.findRunning(AT))?.jobId).toBe(jobId);

    await releases.halt(jobId, { reason: "wrong image" });
    const looks: string[] = [];
    const halted = await releases.wait(jobId, { pollMs: 5, onLook: ({ standing }) => void looks.push(standing) });

    expect(halted).toMatchObject({ standing: "cancelled", end: "FailureClean" });
    expect(looks.at(-1)).toBe("cancelled");
    await expect.poll(() => releases.findRunning(AT)).toBeUndefined();
  });

  it("lists the releases of a project-config alone", async () => {
    answer = succeeded({ end: "Success" });
    const [one, other] = [await deploy("release-1"), await deploy("release-1", "staging")];
    await releases.wait(other.jobId, { pollMs: 5 });
    await releases.wait(one.jobId, { pollMs: 5 });

    const { items } = await releases.list({ project: AT.project, config: "staging", standing: "succeeded" });

    expect(items.map(({ jobId, config, end }) => [jobId, config, end])).toEqual([[other.jobId, "staging", "Success"]]);
  });

  it("rolls back, repairs, locks and unlocks by jobs of their own", async () => {
    answer = succeeded({ end: "Success" });

    for (const { jobId } of [
      await releases.rollback({ at: AT, reason: "500s" }),
      await releases.repair({ at: AT, remove: true }),
      await releases.lock({ at: AT, reason: "sale", actor: "ann" }),
      await releases.unlock({ at: AT, root: true }),
    ]) {
      await releases.wait(jobId, { pollMs: 5 });
    }

    expect(started).toEqual([
      { op: "rollback", at: AT, reason: "500s" },
      { op: "repair", at: AT, confirm: true },
      { op: "lock", at: AT, reason: "sale", actor: "ann" },
      { op: "unlock", at: AT, root: true },
    ]);
  });

  it("says what is unknown", async () => {
    await expect(releases.get("run-0")).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});
