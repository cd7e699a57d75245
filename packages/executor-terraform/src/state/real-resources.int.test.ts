import { randomBytes } from "node:crypto";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Records } from "@stackyard/core";
import { createMemoryStore } from "@stackyard/core/engine";
import { createSealer } from "@stackyard/core/services";
import { type FileProvider, startFileProvider } from "@stackyard/tf-provider";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TerraformConfig } from "../definition.ts";
import { aContext } from "../testing/a-context.ts";
import { aProject, type TestProject } from "../testing/a-project.ts";
import { hasTerraform } from "../testing/program.ts";
import { runnerEnvironment } from "../testing/runner-environment.ts";
import { type StateServer, startStateServer } from "../testing/state-server.ts";
import { toInventoryKey } from "./inventory.ts";

const main = `
variable "name" { default = "app" }
variable "content" { default = "v1" }
resource "files_file" "app" {
  name    = var.name
  content = var.content
}
resource "files_file" "data" {
  name    = "data"
  content = files_file.app.sha256
}
output "digest" { value = files_file.app.sha256 }
`;

describe.skipIf(!hasTerraform())("resources that exist outside of the state", () => {
  const sealer = createSealer([randomBytes(32)]);
  let folder: string;
  let home: TestProject;
  let provider: FileProvider;
  let project: TestProject;
  let server: StateServer;
  let records: Records;

  const start = (config: Partial<TerraformConfig> = {}, metadata = {}) =>
    project.start(aContext({ stateBackendUrl: server.url, records, sealer, metadata }), config, {
      passEnvironment: ["TF_REATTACH_PROVIDERS"],
    });
  const outputsOf = async (config: Partial<TerraformConfig>, metadata = {}): Promise<Record<string, unknown>> => {
    const step = await start(config, metadata);
    if (step.kind === "succeeded") return step.outputs as Record<string, unknown>;
    throw new Error(JSON.stringify(step));
  };
  const change = (name: string, content: string) => writeFileSync(join(folder, name), content);

  beforeAll(async () => {
    home = aProject();
    folder = join(home.dir, "files");
    provider = await startFileProvider({ folder });
  });
  afterAll(() => {
    provider.stop();
    home.remove();
  });

  beforeEach(async () => {
    for (const name of readdirSync(folder)) rmSync(join(folder, name));
    server = await startStateServer();
    records = createMemoryStore().records;
    const environment = { ...runnerEnvironment(), ...provider.environment };
    project = aProject({ "network/main.tf": main }, { environment });
    await start();
  });
  afterEach(async () => {
    await server.close();
    project.remove();
  });

  it("drift when they are changed or removed, and do no more after the next apply", async () => {
    const states = [...server.states.values()];
    const before = await outputsOf({ action: "drift" });
    change("app", "changed by hand");
    rmSync(join(folder, "data"));

    const drift = await outputsOf({ action: "drift" });
    const unrepaired = readdirSync(folder);
    const ignored = await outputsOf({ action: "drift", ignore: ["files_file.app:*", "files_file.data:*"] });
    const statesAfter = [...server.states.values()];
    await start();
    const after = await outputsOf({ action: "drift" });

    expect(before).toEqual({ drifted: false, summary: "No drift." });
    expect(drift).toEqual({
      drifted: true,
      summary: "2 resources differ from the state.\nfiles_file.app: content, sha256\nfiles_file.data: deleted",
    });
    expect([unrepaired, statesAfter]).toEqual([["app"], states]);
    expect(ignored).toEqual(before);
    expect([readdirSync(folder).sort(), after]).toEqual([["app", "data"], before]);
  });

  it("are planned for replacement, with values that are not known yet", async () => {
    project.write({
      "policies/rules.yaml": `rules:
  - name: unknown
    when: "'create' in resource.actions"
    deny: has(resource.unknown.sha256) && !has(resource.after.sha256)
    message: "\${resource.address} gets a digest"
    level: warning
`,
    });
    const policies = { source: { type: "local" as const, location: "policies" } };

    const planned = await outputsOf({ action: "plan", policies }, { name: "web", content: "v2" });
    const files = readdirSync(folder).sort();
    await start({ plan: String(planned["plan"]) });

    expect(planned).toMatchObject({
      adds: 1,
      changes: 1,
      destroys: 1,
      replacements: 1,
      summary: "Plan: 1 to add, 1 to change, 1 to destroy (1 replaced).",
      problems: "warning: unknown: files_file.app gets a digest",
    });
    expect(files).toEqual(["app", "data"]);
    expect(readdirSync(folder).sort()).toEqual(["data", "web"]);
  });

  it("remain when they are protected, whether the plan would replace or destroy them", async () => {
    const protect = ["files_file.app"];

    const replaced = await start({ protect }, { name: "web" });
    const destroyed = await start({ action: "destroy", protect });
    const changed = await start({ protect }, { content: "v2" });

    for (const step of [replaced, destroyed])
      expect(step).toMatchObject({ kind: "failed", code: "TERRAFORM_PROTECTED" });
    expect(changed).toMatchObject({ kind: "succeeded" });
    expect(readdirSync(folder).sort()).toEqual(["app", "data"]);
  });

  it("are in the inventory with their ARNs until they are destroyed", async () => {
    const key = toInventoryKey("review-app/pr-12/local/network");
    const applied = (await records.get(key, 0))?.value;

    await start({ action: "destroy" });

    expect(applied).toMatchObject({
      resources: [
        { address: "files_file.app", arn: "arn:aws:files:::app" },
        { address: "files_file.data", arn: "arn:aws:files:::data" },
      ],
    });
    expect((await records.get(key, 0))?.value).toMatchObject({ count: 0, resources: [] });
    expect(readdirSync(folder)).toEqual([]);
  });
});
