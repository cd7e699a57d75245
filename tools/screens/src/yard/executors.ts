import { defineExecutor, type Executor, type ExecutorContext, failed, running, succeeded } from "@stackyard/core";
import promotion from "@stackyard/promotion";
import { Type } from "typebox";
import { FLEET_REPORT, PLACE, toPreview, toReleaseReport } from "./aws-data.ts";

const ANY = Type.Record(Type.String(), Type.Unknown());
const LONG_MS = 12 * 3_600_000;

/** What a task does: nothing special, or it fails, or it does not end. */
type Fate =
  | { readonly kind: "fails"; readonly code: string; readonly log: readonly string[]; readonly message: string }
  | { readonly kind: "runs"; readonly log?: readonly string[]; readonly message: string };

/** What tasks of the yard do, by `stack task`. Other tasks succeed after some seconds. */
export type Fates = Map<string, Fate>;

/** Creates the executors of the yard. They call nothing outside. */
export function createExecutors(fates: Fates): readonly Executor[] {
  const plugin = promotion.executors?.({}, PLUGIN_PLACE) ?? [];
  return [...plugin, createScript(fates), releases, fleet];
}

const PLUGIN_PLACE = {
  projectDir: "/",
  dataDir: "/",
  environment: {},
  readSecret: async () => {
    throw new Error("This yard has no secrets.");
  },
};

function createScript(fates: Fates): Executor {
  return defineExecutor({
    name: "script",
    config: ANY,
    progress: Type.Object({}),
    async start(ctx) {
      const fate = fates.get(`${ctx.stackId} ${ctx.task}`);
      for (const line of fate?.log ?? [`${ctx.task} begins`]) ctx.report(line);
      if (fate?.kind === "runs") return running({ progress: {}, pollAfterMs: LONG_MS, message: fate.message });
      return running({ progress: {}, pollAfterMs: 9_000, message: "applying" });
    },
    async poll(ctx) {
      const fate = fates.get(`${ctx.stackId} ${ctx.task}`);
      if (fate?.kind === "runs") return running({ progress: {}, pollAfterMs: LONG_MS, message: fate.message });
      if (fate?.kind === "fails") return failed({ code: fate.code, message: fate.message, retryable: true });
      if (ctx.task === "preview") return succeeded(toPreview(ctx));
      return succeeded({});
    },
  });
}

/** A release that runs until its machine ends; everything else about releases succeeds at once. */
const releases = defineExecutor({
  name: "asg",
  config: ANY,
  progress: Type.Object({}),
  async start(ctx, { op }) {
    const now = ctx.clock.now();
    await write(ctx, `release-places/${PLACE.project}`, {
      ...PLACE,
      running: { releaseId: "rel-41", since: new Date(now - LONG_MS).toISOString(), stackId: "run-41" },
      updatedAt: new Date(now - LONG_MS).toISOString(),
    });
    if (op !== "deploy") return succeeded({});
    await write(ctx, `job-report/${ctx.stackId}/0000`, toReleaseReport(now));
    return running({ progress: {}, pollAfterMs: LONG_MS, message: "CheckHealthy" });
  },
  poll: async () => running({ progress: {}, pollAfterMs: LONG_MS, message: "CheckHealthy" }),
});

/** A command that fails on some instances of a fleet. */
const fleet = defineExecutor({
  name: "runcommand",
  config: ANY,
  async start(ctx) {
    await write(ctx, `job-report/${ctx.stackId}/0000`, { runId: ctx.stackId, instances: FLEET_REPORT });
    const message =
      "3 of 120 instances failed (3 × COMMAND_FAILED). 9 were not sent to. 3 errors exceed the limit of 2.";
    return failed({ code: "COMMAND_FAILED", message, retryable: false });
  },
});

async function write(ctx: ExecutorContext, key: string, value: unknown): Promise<void> {
  const now = ctx.clock.now();
  const expected = (await ctx.records.get(key, now))?.version ?? "absent";
  await ctx.records.put({ key, value, expected, now });
}
