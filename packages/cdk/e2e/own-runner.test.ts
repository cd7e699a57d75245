import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { synthesizeTemplates, TaskRunner, toQueueAddress } from "@stackyard/cdk";
import { App, Stack } from "aws-cdk-lib";
import { afterAll, beforeAll, expect, it } from "vitest";
import { YARD_PARAMETERS } from "../src/testing/a-yard.ts";
import { type Deployment, startDeployment } from "../src/testing/start-deployment.ts";

// What a user writes: five lines, with an executor of their own.
const RUNNER = `
import { defineExecutor, succeeded } from "@stackyard/core";
import { createTaskRunner } from "@stackyard/runtime";
import { Type } from "typebox";
const hello = defineExecutor({
  name: "hello", config: Type.Object({ name: Type.String() }),
  start: async (_ctx, { name }) => succeeded({ greeting: \`Hello \${name}.\` }),
});
export const { handler } = createTaskRunner({ environment: process.env, executors: [hello] });
`;
const MESSAGE = {
  task: { name: "greet", executor: "hello", config: { name: "yard" } },
  stack: { id: "pr-1", machine: "app", _state: "BUILD", metadata: {} },
};
// As Lambda does: loads the handler, calls it with the batch, and prints its response.
const CALLER = `
const { handler } = await import(process.argv[1]);
const answer = await handler(JSON.parse(process.argv[2]), { getRemainingTimeInMillis: () => 60_000 });
process.stdout.write("\\nANSWER " + JSON.stringify(answer ?? null) + "\\n", () => process.exit());
`;

const folder = join(import.meta.dirname, "../temp/own-runner");
let yard: Deployment;
beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  const template = synthesizeTemplates().find(({ name }) => name === "yard");
  yard = await startDeployment(JSON.parse(template?.body ?? "{}"), YARD_PARAMETERS);
});
afterAll(async () => {
  await yard.stop();
  rmSync(folder, { recursive: true });
});

/** Synthesises a stack with the runner; gives the folder of its code. */
function bundle(): string {
  const entry = join(folder, "runner.ts");
  writeFileSync(entry, RUNNER);
  const address = (name: string) => toQueueAddress(`arn:aws:sqs:eu-west-1:111122223333:${name}`);
  const app = new App({ outdir: join(folder, "cdk.out"), analyticsReporting: false });
  const queues = { events: address("e"), tasks: address("t"), taskDeadLetters: address("d") };
  new TaskRunner(new Stack(app, "runner"), "TaskRunner", { entry, queues });
  const { directory } = app.synth();
  const asset = readdirSync(directory).find((name) => name.startsWith("asset."));
  return join(directory, asset ?? "");
}

it("bundles a runner of one's own, which works a task of its own executor", async () => {
  await yard.send("stack-tasks", MESSAGE);
  const batch = await yard.receive("stack-tasks");
  const { DYNAMODB_TABLE, DYNAMODB_WORK_TABLE, ...variables } = yard.environmentOf("TaskRunnerFunction");

  const args = ["--input-type=module", "-e", CALLER, join(bundle(), "index.mjs"), JSON.stringify(batch)];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: folder,
    env: { PATH: process.env["PATH"], ...variables, EMF_METRICS: "false" },
  });

  expect([DYNAMODB_TABLE, DYNAMODB_WORK_TABLE]).toEqual(["stackyard-main-stacks", "stackyard-main-stacks-work"]);
  expect(stdout).toContain('ANSWER {"batchItemFailures":[]}');
  const { Records } = await yard.receive("stack-events");
  expect(Records.map(({ body }) => JSON.parse(String(body)))).toEqual([
    expect.objectContaining({
      event: "TASK_COMPLETED",
      stackId: "pr-1",
      task: expect.objectContaining({ name: "greet" }),
    }),
  ]);
});
