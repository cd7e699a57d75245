import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  CUSTOM_RESOURCE_RUNS,
  defineExecutor,
  failed,
  type Records,
  running,
  type Step,
  silentLogger,
  succeeded,
} from "@stackyard/core";
import type { CustomResourceRun } from "@stackyard/core/api";
import { createMemoryStore, createStaticLocator, createUlids, startYard, systemClock } from "@stackyard/core/engine";
import { type RunCommandOptions, readPageCommands, runCommand } from "@stackyard/core/testing";
import { openJobs } from "@stackyard/sdk/commands";
import { createServer } from "@stackyard/server";
import { Type } from "typebox";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EcsConfig } from "../definition.ts";
import { createEcsCommands } from "./ecs-commands.ts";

const GOES_ON = running({ progress: {}, pollAfterMs: 10, message: "1 task RUNNING: \u001b[31mstep 3 of 7\u001b[0m" });
const args = { cluster: "main", taskDefinition: "migrate" };

let answer: Step;
let started: unknown[];
let url: string;
let stop: () => Promise<void>;
let records: Records;

beforeEach(async () => {
  answer = succeeded({ taskArns: "[]", exitCode: 0, duration: 4.2 });
  started = [];
  const executor = defineExecutor({
    name: "ecs",
    config: EcsConfig,
    progress: Type.Unknown(),
    async start(ctx, config) {
      started.push(config);
      ctx.report("migrating");
      ctx.report("done");
      return answer;
    },
    poll: async () => answer,
  });
  const [store, locator, executors] = [createMemoryStore(), createStaticLocator([]), new Map([["ecs", executor]])];
  records = store.records;
  const deps = { store, locator, executors, clock: systemClock, ids: createUlids(), logger: silentLogger };
  const server = createServer(
    { ...deps, customResources: store.records, version: "0.0.0" },
    { port: 0, allowAnonymous: true },
  );
  ({ url } = await server.start());
  const yard = startYard(deps, { drainMs: 100 });
  stop = async () => {
    await server.stop();
    await yard.stop();
    await store.close();
  };
});
afterEach(() => stop());

function run(name: string, given: object, options: RunCommandOptions = {}) {
  const commands = createEcsCommands((server) => ({ ...openJobs(server), pollMs: 10 }));
  return runCommand(commands, name, given, { server: { url }, ...options });
}

describe("ecs run", () => {
  it("runs a task, waits for its end and shows its log", async () => {
    const result = await run("ecs run", { ...args, env: ["A=1"] });

    expect(result.exitCode).toBe(0);
    expect(started).toEqual([{ ...args, environment: { A: "1" } }]);
    expect(result.text).toMatch(
      /^migrating\ndone\n\nJob run-\w+ has succeeded\.\n {2}exitCode {2}0\n {2}duration {2}4\.2$/,
    );
    expect(result.value).toMatchObject({ log: "migrating\ndone", job: { state: "succeeded" } });
  });

  it("reports why it failed", async () => {
    answer = failed({
      code: "ECS_EXIT_CODE",
      message: "task 1 exited with 1.",
      retryable: false,
      outputs: { exitCode: 1 },
    });

    const { exitCode, text } = await run("ecs run", args);

    expect([exitCode, text]).toEqual([1, expect.stringContaining("has failed, ECS_EXIT_CODE: task 1 exited with 1.")]);
  });

  it("does not wait when it shall not, and finds the job by its key", async () => {
    answer = GOES_ON;

    const first = await run("ecs run", { ...args, detach: true, key: "release-7" });
    const again = await run("ecs run", { ...args, detach: true, key: "release-7" });

    expect([first.exitCode, again.text]).toEqual([0, first.text]);
  });

  it("leaves the job alone when it is interrupted", async () => {
    answer = GOES_ON;
    const interrupt = new AbortController();
    const running = run("ecs run", args, { signal: interrupt.signal });
    await expect.poll(() => started.length).toBe(1);

    interrupt.abort();

    await expect(running).rejects.toMatchObject({ code: "INTERRUPTED" });
  });

  it.each([
    ["no cluster", { taskDefinition: "migrate" }, "USAGE"],
    ["an invalid timeout", { ...args, timeout: "soon" }, "CONFIG_INVALID"],
    ["an argument of another type", { ...args, count: "2" }, "USAGE"],
  ])("rejects %s", async (_what, given, code) => {
    await expect(run("ecs run", given)).rejects.toMatchObject({ code });
  });
});

