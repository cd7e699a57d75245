import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineExecutor, succeeded } from "@stackyard/core";
import { createStateManager, createTaskRunner } from "@stackyard/runtime";
import { Type } from "typebox";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type AwsCloud, LOGS, startAwsCloud } from "./aws-cloud.ts";
import { execCli, type SpawnedCli, spawnCli } from "./spawn-cli.ts";

const MACHINE = `version: 1
events: [OPEN, CLOSE]
states:
  INIT: {on: {OPEN: [{action: advance, state: UP}]}}
  UP: {tasks: [net], on: {NEXT: [{action: advance, state: IDLE}], CLOSE: [{action: advance, state: IDLE}]}}
  IDLE: {on: {CLOSE: [{action: advance, state: GONE}]}}
  GONE: {terminal: true}
tasks:
  net: {executor: lambda, config: {name: net}}
`;

const LINES = Array.from({ length: 1_500 }, (_, line) => `line ${line} `.padEnd(100, "."));
/** In place of the functions that the tasks name. */
const chatty = defineExecutor({
  name: "lambda",
  config: Type.Object({ name: Type.String() }),
  async start(ctx) {
    for (const line of LINES) ctx.report(line);
    return succeeded({});
  },
});

describe("the command line over a yard on AWS", () => {
  const cwd = mkdtempSync(join(tmpdir(), "stackyard-e2e-"));
  const stop = new AbortController();
  let cloud: AwsCloud;
  let manager: Promise<number>;
  let watch: SpawnedCli | undefined;

  const managed = () => ({
    ...cloud.environment,
    MACHINE_LOCATOR: "S3",
    MACHINE_S3_BUCKET: "machines",
    MACHINE_S3_KEY: "m/",
    DYNAMODB_TABLE: "Stacks",
    SQS_EVENT_QUEUE_URL: cloud.queues.events,
    SQS_TASK_QUEUE_URL: cloud.queues.tasks,
    LOG_LEVEL: "error",
  });
  const run = (...words: string[]) => execCli([...words, "--yard", "production"], { cwd, env: cloud.environment });
  const lines = (text: string): Record<string, unknown>[] =>
    text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));

  beforeAll(async () => {
    cloud = await startAwsCloud({ m: MACHINE, broken: "version: 3\n" });
    writeFileSync(join(cwd, "stackyard.config.json"), JSON.stringify({ yards: { production: cloud.yard } }));
    manager = createStateManager({ environment: managed() }).main(stop.signal);
    await cloud.waitForWorkTable();
  });

  afterAll(async () => {
    watch?.child.kill("SIGKILL");
    stop.abort();
    await manager;
    await cloud.stop();
    rmSync(cwd, { recursive: true, force: true });
  });

  it("doctor reports on the yard, and fails for the invalid machine", async () => {
    const found = await run("doctor", "--json");

    const checks = lines(found.stdout).map(({ check, status }) => `${status} ${check}`);
    expect(checks).toEqual(
      expect.arrayContaining(["ok identity", "ok queue", "warn store", "ok machine", "fail machine", "warn logs"]),
    );
    expect(found.exitCode).toBe(1);
  });

  it("sends by the queue, waits for what the state manager decides, and settles a task", async () => {
    const first = await run("send", "pr-1", "OPEN", "-m", "m", "--wait", "--json");
    expect([first.exitCode, first.stderr]).toEqual([0, ""]);
    expect(lines(first.stdout).at(-1)).toMatchObject({ outcome: "applied", to: "UP" });

    const settled = await run("stacks", "settle", "pr-1", "net", "--reason", "by hand", "--json");
    expect(lines(settled.stdout)[0]).toMatchObject({ outcome: "applied" });

    const listed = await run("stacks", "ls", "--json");
    expect(lines(listed.stdout)).toMatchObject([{ id: "pr-1", state: "IDLE" }]);
    const history = await run("stacks", "history", "pr-1", "--json");
    expect(lines(history.stdout)[0]).toMatchObject({ event: "OPEN", actor: expect.stringMatching(/^arn:aws:/) });
  });

  it("follows a stack to its end", async () => {
    watch = spawnCli(["stacks", "watch", "pr-1", "--since", "0", "--json", "--yard", "production"], {
      cwd,
      env: cloud.environment,
    });
    await watch.line((line) => line.includes('"OPEN"'));

    const sent = await run("send", "pr-1", "CLOSE", "--until", "removed");

    expect([sent.exitCode, sent.stderr]).toEqual([0, expect.stringContaining("Waiting for pr-1")]);
    const ended = await watch.ended;
    expect(ended.exitCode).toBe(0);
    expect(lines(ended.stdout).at(-1)).toMatchObject({ event: "CLOSE", outcome: "removed" });
  });

  it("shows the whole log of a task, which the runner has kept in the bucket", async () => {
    const environment = { ...managed(), RUNNERS_HAVE_STORE: "true", TASK_LOG_BUCKET: LOGS };
    const runner = createTaskRunner({ environment, executors: [chatty] }).main(stop.signal);
    const sent = await run("send", "pr-2", "OPEN", "-m", "m", "--until", "IDLE");

    const whole = await run("stacks", "logs", "pr-2", "net", "--full");
    const tail = await run("stacks", "logs", "pr-2", "net");

    expect([sent.exitCode, whole.exitCode, tail.exitCode]).toEqual([0, 0, 0]);
    expect(whole.stdout).toContain(LINES.join("\n"));
    expect(tail.stdout).not.toContain(LINES[0]);
    stop.abort();
    await runner;
  });

  it("lists machines with their verdicts", async () => {
    const listed = await run("machines", "ls", "--json");

    expect(lines(listed.stdout).map(({ name }) => name)).toEqual(["broken", "m"]);
  });
});
