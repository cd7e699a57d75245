import { type CommandOutput, defineCommand, StackyardError } from "@stackyard/core";
import type { Job } from "@stackyard/core/api";
import { Type } from "typebox";
import { Value } from "typebox/value";
import { describe, expect, it } from "vitest";
import { createJobsClient, type JobsApi } from "../jobs/jobs-api.ts";
import {
  createProgressTeller,
  followJob,
  followStarted,
  type JobsContext,
  keyArg,
  openJobs,
  startJob,
  toFollowArgs,
  toJobArg,
  toJobTarget,
  withJobs,
} from "./job-commands.ts";

it("gives a command the jobs of its server, and nothing else of what plugins are given", async () => {
  const seen: JobsContext[] = [];
  const out: CommandOutput = { result: () => undefined, progress: () => undefined, note: () => undefined };
  const { signal } = new AbortController();
  const server = { url: "http://yard.test", token: "secret" };
  const opened: unknown[] = [];
  const jobs = openJobs(server);
  const args = Type.Object({});
  const run = (context: JobsContext) => void seen.push(context);
  const command = withJobs(defineCommand({ name: "ecs run", summary: "Run tasks.", args, run }), (given) => {
    opened.push(given);
    return { ...jobs, pollMs: 10 };
  });
  const folders = { cwd: "/here", projectDir: "/", dataDir: "/" };

  const exitCode = await command.run({ ...folders, environment: {}, yards: {}, server, signal, out }, {});

  expect([exitCode, opened, seen]).toEqual([undefined, [server], [{ out, cwd: "/here", signal, ...jobs, pollMs: 10 }]]);
});

const FIRST_END = "2026-11-20T18:00:04.000Z";
const LAST_END = "2026-11-20T18:09:00.000Z";
const running: Job = { jobId: "run-7", state: "running", executor: "ecs", config: {}, startedAt: "" };
const failed: Job = { ...running, state: "failed", endedAt: FIRST_END };
const succeeded: Job = { ...running, state: "succeeded", endedAt: LAST_END };
const hint = "Look again: stackyard ecs logs run-7 --follow";

/** Runs whose looks are answered in order; the last answer stays. */
function createWorld(looks: readonly Job[], signal = new AbortController().signal) {
  const [notes, progress]: [string[], unknown[]] = [[], []];
  let at = 0;
  const out: CommandOutput = {
    result: () => undefined,
    progress: (value, toText) => void progress.push([value, toText()]),
    note: (note) => void notes.push(note),
  };
  const answer = async () => Response.json(looks[Math.min(at++, looks.length - 1)]);
  const jobs = createJobsClient({ url: "http://yard.test", fetch: answer });
  const context: JobsContext = { out, jobs, cwd: "/", signal, pollMs: 1 };
  return { context, notes, progress };
}

describe("followJob", () => {
  it("looks until the job has ended, and says nothing of its own", async () => {
    const { context, notes } = createWorld([running, running, succeeded]);
    const states: string[] = [];

    const ended = await followJob(context, "run-7", { onLook: ({ state }) => void states.push(state), hint });

    expect([ended, states, notes]).toEqual([succeeded, ["running", "running", "succeeded"], []]);
  });

  it("waits for another end than the one that was there before", async () => {
    const { context } = createWorld([failed, running, succeeded]);

    const ended = await followJob(context, "run-7", { onLook: () => undefined, hint, after: FIRST_END });

    expect(ended).toEqual(succeeded);
  });

  it("says how to return to a job that is no longer followed", async () => {
    const interrupt = new AbortController();
    const { context, notes } = createWorld([running], interrupt.signal);

    const following = followJob(context, "run-7", { onLook: () => interrupt.abort(), hint });

    await expect(following).rejects.toMatchObject({ code: "INTERRUPTED" });
    expect(notes).toEqual([`The job continues. ${hint}`]);
  });

  it("gives up after the length that it is given", async () => {
    const { context, notes } = createWorld([running]);
    const lengths: unknown[] = [];
    const jobs: JobsApi = {
      ...context.jobs,
      async wait(_runId, { timeoutMs } = {}) {
        lengths.push(timeoutMs);
        throw new StackyardError("TIMED_OUT", "The length is over.");
      },
    };

    const following = followJob({ ...context, jobs }, "run-7", { onLook: () => undefined, hint, giveUpAfter: "30m" });

    await expect(following).rejects.toMatchObject({ code: "TIMED_OUT" });
    expect([lengths, notes]).toEqual([[1_800_000], [`The job continues. ${hint}`]]);
  });

  it("lets other errors fly without a word", async () => {
    const { context, notes } = createWorld([running]);
    const onLook = () => {
      throw new RangeError("A report of another form.");
    };

    await expect(followJob(context, "run-7", { onLook, hint })).rejects.toThrow(RangeError);
    expect(notes).toEqual([]);
  });
});

