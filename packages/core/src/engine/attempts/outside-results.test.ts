import { describe, expect, it } from "vitest";
import type { Step } from "../../ports/executor.ts";
import { createTrial } from "../../testing/trial.ts";

const waits: Step = { kind: "running", progress: {}, pollAfterMs: 3_600_000, message: "waits" };

const source = `
version: 2
events: [OPENED]
metadata:
  password: { sensitive: true }
  token: { sensitive: true }
  url: {}
states:
  INIT: { on: { OPENED: BUILD } }
  BUILD: { tasks: [db, app], on: { NEXT: LIVE, FAILED: BROKEN } }
  LIVE: { terminal: true }
  BROKEN: {}
tasks:
  db: { executor: work, config: {}, outputs: { url: address, token: key } }
  app: { executor: work, config: {} }
`;

/** A stack whose tasks run, with the password `hunter22`, and the attempt of each task. */
async function openStack() {
  const trial = createTrial({ source, script: () => waits });
  await trial.yard.publish({
    id: "e1",
    stackId: "pr-1",
    event: "OPENED",
    machine: "app",
    metadata: { password: "hunter22" },
  });
  await trial.yard.settle();
  const stack = await trial.yard.findStack("pr-1");
  const attemptOf = (task: string) => stack?.runs.find((run) => run.task === task)?.attemptId;
  const complete = async (message: object) => {
    await trial.yard.publish({ id: "e2", stackId: "pr-1", event: "TASK_COMPLETED", ...message });
    await trial.yard.settle();
    const lines = await trial.yard.listHistory("pr-1");
    return { line: lines.find(({ eventId }) => eventId === "e2"), stack: await trial.yard.findStack("pr-1") };
  };
  return { complete, attemptOf };
}

describe("a result from outside", () => {
  it("redacts sensitive outputs in the history, whichever task it names in addition to the attempt", async () => {
    const { complete, attemptOf } = await openStack();

    const { line, stack } = await complete({
      task: { name: "app" },
      dispatchId: attemptOf("db"),
      outputs: { key: "s3cret-token", address: "https://db" },
    });

    expect(stack?.metadata).toEqual({ password: "hunter22", token: "s3cret-token", url: "https://db" });
    expect(line).toMatchObject({ outcome: "applied", task: "db", outputs: { address: "https://db" } });
    expect(JSON.stringify(line)).not.toContain("s3cret-token");
  });

  it("shows no output that holds a sensitive value of the stack", async () => {
    const { complete } = await openStack();

    const { line, stack } = await complete({ task: { name: "app" }, outputs: { note: "it is hunter22", port: 80 } });

    expect(line).toMatchObject({ outcome: "applied", outputs: { port: 80 } });
    expect(JSON.stringify([line, stack?.outputs])).not.toContain("hunter22");
  });

  it.each([
    ["the stack", { address: "https://admin:hunter22@db" }],
    ["the result itself", { key: "s3cret-token", address: "https://db?token=s3cret-token" }],
  ])("stores no sensitive value of %s under a key that is not sensitive", async (_whose, outputs) => {
    const { complete } = await openStack();

    const { line, stack } = await complete({ task: { name: "db" }, outputs });

    expect(stack?.metadata["url"]).toBeUndefined();
    expect(stack?.metadata["token"]).toBeUndefined();
    expect(JSON.stringify([line, stack?.tasks, stack?.outputs])).not.toMatch(/hunter22|s3cret/);
  });

  it("fails the task instead, and says why", async () => {
    const { complete } = await openStack();

    const { stack } = await complete({ task: { name: "db" }, outputs: { address: "https://admin:hunter22@db" } });

    expect(stack?.tasks[0]).toMatchObject({
      status: "ERROR",
      errorCode: "OUTPUT_INVALID",
      errorMessage:
        'The output "address" is sensitive, or contains a sensitive value, and the metadata key "url" is not declared so.',
    });
  });
});
