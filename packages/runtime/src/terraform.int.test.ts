import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { APP_ID, APP_KEY, startHostSim } from "@stackyard/host-sim";
import hosts from "@stackyard/hosts";
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
    const state = join(folder, `${hasStore}/pr-12.tfstate`);
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

describe.skipIf(!hasTerraform)("Terraform in a task runner with the plugin of code hosts", () => {
  const commit = "0123456789abcdef0123456789abcdef01234567";
  const toGitMachine = (trusted: boolean) => `version: 2
events: [OPENED]
states:
  INIT: {on: {OPENED: BUILD}}
  BUILD: {tasks: [network], on: {NEXT: LIVE}}
  LIVE: {}
tasks:
  network:
    executor: terraform
    config: {action: apply, source: {type: git, host: github, repository: acme/shop, commit: "${commit}", path: infra, trusted: ${trusted}}}
`;

  it("applies a commit that the App of the host reads, and refuses one that is not trusted", async () => {
    const github = await startHostSim({ secret: "s", now: () => Date.now() });
    const state = join(folder, "review-app.tfstate");
    const content = `terraform {
      backend "local" { path = "${state}" }
    }
    resource "terraform_data" "app" { input = "from the commit" }`;
    github.addRepository("acme/shop");
    github.addCommit("acme/shop", commit, [{ path: "infra/main.tf", content }]);
    const secrets = [{ env: "SECRET" }];
    const host = { type: "github", appId: APP_ID, key: { env: "APP_KEY" }, secrets, url: github.url };
    const manager = await startManager(cloud, {
      machines: { "review-app": toGitMachine(true), fork: toGitMachine(false) },
      environment: { RUNNERS_HAVE_STORE: "true" },
    });
    const environment = {
      PATH: process.env["PATH"] ?? "",
      HOME: folder,
      TASK_DATA_DIR: join(folder, "data"),
      APP_KEY,
    };
    const options = { plugins: [{ use: hosts, options: { hosts: { github: host } } }] };
    const runner = createRunner({ cloud, lambda, manager, hasStore: true, environment, options });

    const answers: unknown[] = [];
    for (const machine of ["review-app", "fork"]) {
      await manager.play({ ...opened, stackId: machine, machine });
      await runner.work();
      const [answer] = await cloud.take(manager.queues.events);
      answers.push(JSON.parse(answer?.Body ?? "{}"));
    }
    await github.stop();

    expect(answers).toMatchObject([
      { event: "TASK_COMPLETED", stackId: "review-app" },
      { event: "TASK_ERROR", stackId: "fork", description: expect.stringContaining("is not trusted") },
    ]);
    expect(readFileSync(state, "utf8")).toContain("from the commit");
  });

  it("does not start with options that do not fit", async () => {
    const manager = await startManager(cloud, { machines: { "review-app": toGitMachine(true) } });
    const options = {
      plugins: [{ use: hosts, options: { hosts: { github: { type: "github", secrets: "s3cr3t" } } } }],
    };
    const runner = createRunner({ cloud, lambda, manager, hasStore: true, options });
    await manager.play(opened);

    const error = await runner.work().catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({ code: "CONFIG_INVALID", message: expect.stringContaining('Options of "hosts"') });
    expect(String(error)).not.toContain("s3cr3t");
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
