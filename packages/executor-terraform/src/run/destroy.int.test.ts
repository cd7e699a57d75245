import { randomBytes } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Records } from "@stackyard/core";
import { createMemoryStore } from "@stackyard/core/engine";
import { createSealer, putUnsavedRun, type SourceArchives } from "@stackyard/core/services";
import { toTarball } from "@stackyard/host-sim";
import type { GitSourceConfig } from "@stackyard/sources";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aContext } from "../testing/a-context.ts";
import { aProject, type TestProject } from "../testing/a-project.ts";
import { hasTerraform } from "../testing/program.ts";
import { type StateServer, startStateServer } from "../testing/state-server.ts";

const [FIRST, SECOND] = ["a".repeat(40), "b".repeat(40)];
const STATE = "review-app/pr-12/git:github/acme/shop:infra";
const MAIN = `
variable "sha" {}
resource "terraform_data" "app" {
  input = var.sha
  provisioner "local-exec" { command = "echo made of $TF_VAR_sha with $TF_VAR_password" }
}
`;

describe.skipIf(!hasTerraform())("a destroy", () => {
  let project: TestProject;
  let server: StateServer;
  let records: Records;
  let commits: Record<string, string | undefined>;
  let attempts = 0;
  const sealer = createSealer([randomBytes(32)]);
  const archives: SourceArchives = {
    async open({ commit }) {
      const text = commits[commit];
      const [path = "", ...rest] = (text ?? "").split("|");
      const bytes = toTarball([{ path: `r/${path}`, content: rest.join("|") }]);
      return text === undefined ? undefined : new Blob([Buffer.from(bytes)]).stream();
    },
  };
  const aRun = (metadata: Record<string, string> = {}, more = {}) => {
    attempts += 1;
    const attempt = { id: `pr-12/e1/${attempts}/network/1`, number: 1, token: 7 };
    return aContext({ stateBackendUrl: server.url, records, sealer, archives, attempt, metadata, ...more });
  };
  const source = (commit: string): GitSourceConfig => ({
    ...{ type: "git", host: "github", repository: "acme/shop", commit, path: "infra", trusted: true },
  });
  const apply = (commit: string, ctx = aRun({ sha: commit })) => project.start(ctx, { source: source(commit) });
  const destroy = (commit: string, ctx = aRun({ sha: commit })) =>
    project.start(ctx, { action: "destroy", source: source(commit) });
  const listResources = () => [...server.states.values()].flatMap((text) => JSON.parse(text).resources);

  beforeEach(async () => {
    server = await startStateServer();
    ({ records } = createMemoryStore());
    commits = { [FIRST]: `infra/main.tf|${MAIN}` };
    project = aProject();
  });
  afterEach(async () => {
    await server.close();
    project.remove();
  });

  it.each<[string, string | undefined]>([
    ["has an error", `infra/main.tf|${MAIN}\nresource {\n`],
    ["needs a variable without a value", `infra/main.tf|${MAIN}\nvariable "size" {}\n`],
    ["has moved the folder", `terraform/main.tf|${MAIN}`],
    ["needs another version", `infra/main.tf|${MAIN}\nterraform {\n required_version = "< 0.1"\n}\n`],
    ["uses a module that is missing", `infra/main.tf|${MAIN}\nmodule "net" {\n source = "./net"\n}\n`],
    ["depends on itself", `infra/main.tf|${MAIN}\nlocals {\n a = local.b\n b = local.a\n}\n`],
    ["has lost its configuration", "infra/readme.md|moved"],
    [
      "cannot be planned",
      `infra/main.tf|${MAIN}\ndata "external" "x" {\n program = ["false"]\n}\noutput "x" {\n value = file("gone")\n}\n`,
    ],
    ["declares another backend", `infra/main.tf|${MAIN}\nterraform {\n backend "local" {}\n}\n`],
    ["does not exist any more", undefined],
  ])("whose commit %s works with the last one that was applied [terraform#2675, coder#2961]", async (_, broken) => {
    commits[SECOND] = broken;
    await apply(FIRST);
    const failed = await apply(SECOND);
    // Nor can its host be reached any more.
    delete commits[FIRST];
    const ctx = aRun({ sha: SECOND });

    const destroyed = await destroy(SECOND, ctx);

    expect(failed.kind).toBe("failed");
    expect(destroyed).toEqual({ kind: "succeeded", outputs: {} });
    expect(listResources()).toEqual([]);
    expect(ctx.lines).toContainEqual(
      expect.stringMatching(/^The configuration of the task cannot be used\. TERRAFORM_/),
    );
    expect(ctx.lines).toContainEqual(
      expect.stringMatching(
        `^▸ Destroying with the configuration of the last apply: .*commit=${FIRST}.*, with the files`,
      ),
    );
  });

  it("of a stack that has lost a value works with the value of the last apply [terraform#23167]", async () => {
    await apply(FIRST);

    const destroyed = await destroy(FIRST, aRun());

    expect(destroyed.kind).toBe("succeeded");
    expect(listResources()).toEqual([]);
  });

  it("of a stack that has lost a value which its configuration checks [cloudbeat#4355, env0/templates#74]", async () => {
    const check = 'validation {\n condition = var.cidr != ""\n error_message = "Set cidr."\n }';
    commits[FIRST] += `variable "cidr" {\n default = ""\n ${check}\n}\noutput "cidr" {\n value = var.cidr\n}\n`;
    await apply(FIRST, aRun({ sha: FIRST, cidr: "10.0.0.0/8" }));

    const destroyed = await destroy(FIRST);

    expect(destroyed.kind).toBe("succeeded");
    expect(listResources()).toEqual([]);
  });

  it("of what depends on a state that is gone already [terragrunt#1230, terragrunt#1385]", async () => {
    const path = join(project.dir, "net.tfstate");
    const net = { version: 4, terraform_version: "1.5.0", serial: 1, lineage: "net", resources: [] };
    writeFileSync(path, JSON.stringify({ ...net, outputs: { vpc: { value: "vpc-1", type: "string" } } }));
    commits[FIRST] += `data "terraform_remote_state" "net" {
  backend = "local"
  config = { path = "${path}" }
}
resource "terraform_data" "db" {
  input = data.terraform_remote_state.net.outputs.vpc
}
`;
    const applied = await apply(FIRST);
    rmSync(path);
    const guard = { action: "destroy" as const, source: source(FIRST), protect: ["terraform_data.db"] };

    const guarded = await project.start(aRun({ sha: FIRST }), guard);
    const ctx = aRun({ sha: FIRST });
    const destroyed = await destroy(FIRST, ctx);

    expect(guarded).toMatchObject({ code: "TERRAFORM_PROTECTED" });
    expect([applied.kind, destroyed.kind]).toEqual(["succeeded", "succeeded"]);
    expect(ctx.lines).toContain("▸ Destroying by the state alone: what the configuration reads cannot be read");
    expect(listResources()).toEqual([]);
  });

  it("without any commit, as of a stack that is created again for it, works with the last one [tofu-controller#720]", async () => {
    await apply(FIRST);

    const applied = await project.start(aRun(), { source: source("") });
    const destroyed = await destroy("", aRun());
    const again = await destroy("", aRun());

    expect(applied).toMatchObject({ code: "TERRAFORM_SOURCE_MISSING" });
    expect([destroyed.kind, again.kind]).toEqual(["succeeded", "succeeded"]);
    expect(listResources()).toEqual([]);
  });

  it("of what a failed apply has created works with the configuration of that apply [bosh-bootloader#121, sumaform#438]", async () => {
    commits[FIRST] += '\nresource "terraform_data" "bad" {\n provisioner "local-exec" { command = "exit 1" }\n}\n';
    await apply(FIRST);
    const before = listResources().length;

    const destroyed = await destroy(SECOND);

    expect(before).toBe(2);
    expect(destroyed.kind).toBe("succeeded");
    expect(listResources()).toEqual([]);
  });

  it("has nothing to do when no run has begun, or all that runs created is destroyed", async () => {
    const first = aRun();
    const never = await destroy(SECOND, first);
    await apply(FIRST);
    await destroy(FIRST);
    const after = await destroy(SECOND);

    expect([never.kind, after.kind]).toEqual(["succeeded", "succeeded"]);
    expect(first.lines).toContain("▸ Nothing to destroy: no run has left anything in this state.");
  });

  it("of what a plan that failed has never made, again and again [tofu-controller#454, tofu-controller#495]", async () => {
    commits[FIRST] += 'variable "size" {}\n';
    const failed = await apply(FIRST);

    const destroyed = [await destroy(FIRST), await destroy(FIRST)];

    expect(failed).toMatchObject({ code: "TERRAFORM_APPLY_FAILED" });
    expect(destroyed.map(({ kind }) => kind)).toEqual(["succeeded", "succeeded"]);
  });

  it("of what is destroyed already validates none of its references [terragrunt#2500]", async () => {
    await apply(FIRST);
    await destroy(FIRST);
    commits[SECOND] = `infra/main.tf|${MAIN}\noutput "group" {\n value = terraform_data.app.security_group_id\n}\n`;

    const again = await destroy(SECOND);

    expect(again.kind).toBe("succeeded");
  });

  it("of a half that is left continues when what it depends on is gone [terragrunt#3183]", async () => {
    const [state, gate] = [join(project.dir, "base.tfstate"), join(project.dir, "gate")];
    const base = { version: 4, terraform_version: "1.5.0", serial: 1, lineage: "base", resources: [] };
    writeFileSync(state, JSON.stringify({ ...base, outputs: { vpc: { value: "vpc-1", type: "string" } } }));
    commits[FIRST] += `data "terraform_remote_state" "base" {
  backend = "local"
  config = { path = "${state}" }
}
resource "terraform_data" "module" {
  input = data.terraform_remote_state.base.outputs.vpc
  provisioner "local-exec" {
    when    = destroy
    command = "test -f ${gate}"
  }
}
resource "terraform_data" "extension" { input = terraform_data.module.id }
`;
    await apply(FIRST);
    const half = await destroy(FIRST);
    const left = listResources().map(({ name }) => name);
    rmSync(state);
    writeFileSync(gate, "");

    const rest = await destroy(FIRST);

    expect(half).toMatchObject({ code: "TERRAFORM_DESTROY_FAILED" });
    expect(left).toContain("module");
    expect(left).not.toContain("extension");
    expect([rest.kind, listResources().filter(({ mode }) => mode === "managed")]).toEqual(["succeeded", []]);
  });

  it("by a task without the values that the task of the apply had [maple#257]", async () => {
    commits[FIRST] += 'variable "pg_url" {\n sensitive = true\n}\n';
    const variables = { pg_url: "postgres://shop:hunter22@db/shop" };
    const applied = await project.start(aRun({ sha: FIRST }), { source: source(FIRST), variables });
    const ctx = aRun({ sha: FIRST });

    const destroyed = await destroy(FIRST, ctx);

    expect([applied.kind, destroyed.kind, listResources()]).toEqual(["succeeded", "succeeded", []]);
    expect(ctx.lines.join("\n")).not.toContain("hunter22");
  });

  it("fails when the yard does not know whether something is left", async () => {
    const run = { state: STATE, stack: "pr-12", machine: "review-app", attempt: "pr-12/e1/9/app/1", token: 1 };
    await putUnsavedRun(
      { records, clock: { now: Date.now } },
      { ...run, action: "apply", host: "runner-1", at: 0, sequence: 1 },
    );
    const local = { source: { type: "local" as const, location: "nowhere" } };

    const unsaved = await destroy(SECOND);
    const elsewhere = await project.start(aRun(), { action: "destroy", ...local });

    expect(unsaved).toMatchObject({ code: "TERRAFORM_SOURCE_MISSING", message: expect.stringContaining(SECOND) });
    expect(elsewhere).toMatchObject({ code: "TERRAFORM_SOURCE_MISSING" });
  });

  it("works with the files of the last apply of a folder that is gone, and masks its secrets", async () => {
    const local = { source: { type: "local" as const, location: "stack//app" } };
    project.write({
      "stack/app/main.tf": `${MAIN}variable "password" {}\nmodule "net" { source = "../net" }\nresource "terraform_data" "b" {
        provisioner "local-exec" {
          when    = destroy
          command = "echo leaving with $TF_VAR_password"
        }
      }`,
      "stack/app/a.auto.tfvars": 'sha = "file"\n',
      "stack/net/main.tf": 'resource "terraform_data" "net" {}\n',
    });
    const secret = aRun({ sha: "1", password: "hunter22-hunter22" }, { secrets: ["hunter22-hunter22"] });
    await project.start(secret, local);
    project.remove();
    project.write({ "other/main.tf": "" });
    const ctx = aRun();

    const destroyed = await project.start(ctx, { action: "destroy", ...local });

    expect(destroyed.kind).toBe("succeeded");
    expect(listResources()).toEqual([]);
    expect(ctx.lines).toContain("terraform_data.b (local-exec): leaving with ***");
    const stored = await records.list("terraform-applied/", { limit: 10, now: 0 });
    expect(stored.items).toEqual([]);
  });

  it("reads the source again, and has no secrets of the last apply, when the yard has no seal key", async () => {
    commits[FIRST] = `infra/main.tf|${MAIN}variable "password" {}\n`;
    commits[SECOND] = "infra/main.tf|resource {";
    const more = { sealer: undefined, secrets: ["hunter22-hunter22"] };
    await apply(FIRST, aRun({ sha: FIRST, password: "hunter22-hunter22" }, more));
    const stored = JSON.stringify((await records.list("terraform-applied/", { limit: 10, now: 0 })).items);

    const without = await destroy(SECOND, aRun({ sha: SECOND }, { sealer: undefined }));
    const destroyed = await destroy(SECOND, aRun({ sha: SECOND, password: "other-other" }, { sealer: undefined }));

    expect(stored).not.toContain("hunter22");
    expect(without).toMatchObject({
      kind: "failed",
      message: expect.stringMatching(
        /No value for required variable[\s\S]*That of the task failed before:\nterraform init/,
      ),
    });
    expect(destroyed.kind).toBe("succeeded");
  });

  it("does not evade a lifecycle rule of a commit that was never applied [terraform#17599]", async () => {
    await apply(FIRST);
    commits[SECOND] = `infra/main.tf|${MAIN.replace("input", "lifecycle {\n prevent_destroy = true\n }\n input")}`;
    const ctx = aRun({ sha: SECOND });

    const kept = await destroy(SECOND, ctx);
    const task = { action: "destroy" as const, source: source(SECOND), protect: ["aws_s3_bucket.*"] };
    const guarded = await project.start(ctx, task);

    const message = expect.stringContaining("Instance cannot be destroyed");
    expect(kept).toMatchObject({ code: "TERRAFORM_DESTROY_FAILED", message });
    expect(guarded).toMatchObject({ code: "TERRAFORM_PLAN_FAILED", message });
    expect(listResources()).toHaveLength(1);
    expect(ctx.lines.join("\n")).not.toContain("cannot be used");
  });

  it("tries nothing else when it has begun, or when a guard or a lock stops it", async () => {
    commits[FIRST] +=
      '\nresource "terraform_data" "stuck" {\n provisioner "local-exec" {\n when = destroy\n command = "exit 1"\n}\n}\n';
    await apply(FIRST);
    const ctx = aRun({ sha: FIRST });

    const guarded = await project.start(ctx, {
      action: "destroy",
      source: source(FIRST),
      protect: ["terraform_data.*"],
    });
    const begun = await destroy(FIRST, ctx);

    expect([guarded, begun]).toMatchObject([{ code: "TERRAFORM_PROTECTED" }, { code: "TERRAFORM_DESTROY_FAILED" }]);
    expect(ctx.lines.join("\n")).not.toContain("cannot be used");
  });
});
