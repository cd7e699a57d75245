import type { Attempt } from "@stackyard/sdk";
import { afterEach, describe, expect, it } from "vitest";
import { type Answer, startAnswerServer } from "../testing/answer-server.ts";
import { runCli } from "../testing/run-cli.ts";

let stop = async () => undefined as unknown;
afterEach(() => stop());

/** A server with the attempts and logs of the stack `s`. */
async function start(
  attempts: readonly Attempt[],
  { state = {}, logs = {} }: { readonly state?: object; readonly logs?: Readonly<Record<string, string>> } = {},
) {
  const answers: Readonly<Record<string, unknown>> = {
    "GET /v1/stacks/s/attempts": { items: attempts },
    "GET /v1/stacks/s": { id: "s", entry: 2, tasks: [], approvals: [], ...state },
    "GET /v1/stacks/s/history": { items: [] },
  };
  const server = await startAnswerServer(({ call }): Answer | undefined => {
    const log = /^GET \/v1\/attempts\/(.*)\/log$/.exec(call)?.[1];
    if (log !== undefined) return { text: logs[log] ?? "" };
    return call in answers ? { json: answers[call] } : undefined;
  });
  stop = server.stop;
  return (...words: readonly string[]) =>
    runCli(["stacks", "logs", "s", ...words, "--url", server.url, "--token", "t".repeat(32)]);
}

function anAttempt(more: Partial<Attempt> & Pick<Attempt, "attemptId">): Attempt {
  return {
    ...{
      stackId: "s",
      task: "db",
      entry: 2,
      attempt: 1,
      status: "settled",
      outcome: "succeeded",
      heldKeys: [],
      hasLog: true,
    },
    ...{ dispatchedAt: "2026-01-01T00:00:00.000Z", deadlineAt: "2026-01-01T01:00:00.000Z" },
    ...more,
  } as Attempt;
}

const heads = (stdout: string) => stdout.split("\n").filter((line) => line.startsWith("──"));

describe("stackyard stacks logs", () => {
  it("shows the newest attempt of each task: by entry, then when it was sent, then its number", async () => {
    const run = await start([
      anAttempt({ attemptId: "1", entry: 1, attempt: 9, dispatchedAt: "2026-01-03T00:00:00.000Z" }),
      anAttempt({ attemptId: "2", attempt: 2, outcome: "failed" }),
      anAttempt({ attemptId: "3", attempt: 1 }),
      anAttempt({ attemptId: "4", task: "app", dispatchedAt: "2026-01-01T00:00:01.000Z" }),
      anAttempt({ attemptId: "5", task: "app", attempt: 5 }),
      anAttempt({ attemptId: "6", task: "old", entry: 1 }),
    ]);

    expect(heads((await run()).stdout)).toEqual([
      "── old, attempt 1 of entry 1: succeeded",
      "── db, attempt 2 of entry 2: failed",
      "── app, attempt 1 of entry 2: succeeded",
    ]);
    expect(heads((await run("--entry", "1")).stdout)).toEqual([
      "── old, attempt 1 of entry 1: succeeded",
      "── db, attempt 9 of entry 1: succeeded",
    ]);
    expect(heads((await run("db", "--attempt", "1")).stdout)).toEqual(["── db, attempt 1 of entry 2: succeeded"]);
  });

  it("shows the end of a log, and why a task has no log", async () => {
    const run = await start(
      [
        anAttempt({ attemptId: "1", task: "a" }),
        anAttempt({ attemptId: "2", task: "b", attempt: 2, hasLog: false }),
        anAttempt({
          attemptId: "3",
          task: "c",
          attempt: 3,
          hasLog: false,
          status: "running",
          progressMessage: "5 of 7",
        }),
        anAttempt({ attemptId: "4", task: "d", attempt: 4, hasLog: false, status: "queued" }),
      ].map(({ outcome, ...each }) => (each.status === "settled" ? { ...each, outcome } : each) as Attempt),
      { logs: { 1: "one\ntwo\n\n" } },
    );

    expect((await run()).stdout).toBe(
      [
        "── a, attempt 1 of entry 2: succeeded\none\ntwo",
        "── b, attempt 2 of entry 2: succeeded\nIt left no log. `stackyard stacks show s` shows how it ended.",
        "── c, attempt 3 of entry 2: running\nIts log comes when the attempt ends. Newest line: 5 of 7",
        "── d, attempt 4 of entry 2: queued\nIts log comes when the attempt ends.\n",
      ].join("\n"),
    );
  });

  it.each([
    [[], 'Stack "s" has no matching attempt.'],
    [["web"], 'Stack "s" has no matching attempt of task "web".'],
  ])("names the tasks that have attempts: %j", async (words, message) => {
    const run = await start([
      anAttempt({ attemptId: "1", task: "db" }),
      anAttempt({ attemptId: "2", task: "app" }),
      anAttempt({ attemptId: "3" }),
    ]);

    const { exitCode, stderr } = await run(...words, "--attempt", "7");

    expect(exitCode).toBe(1);
    expect(stderr).toContain(message);
    expect(stderr).toContain("It has attempts of app, db;");
  });

  it("says that a stack has no history", async () => {
    const run = await start([]);

    expect((await run()).stderr).toContain('Stack "s" has no history.');
  });

  it.each([
    ["its task has ended", { tasks: [{ name: "db", status: "SUCCESS" }] }, []],
    ["another task is pending", { tasks: [{ name: "app", status: "PENDING" }] }, ["db"]],
    ["the stack is in another entry", { entry: 3, tasks: [{ name: "db", status: "PENDING" }] }, ["--entry", "2"]],
    [
      "a later attempt is pending",
      { tasks: [{ name: "db", status: "PENDING", attempt: { attempt: 2 } }] },
      ["--attempt", "1"],
    ],
  ])("follows no longer when %s", async (_, state, words) => {
    const run = await start([anAttempt({ attemptId: "1" })], { state, logs: { 1: "one\n" } });

    expect(await run(...words, "--follow")).toMatchObject({
      exitCode: 0,
      stdout: "── db, attempt 1 of entry 2: succeeded\none\n",
    });
  });
});
