import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { defineExecutor, type ExecutorContext, failed, running, succeeded } from "@stackyard/core";
import { Type } from "typebox";
import { fakeArtifacts } from "../src/testing/fake-artifacts.ts";
import { type ConsoleYard, startConsoleYard } from "./console-yard.ts";

const MACHINE = `
version: 2
events: { OPENED: {}, PUSHED: {}, EXTENDED: {}, CLOSED: {} }
metadata: { mode: { type: string }, url: { type: string } }
states:
  INIT: { on: { OPENED: BUILD } }
  BUILD: { tasks: [network, database], on: { NEXT: LIVE } }
  LIVE: { after: [{ in: 72h, event: CLOSED }], on: { PUSHED: REVIEW, EXTENDED: LIVE, CLOSED: GONE } }
  REVIEW: { tasks: [sign-off], on: { NEXT: LIVE } }
  GONE: { terminal: true }
tasks:
  network: { executor: script, config: { mode: ok } }
  database: { executor: script, config: { mode: "\${metadata.mode}" } }
  sign-off: { executor: approval, config: { from: [release-managers], own: true } }
`;

const OLD_MACHINE = `
version: 1
events: [OPENED, CLOSED]
states:
  INIT: { on: { OPENED: [{ action: advance, state: LIVE }] } }
  LIVE: { tasks: [app], on: { CLOSED: [{ action: advance, state: GONE }] } }
  GONE: { terminal: true, tasks: [app] }
tasks:
  app: { executor: script, config: { mode: ok } }
`;

/** A yard with open work for people. */
export interface TasksYard extends ConsoleYard {
  /** True if the tasks that fail for lack of capacity would succeed now. */
  readonly room: { isFree: boolean };
  /** Writes a line into the log of the newest task that hangs. */
  say(line: string): void;
}

export async function startTasksYard(): Promise<TasksYard> {
  const room = { isFree: false };
  let report: (line: string) => void = () => {};
  const script = defineExecutor({
    name: "script",
    config: Type.Object({ mode: Type.String() }),
    async start(ctx, { mode }) {
      ctx.report(`creating for ${mode}`);
      if (mode === "hang") {
        report = (line) => ctx.report(line);
        await new Promise((resolve) => ctx.signal.addEventListener("abort", resolve));
      }
      ctx.signal.throwIfAborted();
      if (mode !== "no-room" || room.isFree) return succeeded({});
      ctx.report("Error: no room for another postgres database");
      return failed({ code: "NO_ROOM", message: "no room for another postgres database", retryable: false });
    },
  });
  const yard = await startConsoleYard({
    executors: [script, releases, fleet],
    addMachines(folder) {
      writeFileSync(join(folder, "review-app.yaml"), MACHINE);
      writeFileSync(join(folder, "old-app.yaml"), OLD_MACHINE);
    },
    artifacts: { ...fakeArtifacts, coverage: async () => ({ rows: [COVERAGE] }) },
  });
  return { ...yard, room, say: (line) => report(line) };
}

export const PLACE = { account: "111122223333", region: "eu-west-1", project: "acme/web", config: "prod" };

/** Runs a release until it is halted; all other operations on releases succeed immediately. */
const releases = defineExecutor({
  name: "asg",
  config: Type.Record(Type.String(), Type.Unknown()),
  progress: Type.Object({}),
  async start(ctx, { op }) {
    await write(ctx, `release-places/${PLACE.project}`, {
      ...PLACE,
      running: { releaseId: "rel-41", since: "2026-11-20T02:00:00.000Z", stackId: "run-41" },
      updatedAt: "2026-11-20T02:00:00.000Z",
    });
    if (op !== "deploy") return succeeded({});
    await write(ctx, `job-report/${ctx.stackId}/0000`, RELEASE_REPORT);
    return running({ progress: {}, pollAfterMs: 60_000, message: "CheckHealthy" });
  },
  poll: async () => running({ progress: {}, pollAfterMs: 60_000, message: "CheckHealthy" }),
  cancel: async () => failed({ code: "RELEASE_HALTED", message: "Halted.", retryable: false }),
});

/** A command that fails on one of two instances. */
const fleet = defineExecutor({
  name: "runcommand",
  config: Type.Record(Type.String(), Type.Unknown()),
  async start(ctx) {
    const instances = [
      { instanceId: "i-1", state: "succeeded", roles: ["web"] },
      { instanceId: "i-2", state: "failed", roles: ["web"], code: "COMMAND_FAILED", responseCode: 2 },
    ];
    await write(ctx, `job-report/${ctx.stackId}/0000`, { runId: ctx.stackId, instances });
    return failed({ code: "FLEET_FAILED", message: "1 of 2 instances failed.", retryable: false });
  },
});

async function write(ctx: ExecutorContext, key: string, value: unknown): Promise<void> {
  const now = ctx.clock.now();
  const expected = (await ctx.records.get(key, now))?.version ?? "absent";
  await ctx.records.put({ key, value, expected, now });
}

const RELEASE_REPORT = {
  ...PLACE,
  operation: "deploy",
  releaseId: "rel-42",
  state: "CheckHealthy",
  since: 1_763_607_600_000,
  startedAt: 1_763_607_600_000,
  timeoutSeconds: 600,
  path: [{ state: "Validate", at: 1_763_607_600_000 }],
  services: {
    web: {
      healthy: 3,
      unhealthy: 1,
      terminating: 0,
      launching: 5,
      targetHealthy: 5,
      targetLaunched: 6,
      isHealthy: false,
      causes: [],
    },
  },
  lines: [],
  laterErrors: [],
};

const COVERAGE = {
  name: "web",
  version: "1.4.0",
  manifestSha256: "4f1c",
  publishedAt: "2026-11-20T02:00:00Z",
  covered: false,
  retired: false,
  cells: [
    {
      account: PLACE.account,
      region: PLACE.region,
      status: "overdue" as const,
      code: "RECEIPT_OVERDUE",
      files: 4,
      filesDone: 1,
      announcements: 2,
      verified: false,
      at: "2026-11-20T03:00:00Z",
    },
  ],
};