describe("ecs logs", () => {
  it("shows the newest line while the task runs, and waits for the end when asked to", async () => {
    answer = GOES_ON;
    const { text: jobId } = await run("ecs run", { ...args, detach: true });
    await expect.poll(async () => (await run("ecs logs", { job: jobId })).text).toContain("is running. 1 task RUNNING");
    const following = run("ecs logs", { job: jobId, follow: true });
    await expect.poll(() => started.length).toBe(1);
    answer = succeeded({ taskArns: "[]" });

    const { exitCode, text, progress } = await following;

    expect([exitCode, text]).toEqual([0, `migrating\ndone\n\nJob ${jobId} has succeeded.`]);
    expect(progress.every((line) => !line.includes("\u001b"))).toBe(true);
  });

  it("reports an unknown run", async () => {
    await expect(run("ecs logs", { job: "run-0" })).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("ecs resources", () => {
  it("lists requests of CloudFormation with their answers", async () => {
    const request: CustomResourceRun = {
      id: "8236-r",
      requestId: "r",
      requestType: "Create",
      stackId: "arn:aws:cloudformation:eu-west-1:111122223333:stack/shop/1",
      logicalId: "Migration",
      resourceId: "0123456789abcdef0123456789abcdef",
      taskDefinition: "arn:aws:ecs:eu-west-1:111122223333:task-definition/migrate:7",
      taskArns: [],
      receivedAt: "2026-01-01T00:00:00.000Z",
      answer: { status: "FAILED", reason: "ECS_EXIT_CODE: app\u001b[31m exited with 1", physicalId: "0", data: {} },
    };
    const none = await run("ecs resources", {});
    await records.put({ key: `${CUSTOM_RESOURCE_RUNS}8236-r`, value: request, expected: "absent", now: Date.now() });

    const result = await run("ecs resources", { limit: 10 });

    expect(none.text).toBe("CloudFormation has sent no request.");
    expect(result.exitCode).toBe(0);
    expect(result.text).toMatch(
      /Create +Migration +shop +111122223333 eu-west-1 +migrate:7 +FAILED +ECS_EXIT_CODE: app/,
    );
    expect(result.text).not.toContain("\u001b");

    const accounts = { "111122223333": "shop-prod" };
    const whole = await run("ecs resources", { details: true }, { accounts });
    expect(
      whole.text
        .split("\n")
        .slice(0, 5)
        .map((line) => line.split(/: +/)),
    ).toEqual([
      ["Create of Migration", "FAILED"],
      ["by", "CloudFormation, stack shop"],
      ["arn", request.stackId],
      ["open", expect.stringMatching(/^https:\/\/eu-west-1\.console\.aws\.amazon\.com\/cloudformation\/home\?/)],
      ["where", "shop-prod (111122223333 eu-west-1)"],
    ]);
    expect(whole.value["requests"]).toMatchObject([{ startedBy: { arn: request.stackId }, accountName: "shop-prod" }]);
  });

  it("reports a record that cannot be read, instead of saying that there is none", async () => {
    await records.put({ key: `${CUSTOM_RESOURCE_RUNS}8236-r`, value: {}, expected: "absent", now: Date.now() });

    const { notes, text } = await run("ecs resources", {});

    expect(notes.join()).toContain(`"${CUSTOM_RESOURCE_RUNS}8236-r" is not shown: `);
    expect(text).not.toContain("no request");
  });
});

describe("docs/ecs.md", () => {
  const page = readFileSync(join(import.meta.dirname, "../../../../docs/ecs.md"), "utf8");
  const unused = () => {
    throw new Error("Nothing is called here.");
  };
  const shown = readPageCommands(page, createEcsCommands(unused)).filter(({ args }) => Object.keys(args).length > 0);

  it.each(shown.map((command) => [command.text, command] as const))(
    "%s works as written",
    async (_, { name, args }) => {
      const job = async () => ({
        ...args,
        job: (await run("ecs run", { cluster: "main", taskDefinition: "report", detach: true })).text,
      });

      const { exitCode, text } = await run(name, "job" in args ? await job() : args);

      expect(exitCode, text).toBe(0);
    },
  );
});