describe("createProgressTeller", () => {
  it("prints a line with its facts once, until it changes", () => {
    const { context, progress } = createWorld([]);
    const tell = createProgressTeller(context.out);

    tell(running, "run-7  running", { message: null });
    tell(running, "run-7  running", { message: null });
    tell(succeeded, "run-7  succeeded", { message: "done" });

    expect(progress).toEqual([
      [{ kind: "progress", jobId: "run-7", state: "running", message: null }, "run-7  running"],
      [{ kind: "progress", jobId: "run-7", state: "succeeded", message: "done" }, "run-7  succeeded"],
    ]);
  });
});

const JobArgs = Type.Object({ job: toJobArg("ecs run"), key: keyArg, ...toFollowArgs("job") });

describe("the arguments of commands over jobs", () => {
  it.each([
    ["a job alone", { job: "run-7" }, true],
    ["all of them", { job: "run-7", key: "release-7", detach: true, giveUpAfter: "30m" }, true],
    ["an id with a slash", { job: "run/7" }, false],
    ["an empty key", { job: "run-7", key: "" }, false],
    ["a length without a unit", { job: "run-7", giveUpAfter: "30" }, false],
    ["a length of nothing", { job: "run-7", giveUpAfter: "0s" }, false],
  ])("%s: %j", (_what, given, fits) => {
    expect(Value.Check(JobArgs, given)).toBe(fits);
  });

  it("describe what continues, and which command prints the id", () => {
    const { giveUpAfter } = toFollowArgs("release");

    expect([giveUpAfter, toJobArg("fleet run")]).toMatchObject([
      { description: expect.stringContaining("the release continues (exit code 4)") },
      { description: "As `fleet run` prints it." },
    ]);
  });
});

describe("toJobTarget", () => {
  it("is undefined for the runner's own account", () => {
    expect(toJobTarget({})).toBeUndefined();
  });

  it.each([
    { account: "111122223333", region: "eu-central-1" },
    { account: "111122223333", region: "eu-central-1", role: "fleet", externalId: "x" },
  ])("returns %j", (target) => {
    expect(toJobTarget(target)).toEqual(target);
  });

  it.each([{ role: "fleet" }, { region: "eu-central-1" }, { account: "111122223333" }, { externalId: "x" }])(
    "rejects %j alone",
    (args) => {
      expect(() => toJobTarget(args)).toThrow(expect.objectContaining({ code: "USAGE" }));
    },
  );
});

describe("startJob", () => {
  const config = { cluster: "main" };

  function createStarting() {
    const [results, notes, requests]: [unknown[], string[], unknown[]] = [[], [], []];
    const out: CommandOutput = {
      result: (value, toText) => void results.push([value, toText()]),
      progress: () => undefined,
      note: (note) => void notes.push(note),
    };
    const jobs = createJobsClient({
      url: "http://yard.test",
      fetch: async (_url, init) => {
        requests.push(JSON.parse(String(init?.body)));
        return Response.json(running);
      },
    });
    const context: JobsContext = { out, jobs, cwd: "/", signal: new AbortController().signal };
    return { context, results, notes, requests };
  }

  it("starts the job in the target that the arguments name, and returns the exit code of what follows", async () => {
    const { context, results, notes, requests } = createStarting();
    const args = { account: "111122223333", region: "eu-west-1", key: "daily" };

    const exitCode = await startJob(context, { executor: "ecs", config, args }, async (jobId) => {
      expect(jobId).toBe("run-7");
      return 2;
    });

    expect([exitCode, results, notes]).toEqual([2, [], ["Job run-7"]]);
    const target = { account: "111122223333", region: "eu-west-1" };
    expect(requests).toEqual([{ executor: "ecs", config, target, key: "daily" }]);
  });

  it("prints only the id when the job is not followed", async () => {
    const { context, results, notes } = createStarting();

    const exitCode = await startJob(context, { executor: "ecs", config, args: { detach: true } }, () => {
      throw new Error("The job is not followed.");
    });

    expect([exitCode, results, notes]).toEqual([0, [[{ job: running }, "run-7"]], []]);
  });

  it("prints what else was said about a job that is not followed, or nothing", async () => {
    const { context, results, notes } = createStarting();

    await followStarted(context, running, { detach: true, detached: "It was asked.", follow: async () => 1 });
    await startJob(context, { executor: "ecs", config, args: {}, note: false }, async () => 0);

    expect([results, notes]).toEqual([[[{ job: running }, "It was asked."]], []]);
  });
});
