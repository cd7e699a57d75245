import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cloud, startCloud } from "./testing/start-cloud.ts";
import { type LambdaServer, startLambda } from "./testing/start-lambda.ts";
import { startManager } from "./testing/start-manager.ts";
import { createRunner } from "./testing/start-runner.ts";

const hasTerraform = spawnSync("terraform", ["version"]).status === 0;
if (!hasTerraform) console.warn("terraform is not in PATH: its tests are skipped.");

let cloud: Cloud;
let lambda: LambdaServer;
let folder: string;
beforeAll(async () => {
  [cloud, lambda] = await Promise.all([startCloud(), startLambda()]);
  folder = mkdtempSync(join(tmpdir(), "stackyard-runner-"));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await Promise.all([cloud.stop(), lambda.stop()]);
});

const toMachine = (bucket: string) => `version: 1
events: [OPENED]
states:
  INIT: {on: {OPENED: [{action: advance, state: BUILD}]}}
  BUILD: {tasks: [network], on: {NEXT: [{action: advance, state: LIVE}]}}
  LIVE: {}
tasks:
  network:
    executor: terraform
    config: {action: apply, source: {type: s3, bucket: ${bucket}, key: network}}
`;
const opened = { stackId: "pr-12", event: "OPENED", machine: "review-app", metadata: { sha: "9f1c" } };

async function startYard(hasStore: boolean, environment: Readonly<Record<string, string>>) {
  const manager = await startManager(cloud, {
    machines: { "review-app": toMachine(`sources-${hasStore}`) },
    environment: { RUNNERS_HAVE_STORE: String(hasStore) },
  });
  return { manager, runner: createRunner({ cloud, lambda, manager, hasStore, environment }) };
}

describe.skipIf(!hasTerraform).each([
  ["with the store", true],
  ["by message alone", false],
] as const)("Terraform in a task runner %s", (_kind, hasStore) => {
  it("applies a configuration from S3, with the stack's metadata as variables", async () => {
    const state = join(folder, `${hasStore}.tfstate`);
    const source = `
      terraform {
        backend "local" { path = "${state}" }
      }
      variable "sha" {}
      variable "stack_id" {}
      resource "terraform_data" "app" { input = "\${var.stack_id} at \${var.sha}" }
    `;
    await cloud.createBucket(`sources-${hasStore}`, { "network/main.tf": source });
    const { manager, runner } = await startYard(hasStore, {
      PATH: process.env["PATH"] ?? "",
      HOME: folder,
      TASK_DATA_DIR: join(folder, "data"),
    });

    await manager.play(opened);
    expect(await runner.work()).toEqual([]);
    const [answer] = await cloud.take(manager.queues.events);

    expect(JSON.parse(answer?.Body ?? "{}")).toMatchObject({ event: "TASK_COMPLETED", stackId: "pr-12" });
    expect(readFileSync(state, "utf8")).toContain("pr-12 at 9f1c");
  });
});

describe("Terraform in a function of a zip", () => {
  it("says how the program gets there", async () => {
    const { manager, runner } = await startYard(false, { PATH: folder, AWS_LAMBDA_FUNCTION_NAME: "task-runner" });

    await manager.play(opened);
    await runner.work();

    const [answer] = await cloud.take(manager.queues.events);
    const { event, description } = JSON.parse(answer?.Body ?? "{}");
    expect([event, description]).toEqual(["TASK_ERROR", expect.stringContaining("SQS_LONG_TASK_QUEUE_URL")]);
  });
});
