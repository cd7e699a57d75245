import { type CommandOutput, StackyardError } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { createRunsClient } from "../runs/create-runs-client.ts";
import type { Run } from "../runs/run.ts";
import type { RunsApi } from "../runs/runs-api.ts";
import { createProgressTeller } from "./create-progress-teller.ts";
import type { RunsContext } from "./create-runs-command.ts";
import { followRun } from "./follow-run.ts";

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

  it("tells how to get back to a run that is followed no more", async () => {
    const interrupt = new AbortController();
    const { context, notes } = createWorld([running], interrupt.signal);

    const following = followRun(context, "run-7", { onLook: () => interrupt.abort(), hint });

    await expect(following).rejects.toMatchObject({ code: "INTERRUPTED" });
    expect(notes).toEqual([`The run goes on. ${hint}`]);
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
    expect([lengths, notes]).toEqual([[1_800_000], [`The run goes on. ${hint}`]]);
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
  it("tells a line with its facts once, until it changes", () => {
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
