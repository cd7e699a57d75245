import { type CommandOutput, defineCommand, StackyardError } from "@stackyard/core";
import type { Run } from "@stackyard/core/api";
import { Type } from "typebox";
import { Value } from "typebox/value";
import { describe, expect, it } from "vitest";
import { createRunsClient, type RunsApi } from "../runs/runs-api.ts";
import {
  createProgressTeller,
  followRun,
  followStarted,
  keyArg,
  openRuns,
  type RunsContext,
  startRun,
  toFollowArgs,
  toRunArg,
  toRunTarget,
  withRuns,
} from "./run-commands.ts";

it("gives a command the runs of its server, and nothing else of what plugins are given", async () => {
  const seen: RunsContext[] = [];
  const out: CommandOutput = { result: () => undefined, progress: () => undefined, note: () => undefined };
  const { signal } = new AbortController();
  const server = { url: "http://yard.test", token: "secret" };
  const opened: unknown[] = [];
  const runs = openRuns(server);
  const args = Type.Object({});
  const run = (context: RunsContext) => void seen.push(context);
  const command = withRuns(defineCommand({ name: "ecs run", summary: "Run tasks.", args, run }), (given) => {
    opened.push(given);
    return { ...runs, pollMs: 10 };
  });
  const folders = { cwd: "/here", projectDir: "/", dataDir: "/" };

  const exitCode = await command.run({ ...folders, environment: {}, yards: {}, server, signal, out }, {});

  expect([exitCode, opened, seen]).toEqual([undefined, [server], [{ out, cwd: "/here", signal, ...runs, pollMs: 10 }]]);
});

const FIRST_END = "2026-11-20T18:00:04.000Z";
const LAST_END = "2026-11-20T18:09:00.000Z";
const running: Run = { runId: "run-7", state: "running", executor: "ecs", config: {}, startedAt: "" };
const failed: Run = { ...running, state: "failed", endedAt: FIRST_END };
const succeeded: Run = { ...running, state: "succeeded", endedAt: LAST_END };
const hint = "Look again: stackyard ecs logs run-7 --follow";

/** Runs whose looks are answered in order; the last answer stays. */
function createWorld(looks: readonly Run[], signal = new AbortController().signal) {
  const [notes, progress]: [string[], unknown[]] = [[], []];
  let at = 0;
  const out: CommandOutput = {
    result: () => undefined,
    progress: (value, toText) => void progress.push([value, toText()]),
    note: (note) => void notes.push(note),
  };
  const answer = async () => Response.json(looks[Math.min(at++, looks.length - 1)]);
  const runs = createRunsClient({ url: "http://yard.test", fetch: answer });
  const context: RunsContext = { out, runs, cwd: "/", signal, pollMs: 1 };
  return { context, notes, progress };
}

describe("followRun", () => {
  it("looks until the run has ended, and says nothing of its own", async () => {
    const { context, notes } = createWorld([running, running, succeeded]);
    const states: string[] = [];

    const ended = await followRun(context, "run-7", { onLook: ({ state }) => void states.push(state), hint });

    expect([ended, states, notes]).toEqual([succeeded, ["running", "running", "succeeded"], []]);
  });

  it("waits for another end than the one that was there before", async () => {
    const { context } = createWorld([failed, running, succeeded]);

    const ended = await followRun(context, "run-7", { onLook: () => undefined, hint, after: FIRST_END });

    expect(ended).toEqual(succeeded);
  });

  it("says how to return to a run that is no longer followed", async () => {
    const interrupt = new AbortController();
    const { context, notes } = createWorld([running], interrupt.signal);

    const following = followRun(context, "run-7", { onLook: () => interrupt.abort(), hint });

    await expect(following).rejects.toMatchObject({ code: "INTERRUPTED" });
    expect(notes).toEqual([`The run continues. ${hint}`]);
  });

  it("gives up after the length that it is given", async () => {
    const { context, notes } = createWorld([running]);
    const lengths: unknown[] = [];
    const runs: RunsApi = {
      ...context.runs,
      async wait(_runId, { timeoutMs } = {}) {
        lengths.push(timeoutMs);
        throw new StackyardError("TIMED_OUT", "The length is over.");
      },
    };

    const following = followRun({ ...context, runs }, "run-7", { onLook: () => undefined, hint, giveUpAfter: "30m" });

    await expect(following).rejects.toMatchObject({ code: "TIMED_OUT" });
    expect([lengths, notes]).toEqual([[1_800_000], [`The run continues. ${hint}`]]);
  });

  it("lets other errors fly without a word", async () => {
    const { context, notes } = createWorld([running]);
    const onLook = () => {
      throw new RangeError("A report of another form.");
    };

    await expect(followRun(context, "run-7", { onLook, hint })).rejects.toThrow(RangeError);
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
      [{ kind: "progress", runId: "run-7", state: "running", message: null }, "run-7  running"],
      [{ kind: "progress", runId: "run-7", state: "succeeded", message: "done" }, "run-7  succeeded"],
    ]);
  });
});

