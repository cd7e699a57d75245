import { chmodSync } from "node:fs";
import { join } from "node:path";
import type { Records } from "@stackyard/core";
import { createMemoryStore } from "@stackyard/core/engine";
import { TerraformInventory } from "@stackyard/core/services";
import { type FileProvider, startFileProvider } from "@stackyard/tf-provider";
import { Value } from "typebox/value";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TerraformConfig } from "../definition.ts";
import { toInventoryKey } from "../state/inventory.ts";
import { readStateDocument } from "../state/state-document.ts";
import { aContext } from "../testing/a-context.ts";
import { aFolder, type TestFolder } from "../testing/a-folder.ts";
import { aProject, type TestProject } from "../testing/a-project.ts";
import { hasTerraform } from "../testing/program.ts";
import { runnerEnvironment } from "../testing/runner-environment.ts";
import { type StateServer, startStateServer } from "../testing/state-server.ts";

const RESOURCES = `
variable "input" { default = 1 }
module "data" { source = "./data" }
resource "terraform_data" "updated" {
  count = 2
  input = var.input
}
resource "terraform_data" "replaced" {
  triggers_replace = var.input
  lifecycle {
    create_before_destroy = true
  }
}
data "terraform_remote_state" "other" {
  backend    = "local"
  config     = { path = "other.json" }
  depends_on = [module.data]
}
`;
const FAILING = `
resource "terraform_data" "failing" {
  provisioner "local-exec" {
    command = "exit 3"
  }
}
`;
const DELETED = 'resource "terraform_data" "deleted" {}';
const FORGOTTEN = 'resource "terraform_data" "forgotten" {}';
const FORGET = `
removed {
  from = terraform_data.forgotten
  lifecycle {
    destroy = false
  }
}
moved {
  from = terraform_data.replaced
  to   = terraform_data.moved
}
`;
const SENSITIVE = `
output "password" {
  value     = "hunter22"
  sensitive = true
}
`;

/** Creates a file of this content that only the provider of this test knows. */
const foreignResource = (content: string) => `
resource "files_file" "app" {
  name    = "app"
  content = "${content}"
}
`;

describe.skipIf(!hasTerraform())("the program's calls of an apply", () => {
  let project: TestProject;
  let server: StateServer;
  let records: Records;
  let provider: FileProvider;
  let folder: TestFolder;
  let end: string;

  /** Runs the action and returns the words of each call; without the question for the version. */
  async function callsOf(config: Partial<TerraformConfig> = {}, stateBackendUrl?: string): Promise<readonly string[]> {
    project.write({ "calls.log": "" });
    const options = { binary: "bin/terraform", passEnvironment: ["TF_REATTACH_PROVIDERS"] };
    const context = aContext({ records, ...(stateBackendUrl !== undefined && { stateBackendUrl }) });
    const step = await project.start(context, config, options);
    end = "code" in step ? step.code : step.kind;
    const lines = project.read("calls.log").split("\n");
    return lines.filter((line) => !["", "version"].includes(line)).map((line) => line.replace(/ -.*/, ""));
  }
  const inventory = async () => {
    const found = await records.get(toInventoryKey("review-app/pr-12/local/network"), 0);
    return Value.Parse(TerraformInventory, found?.value).resources;
  };
  const inState = async () => {
    const from = { path: join(project.dir, "pr-12.tfstate") };
    const { resources } = (await readStateDocument({ from, report: () => undefined })) ?? {};
    return resources?.map(({ address, arn }) => (arn === undefined ? { address } : { address, arn }));
  };
  const write = (...pieces: readonly string[]) => project.write({ "network/main.tf": pieces.join("\n") });
  const useForeignBackend = () => {
    const backend = `terraform {\n  backend "local" { path = "${join(project.dir, "pr-12.tfstate")}" }\n}`;
    project.write({ "network/backend.tf": backend });
  };

  beforeEach(async () => {
    server = await startStateServer();
    records = createMemoryStore().records;
    folder = aFolder({});
    provider = await startFileProvider({ folder: folder.path });
    const environment = { ...runnerEnvironment(), ...provider.environment };
    project = aProject(
      {
        "network/data/main.tf": 'resource "terraform_data" "table" { for_each = toset(["a.b"]) }',
        "network/other.json": '{"version":4,"serial":1,"lineage":"x","outputs":{},"resources":[]}',
      },
      { environment },
    );
    const log = join(project.dir, "calls.log");
    project.write({ "bin/terraform": `#!/bin/sh\necho "$@" >> '${log}'\nexec terraform "$@"\n` });
    chmodSync(join(project.dir, "bin/terraform"), 0o755);
  });
  afterEach(async () => {
    provider.stop();
    folder.remove();
    await server.close();
    project.remove();
  });

  it("are three with the yard's backend, also for sensitive outputs and after a failure", async () => {
    write(RESOURCES, SENSITIVE);
    expect(await callsOf({}, server.url)).toEqual(["init", "init", "apply"]);
    expect(end).toBe("succeeded");
    expect(await callsOf({ variables: { input: 2 } }, server.url)).toEqual(["init", "init", "apply"]);
    write(RESOURCES, FAILING);
    expect(await callsOf({}, server.url)).toEqual(["init", "init", "apply"]);
  });

  it("contain no read of a foreign state whose content is in the stream", async () => {
    useForeignBackend();
    write(RESOURCES, DELETED, FORGOTTEN);
    expect(await callsOf()).toEqual(["init", "init", "apply"]);
    expect([end, await inventory()]).toEqual(["succeeded", await inState()]);

    expect(await callsOf({ variables: { input: 2 } })).toEqual(["init", "init", "state list", "apply"]);
    expect(await inventory()).toEqual(await inState());

    write(RESOURCES.replace('"replaced"', '"moved"'), FORGET);
    expect(await callsOf({ variables: { input: 3 } })).toEqual(["init", "init", "state list", "apply"]);
    expect(await inventory()).toEqual(await inState());
    expect((await inState())?.map(({ address }) => address)).toEqual([
      "terraform_data.moved",
      "terraform_data.updated[0]",
      "terraform_data.updated[1]",
      'module.data.terraform_data.table["a.b"]',
    ]);
  });

  it("read a foreign state once for sensitive outputs and after a failure, without starting providers", async () => {
    useForeignBackend();
    write(RESOURCES, SENSITIVE);
    expect(await callsOf()).toEqual(["init", "init", "apply", "state pull"]);
    write(RESOURCES, FAILING);
    expect(await callsOf()).toEqual(["init", "init", "state list", "apply", "state pull"]);
    expect(await inventory()).toEqual(await inState());
    expect(await callsOf({ action: "destroy" })).toEqual(["init", "init", "state list", "destroy"]);
    expect(await inventory()).toEqual([]);
  });

  it("read a foreign state for a new resource that may have an ARN, and not for a known one", async () => {
    useForeignBackend();
    write(foreignResource("v1"));
    expect(await callsOf()).toEqual(["init", "init", "apply", "state pull"]);
    write(foreignResource("v2"));
    expect(await callsOf()).toEqual(["init", "init", "state list", "apply"]);
    expect(await inventory()).toEqual(await inState());
  });
});
