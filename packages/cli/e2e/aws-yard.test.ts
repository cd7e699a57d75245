import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answerLambda, createAwsSim, openFrontDoor } from "@stackyard/aws-sim";
import { defineExecutor, succeeded } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import { createTestBrowser } from "@stackyard/oidc-issuer";
import { createStateManager, createTaskRunner } from "@stackyard/runtime";
import { Type } from "typebox";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type AwsCloud, LOGS, NEW_ROLES, startAwsCloud } from "./aws-cloud.ts";
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

/** A distributor, and what leads there. */
interface Distributor {
  readonly environment: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** Starts Lambda with a function in the place of a distributor, which stores its requests. */
async function startDistributor(asked: unknown[]): Promise<Distributor> {
  const sim = createAwsSim({ clock: systemClock });
  const account = "000000000000";
  const handler = (event: unknown) => {
    asked.push(event);
    return { kind: "answer", answer: { items: [] } };
  };
  sim.lambda.addFunction({ account, region: "eu-west-1", name: "distributor", handler });
  const { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY } = sim.iam.addUser({
    account,
    name: "ada",
  });
  const { url: AWS_ENDPOINT_URL_LAMBDA, stop } = await openFrontDoor({
    services: { lambda: answerLambda(sim) },
    others: "",
  });
  return { environment: { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL_LAMBDA }, stop };
}

/** Starts a container again until it ends well, as ECS does: a state manager leaves a denied call to its next start. */
async function keepRunning(start: () => Promise<number>, signal: AbortSignal): Promise<number> {
  for (;;) {
    const exitCode = await start();
    if (exitCode === 0 || signal.aborted) return exitCode;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

describe("the command line over a yard on AWS", () => {
  const cwd = mkdtempSync(join(tmpdir(), "stackyard-e2e-"));
  const stop = new AbortController();
  let cloud: AwsCloud;
  let manager: Promise<number>;
  let distributor: Distributor;
  let watch: SpawnedCli | undefined;
  const asked: unknown[] = [];

  const managed = () => ({
    ...cloud.environment,
    AWS_ACCESS_KEY_ID: NEW_ROLES.manager,
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
    distributor = await startDistributor(asked);
    const config = { yards: { production: cloud.yard }, distributor: "distributor" };
    writeFileSync(join(cwd, "stackyard.config.json"), JSON.stringify(config));
    manager = keepRunning(() => createStateManager({ environment: managed() }).main(stop.signal), stop.signal);
    await cloud.waitForWorkTable();
  });

  afterAll(async () => {
    watch?.child.kill("SIGKILL");
    stop.abort();
    await manager;
    await Promise.all([cloud.stop(), distributor.stop()]);
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
    const environment = {
      ...managed(),
      AWS_ACCESS_KEY_ID: NEW_ROLES.runner,
      RUNNERS_HAVE_STORE: "true",
      TASK_LOG_BUCKET: LOGS,
    };
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

  it("serves the console on this machine, with the artifacts of the distributor", async () => {
    const browser = createTestBrowser();
    const env = { ...cloud.environment, ...distributor.environment };
    const serving = spawnCli(["console", "--yard", "production", "--json"], { cwd, env });
    const { url, signInUrl } = JSON.parse(await serving.line((line) => line.includes('"kind":"console"')));
    const code = new URL(signInUrl).searchParams.get("code") ?? "";
    const load = async (path: string) => (await browser.call(`${url}${path}`)).json();

    const anonymous = await fetch(`${url}/v1/stacks`);
    const signedIn = await browser.submit(`${url}/auth/local`, { code });
    const page = await (await browser.call(`${url}/stacks`)).text();
    const script = await browser.call(`${url}${/"(\/assets\/[^"]+\.js)"/.exec(page)?.[1]}`);

    expect([anonymous.status, signedIn.status, script.status]).toEqual([401, 200, 200]);
    expect(await load("/v1/me")).toMatchObject({ kind: "local", name: expect.stringMatching(/^arn:aws:/) });
    expect(await load("/v1/machines")).toMatchObject({ items: [{ name: "broken" }, { name: "m" }] });
    expect(await load("/v1/consumers")).toEqual({ items: [] });
    expect(asked).toEqual([{ op: "consumers" }]);
    serving.child.kill("SIGINT");
    expect(await serving.ended).toMatchObject({ exitCode: 0, stderr: "" });
  });

  it("lists machines with their verdicts", async () => {
    const listed = await run("machines", "ls", "--json");

    expect(lines(listed.stdout).map(({ name }) => name)).toEqual(["broken", "m"]);
  });
});