const argsRunArgs = Type.Object({ run: toRunArg("ecs run"), key: keyArg, ...toFollowArgs("run") });

describe("the arguments of commands over runs", () => {
  it.each([
    ["a run alone", { run: "run-7" }, true],
    ["all of them", { run: "run-7", key: "release-7", detach: true, giveUpAfter: "30m" }, true],
    ["an id with a slash", { run: "run/7" }, false],
    ["an empty key", { run: "run-7", key: "" }, false],
    ["a length without a unit", { run: "run-7", giveUpAfter: "30" }, false],
    ["a length of nothing", { run: "run-7", giveUpAfter: "0s" }, false],
  ])("%s: %j", (_what, given, fits) => {
    expect(Value.Check(argsRunArgs, given)).toBe(fits);
  });

  it("describe what continues, and which command prints the id", () => {
    const { giveUpAfter } = toFollowArgs("release");

    expect([giveUpAfter, toRunArg("fleet run")]).toMatchObject([
      { description: expect.stringContaining("the release continues (exit code 4)") },
      { description: "As `fleet run` prints it." },
    ]);
  });
});

describe("toRunTarget", () => {
  it("is undefined for the runner's own account", () => {
    expect(toRunTarget({})).toBeUndefined();
  });

  it.each([
    { account: "111122223333", region: "eu-central-1" },
    { account: "111122223333", region: "eu-central-1", role: "fleet", externalId: "x" },
  ])("returns %j", (target) => {
    expect(toRunTarget(target)).toEqual(target);
  });

  it.each([{ role: "fleet" }, { region: "eu-central-1" }, { account: "111122223333" }, { externalId: "x" }])(
    "rejects %j alone",
    (args) => {
      expect(() => toRunTarget(args)).toThrow(expect.objectContaining({ code: "USAGE" }));
    },
  );
});

describe("startRun", () => {
  const config = { cluster: "main" };

  function createStarting() {
    const [results, notes, requests]: [unknown[], string[], unknown[]] = [[], [], []];
    const out: CommandOutput = {
      result: (value, toText) => void results.push([value, toText()]),
      progress: () => undefined,
      note: (note) => void notes.push(note),
    };
    const runs = createRunsClient({
      url: "http://yard.test",
      fetch: async (_url, init) => {
        requests.push(JSON.parse(String(init?.body)));
        return Response.json(running);
      },
    });
    const context: RunsContext = { out, runs, cwd: "/", signal: new AbortController().signal };
    return { context, results, notes, requests };
  }

  it("starts the run in the target that the arguments name, and returns the exit code of what follows", async () => {
    const { context, results, notes, requests } = createStarting();
    const args = { account: "111122223333", region: "eu-west-1", key: "daily" };

    const exitCode = await startRun(context, { executor: "ecs", config, args }, async (runId) => {
      expect(runId).toBe("run-7");
      return 2;
    });

    expect([exitCode, results, notes]).toEqual([2, [], ["Run run-7"]]);
    const target = { account: "111122223333", region: "eu-west-1" };
    expect(requests).toEqual([{ executor: "ecs", config, target, key: "daily" }]);
  });

  it("prints only the id when the run is not followed", async () => {
    const { context, results, notes } = createStarting();

    const exitCode = await startRun(context, { executor: "ecs", config, args: { detach: true } }, () => {
      throw new Error("The run is not followed.");
    });

    expect([exitCode, results, notes]).toEqual([0, [[{ run: running }, "run-7"]], []]);
  });

  it("prints what else was said about a run that is not followed, or nothing", async () => {
    const { context, results, notes } = createStarting();

    await followStarted(context, running, { detach: true, detached: "It was asked.", follow: async () => 1 });
    await startRun(context, { executor: "ecs", config, args: {}, note: false }, async () => 0);

    expect([results, notes]).toEqual([[[{ run: running }, "It was asked."]], []]);
  });
});
