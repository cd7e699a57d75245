import { chmodSync } from "node:fs";
import { join } from "node:path";
import { type Records, StackyardError } from "@stackyard/core";
import { createMemoryStore } from "@stackyard/core/engine";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aContext } from "../testing/a-context.ts";
import { aProject, type TestProject } from "../testing/a-project.ts";
import { hasTerraform } from "../testing/program.ts";
import { runnerEnvironment } from "../testing/runner-environment.ts";
import { type StateServer, startStateServer } from "../testing/state-server.ts";
import { toInventoryKey } from "./inventory.ts";

const main = `
variable "db_password" {
  default   = "none"
  sensitive = true
}
module "data" { source = "./data" }
resource "terraform_data" "secret" { input = var.db_password }
`;

describe.skipIf(!hasTerraform())("the inventory of a state", () => {
  let project: TestProject;
  let server: StateServer;
  let records: Records;
  const inYard = (given = {}) =>
    aContext({ stateBackendUrl: server.url, records, metadata: { db_password: "hunter22-hunter22" }, ...given });
  const load = async () => (await records.get(toInventoryKey("review-app/pr-12/local/network"), 0))?.value;

  beforeEach(async () => {
    server = await startStateServer();
    records = createMemoryStore().records;
    project = aProject({
      "network/main.tf": main,
      "network/data/main.tf": 'resource "terraform_data" "table" { count = 2 }',
    });
  });
  afterEach(async () => {
    await server.close();
    project.remove();
  });

  it("keeps a task from making everything again after its source was moved or its state named (terragrunt#847)", async () => {
    const codeOf = async (config: object, action = "apply") =>
      (await project.start(inYard(), { action, ...config } as never)) as {
        readonly kind: string;
        readonly code?: string;
      };
    project.write({ "infra/main.tf": 'resource "terraform_data" "table" {}' });
    await project.start(inYard(), {});

    const moved = { source: { type: "local", location: "infra" } } as const;

    expect(await codeOf(moved)).toMatchObject({ code: "TERRAFORM_SOURCE_CHANGED" });
    expect(await codeOf({ state: "network" })).toMatchObject({ code: "TERRAFORM_SOURCE_CHANGED" });
    expect(await codeOf({ source: { type: "local", location: "./network/" } })).toMatchObject({ kind: "succeeded" });
    expect(await load()).toMatchObject({ count: 3 });
    expect(await codeOf({ ...moved, keep: true, switchBackend: true })).toMatchObject({ kind: "succeeded" });
    const key = toInventoryKey("review-app/pr-12/local/infra");
    expect((await records.get(key, 0))?.value).toMatchObject({ keep: true });
  });

  it("lists addresses after an apply, no values, and nothing after a destroy", async () => {
    await project.start(inYard(), {});
    const applied = await load();
    await project.start(inYard(), { action: "destroy" });

    expect(applied).toEqual({
      stack: "pr-12",
      machine: "review-app",
      tags: expect.stringMatching(/^[0-9a-f]{16}$/),
      incarnation: "e1",
      task: expect.any(String),
      state: "review-app/pr-12/local/network",
      product: "terraform",
      version: expect.stringMatching(/^1\.\d+\.\d+/),
      at: expect.any(Number),
      place: "yard",
      sequence: 1,
      count: 3,
      resources: [
        { address: "terraform_data.secret" },
        { address: "module.data.terraform_data.table[0]" },
        { address: "module.data.terraform_data.table[1]" },
      ],
    });
    expect(JSON.stringify(applied)).not.toContain("hunter22");
    expect(await load()).toMatchObject({ count: 0, resources: [] });
  });

  it("contains what a failed apply has created", async () => {
    project.write({
      "network/main.tf": `resource "terraform_data" "first" {}
        resource "terraform_data" "second" {
          depends_on = [terraform_data.first]
          provisioner "local-exec" { command = "exit 3" }
        }`,
    });

    const step = await project.start(inYard(), {});

    expect(step).toMatchObject({ code: "TERRAFORM_APPLY_FAILED" });
    expect(await load()).toMatchObject({
      resources: [{ address: "terraform_data.first" }, { address: "terraform_data.second" }],
    });
  });

  it("keeps another product from the state until the task allows it", async () => {
    project.write({
      "bin/tofu": '#!/bin/sh\n[ "$1" = version ] && echo "OpenTofu v1.10.0" || exec terraform "$@"\n',
    });
    chmodSync(join(project.dir, "bin/tofu"), 0o755);
    const options = { binary: "bin/tofu" };
    await project.start(inYard(), {});

    const refused = await project.start(inYard(), {}, options);
    const allowed = await project.start(inYard(), { switchProduct: true }, options);

    expect(refused).toMatchObject({
      kind: "failed",
      code: "TERRAFORM_PRODUCT_CHANGED",
      message: expect.stringMatching(/last written by terraform 1\.\S+, and the program is opentofu 1\.10\.0\./),
    });
    expect(allowed).toMatchObject({ kind: "succeeded" });
    expect(await load()).toMatchObject({ product: "opentofu" });
  });

  it("keeps a task from another region, until it is switched once [terraform-provider-aws#15260, #6731]", async () => {
    const credentials = async () => ({
      accessKeyId: "AKIAEXAMPLE",
      secretAccessKey: "example",
      sessionToken: "example",
    });
    const inRegion = (region: string) => inYard({ target: { account: "123456789012", region }, credentials });
    const codeOf = async (region: string, config: object) =>
      (await project.start(inRegion(region), config as never)) as { readonly kind: string; readonly code?: string };
    await codeOf("eu-west-1", {});

    for (const action of ["plan", "apply", "destroy", "drift"]) {
      expect(await codeOf("us-east-1", { action })).toMatchObject({
        code: "TERRAFORM_TARGET_CHANGED",
        message: expect.stringContaining(
          "are in 123456789012 eu-west-1, and this run would be in 123456789012 us-east-1",
        ),
      });
    }
    expect(await project.start(inYard(), {})).toMatchObject({ code: "TERRAFORM_TARGET_CHANGED" });
    expect(await load()).toMatchObject({ count: 3, target: "123456789012 eu-west-1" });
    expect(await codeOf("us-east-1", { switchTarget: true })).toMatchObject({ kind: "succeeded" });
    expect(await codeOf("us-east-1", { action: "destroy" })).toMatchObject({ kind: "succeeded" });
    expect(await codeOf("eu-west-1", {})).toMatchObject({ kind: "succeeded" });
  });

  it("says which role and which tags are new, and continues", async () => {
    const lines: string[] = [];
    const report = (line: string) => void lines.push(line);
    const credentials = async () => ({
      accessKeyId: "AKIAEXAMPLE",
      secretAccessKey: "example",
      sessionToken: "example",
    });
    const inRole = (role: string) => {
      const target = { account: "123456789012", region: "eu-west-1", partition: "aws", role };
      return inYard({ target, credentials, report });
    };
    const apply = { action: "apply", source: { type: "local", location: "network" } } as never;
    await project.start(inRole("deploy"), {});
    expect(lines.filter((line) => /role|tags/.test(line))).toEqual([]);

    const renamed = project.executor({}, { environment: { ...runnerEnvironment(), YARD_NAME: "north" } });

    expect(await renamed.start(inRole("release"), apply)).toMatchObject({ kind: "succeeded" });
    expect(lines).toContain("The last run had deploy, and this one has release.");
    expect(lines.filter((line) => line.includes("tags"))).toEqual([
      "The yard's tags are others than those of the last run: what has them changes.",
    ]);
  });

  it("is not needed by a runner without a store", async () => {
    const refuse = async () => {
      throw new StackyardError("CONFIG_INVALID", "This runner has no store.");
    };

    const step = await project.start(
      inYard({ records: { get: refuse, put: refuse, remove: refuse, list: refuse } }),
      {},
    );

    expect(step).toMatchObject({ kind: "succeeded" });
  });
});
