import { chmodSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aContext } from "./testing/a-context.ts";
import { aProject, type TestProject } from "./testing/a-project.ts";
import { hasTerraform } from "./testing/program.ts";
import { type StateServer, startStateServer } from "./testing/state-server.ts";

const main = `
variable "name" { default = "none" }
variable "zones" {
  type    = list(string)
  default = []
}
resource "terraform_data" "app" {
  input = var.name
}
output "name" { value = terraform_data.app.output }
output "zones" { value = var.zones }
output "count" { value = 3 }
output "password" {
  value     = "hunter22"
  sensitive = true
}
`;

describe.skipIf(!hasTerraform())("terraform, the real program", () => {
  let project: TestProject;
  let server: StateServer;
  const inYard = (given = {}) => aContext({ stateBackendUrl: server.url, ...given });

  beforeEach(async () => {
    server = await startStateServer();
    project = aProject({ "network/main.tf": main });
  });
  afterEach(async () => {
    await server.close();
    project.remove();
  });

  it("applies, returns the outputs, and destroys what it finds by the same key", { tags: "adapter" }, async () => {
    const applied = await project.start(inYard({ metadata: { name: "blue", zones: '["a","b"]' } }), {});
    const destroyed = await project.start(inYard(), { action: "destroy" });

    expect(applied).toEqual({
      kind: "succeeded",
      outputs: { name: "blue", zones: '["a","b"]', count: 3, password: "hunter22" },
      sensitive: ["password"],
    });
    expect(destroyed).toEqual({ kind: "succeeded", outputs: {} });
    expect([...server.states.keys()]).toEqual(["/state/review-app/pr-12/local/network"]);
    expect(JSON.parse([...server.states.values()][0] ?? "").resources).toEqual([]);
    expect(server.locks.size).toBe(0);
    expect(readdirSync(project.workDir)).toEqual([]);
  });

  it("shows progress a line at a time", async () => {
    const ctx = inYard();

    await project.start(ctx, {});

    expect(ctx.lines).toContain("terraform_data.app: creating…");
    // In whole seconds, of which one may just begin.
    expect(ctx.lines.join("\n")).toMatch(/^terraform_data\.app: creating… done after \ds \[id=[0-9a-f-]+\]$/m);
    expect(ctx.lines).toContain("Apply complete! Resources: 1 added, 0 changed, 0 destroyed.");
  });

  it("signs in to the yard's backend as the attempt with its password", async () => {
    await project.start(inYard(), {});

    const users = new Set(server.requests.map((request) => request.split(" ")[2]));
    expect([...users]).toEqual(["pr-12/e1/2/network/1:7.proof"]);
    expect(server.requests.filter((request) => /^(UN)?LOCK/.test(request))).toHaveLength(2);
  });

  it("passes values as data, whatever they contain", async () => {
    const name = `a 'quote" $(touch ${project.dir}/pwned) \`id\` \${path.module} %{if true}x%{endif}\nsecond\ttab €`;
    const step = await project.start(inYard({ metadata: { name } }), {});

    expect(step).toMatchObject({ kind: "succeeded", outputs: { name } });
    expect(existsSync(join(project.dir, "pwned"))).toBe(false);
  });

  it("hands nested variables over as data too", async () => {
    const zones = [`\${path.module}`, "%{ if true }x%{ endif }", `$\${a}`];
    const step = await project.start(inYard(), { variables: { zones } });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { zones: JSON.stringify(zones) } });
  });

  it("writes booleans and numbers as text, and lets variables win", async () => {
    project.write({
      "network/main.tf": `
        variable "a" { default = "of the module" }
        variable "b" {}
        variable "c" {}
        variable "d" {}
        variable "stack_id" {}
        output "all" { value = "\${var.a} \${var.b} \${var.c} \${var.d} \${var.stack_id}" }`,
    });
    const ctx = inYard({ metadata: { a: null, b: false, c: 1.5, d: "metadata" } });

    const step = await project.start(ctx, { variables: { d: "variables" } });

    expect(step).toMatchObject({ outputs: { all: "of the module false 1.5 variables pr-12" } });
  });

  it("passes default tags of the AWS provider, which name yard, stack and machine", async () => {
    project.write({
      "network/main.tf": `resource "terraform_data" "a" {
        provisioner "local-exec" { command = "tr '\\\\0' '\\\\n' < /proc/$$/environ | grep TF_AWS | sort" }
      }`,
    });
    const ctx = inYard({ stackId: "pr#12" });

    await project.start(ctx, {});

    expect(ctx.lines.filter((line) => line.includes("(local-exec): TF_AWS"))).toEqual([
      "terraform_data.a (local-exec): TF_AWS_DEFAULT_TAGS_stackyard:machine=review-app",
      "terraform_data.a (local-exec): TF_AWS_DEFAULT_TAGS_stackyard:stack=pr-12",
      "terraform_data.a (local-exec): TF_AWS_DEFAULT_TAGS_stackyard:yard=main",
    ]);
  });

  it("notes once which names the configuration does not declare", async () => {
    const ctx = inYard({ metadata: { name: "x", sha: "9f1c", "not an identifier": 1 } });

    const step = await project.start(ctx, { variables: { owner: "me" } });

    expect(step.kind).toBe("succeeded");
    expect(ctx.lines.filter((line) => line.includes("sha"))).toEqual([
      "Not declared as variables by the configuration: sha, owner",
    ]);
    expect(ctx.lines).toContain("Skipped, because the names are not valid variable names: not an identifier");
  });

  it("rejects a configuration that would not keep its state", async () => {
    const step = await project.start(aContext(), {});

    expect(step).toMatchObject({ kind: "failed", code: "TERRAFORM_BACKEND_MISSING", retryable: false });
    expect(readdirSync(project.workDir)).toEqual([]);
  });

  it("uses another declared backend with its own address", async () => {
    const state = join(project.dir, "pr-12.tfstate");
    project.write({ "network/backend.tf": `terraform {\n  backend "local" { path = "${state}" }\n}` });

    const step = await project.start(aContext(), {});

    expect(step.kind).toBe("succeeded");
    expect(JSON.parse(readFileSync(state, "utf8")).resources).toHaveLength(1);
  });

  it("masks sensitive metadata in pieces, though its variable is not marked [azure-pipelines-agent#2793]", async () => {
    project.write({
      "network/main.tf": `
        variable "licence" {}
        resource "terraform_data" "a" {
          provisioner "local-exec" { command = "echo key=$TF_VAR_licence | fold -w 10 && exit 1" }
        }`,
    });
    const ctx = inYard({ metadata: { licence: "hunter22-abcdef-xyz" }, secrets: ["hunter22-abcdef-xyz"] });

    const step = await project.start(ctx, {});

    expect(ctx.lines).toContain("terraform_data.a (local-exec): key=***");
    expect(JSON.stringify([step, ctx.lines])).not.toMatch(/hunter|abcd|xyz/);
  });

  it.each<[string, unknown]>([
    ["a map of the task", { user: "app", password: "hunter2-hunter2" }],
    ["a text in HCL", '{ user = "app", "password" = "hunter2-hunter2" }'],
    ["a file of variables", undefined],
  ])("masks members of a sensitive object, as %s has it, and defaults", async (_, creds) => {
    project.write({
      "network/main.tf": `
        variable "creds" {
          type      = object({ user = string, password = string })
          sensitive = true
        }
        variable "pin" {
          default   = "s3cret-default"
          sensitive = true
        }
        resource "terraform_data" "a" {
          provisioner "local-exec" {
            command     = "echo password of app: $P, $PIN"
            environment = { P = nonsensitive(var.creds.password), PIN = nonsensitive(var.pin) }
          }
        }`,
      ...(creds === undefined && { "network/a.auto.tfvars": 'creds = { user = "app", password = "hunter2-hunter2" }' }),
    });
    const ctx = inYard();

    const step = await project.start(ctx, creds === undefined ? {} : { variables: { creds } });

    expect(step.kind).toBe("succeeded");
    expect(ctx.lines).toContain("terraform_data.a (local-exec): password of app: ***, ***");
  });

  it("names the problem with its place, and masks secrets in it", async () => {
    project.write({
      "network/main.tf": `
variable "db_password" { default = "none" }
variable "stamp" {
  default   = "none"
  sensitive = true
}
resource "terraform_data" "app" {
  provisioner "local-exec" {
    command = "echo out $TF_VAR_db_password $TF_VAR_stamp; echo err >&2; exit 3"
  }
}`,
    });
    const ctx = inYard({ metadata: { db_password: "hunter22", stamp: "s3cr3t" } });

    const step = await project.start(ctx, {});

    const { code, message } = step.kind === "failed" ? step : { code: step.kind, message: "" };
    expect(code).toBe("TERRAFORM_APPLY_FAILED");
    expect(message).toContain("terraform apply ended with exit code 1.");
    expect(message).toContain("error: local-exec provisioner error (main.tf:8, terraform_data.app)");
    expect(message).toContain("exit status 3. Output: out *** ***\nerr");
    expect([message, ...ctx.lines].join("\n")).not.toMatch(/hunter22|s3cr3t/);
    expect(ctx.lines.join("\n")).toMatch(/^terraform_data\.app: creating… failed after \ds$/m);
  });

  it("reports the output of init when init fails, and its error first", async () => {
    project.write({ "network/main.tf": `module "a" { source = "./nowhere" }` });
    const ctx = inYard();

    const step = await project.start(ctx, {});

    expect(step).toMatchObject({ kind: "failed", code: "TERRAFORM_INIT_FAILED", retryable: false });
    const lines = step.kind === "failed" ? step.message.split("\n").filter((line) => line.trim() !== "") : [];
    expect(lines.slice(0, 2)).toEqual(["terraform init ended with exit code 1.", "Error: Unreadable module directory"]);
    expect(lines.join("\n")).not.toMatch(/Initializing|Successfully/);
    expect(ctx.lines).toContain("Error: Unreadable module directory");
    expect(readdirSync(project.workDir)).toEqual([]);
  });

  it("says that another run holds the state", async () => {
    const lock = { ID: "1", Who: "ada@laptop", Info: "ada", Operation: "OperationTypeApply" };
    server.locks.set("/state/review-app/pr-12/local/network", JSON.stringify(lock));

    const step = await project.start(inYard(), {}, { lockTimeout: "0s" });

    expect(step).toMatchObject({ kind: "failed", code: "TERRAFORM_STATE_LOCKED", retryable: true });
    expect(step).toMatchObject({
      message: expect.stringContaining("The holder is ada (ada@laptop, OperationTypeApply)."),
    });
    expect(step).toMatchObject({
      message: expect.stringContaining("states unlock review-app/pr-12/local/network 1`"),
    });
    expect(server.locks.size).toBe(1);
  });

  it("keeps a state that the backend does not take", async () => {
    server.broken = true;

    const step = await project.start(inYard(), {});

    expect(step).toMatchObject({ kind: "failed", code: "TERRAFORM_STATE_NOT_SAVED", retryable: false });
    const [kept = ""] = readdirSync(join(project.dataDir, "terraform-rescued"));
    expect(readFileSync(join(project.dataDir, "terraform-rescued", kept), "utf8")).toContain("terraform_data");
  });

  it("plans without a lock, and knows when nothing would change", async () => {
    const before = await project.plan(inYard(), {});
    const requests = server.requests.length;
    await project.start(inYard(), {});
    const after = await project.plan(inYard(), {});
    const removal = await project.plan(inYard(), { action: "destroy" });

    expect(server.requests.slice(0, requests).every((request) => request.startsWith("GET"))).toBe(true);
    expect(before).toMatchObject({
      summary: "Plan: 1 to add, 0 to change, 0 to destroy.",
      unchanged: false,
      details: { add: 1, change: 0, remove: 0, resources: ["terraform_data.app: create"] },
    });
    expect(after).toMatchObject({ summary: "Nothing would change.", unchanged: true });
    expect(removal).toMatchObject({ unchanged: false, details: { remove: 1 } });
  });

  it("throws from plan what start would answer", async () => {
    await expect(project.plan(aContext(), {})).rejects.toMatchObject({
      code: "OUTCOME_NEGATIVE",
      details: { code: "TERRAFORM_BACKEND_MISSING", retryable: false },
    });
  });

  it("runs several stacks at the same time", async () => {
    const names = ["a", "b", "c", "d", "e", "f"];

    const steps = await Promise.all(
      names.map((name) => project.start(inYard({ stackId: name, metadata: { name } }), {})),
    );

    expect(steps.map((step) => (step.kind === "succeeded" ? step.outputs : step))).toEqual(
      names.map((name) => expect.objectContaining({ name })),
    );
    expect(server.states.size).toBe(6);
  });

  it("starts again after a crash under the same key without making anything twice", async () => {
    const first = await project.start(inYard({ metadata: { name: "x" } }), {});
    const again = await project.start(inYard({ metadata: { name: "x" } }), {});

    expect(again).toEqual(first);
    const state = JSON.parse([...server.states.values()][0] ?? "");
    expect(state.resources).toHaveLength(1);
  });

  it("runs OpenTofu, or any program that is called like Terraform", async () => {
    project.write({ "bin/tofu": '#!/bin/sh\necho "$@" >> "$HOME/calls"\nexec terraform "$@"\n' });
    chmodSync(join(project.dir, "bin/tofu"), 0o755);
    const environment = { PATH: `${project.dir}/bin:${process.env["PATH"]}`, HOME: project.dir };
    const tofu = project.executor({ binary: "tofu", version: "~> 1.0" }, { environment });

    const step = await tofu.start(inYard(), {
      action: "apply",
      source: { type: "local", location: "network" },
    } as never);

    expect(step.kind).toBe("succeeded");
    const calls = readFileSync(join(project.dir, "calls"), "utf8").replace(/=\/\S+/, "=…");
    expect(calls.split("\n")).toEqual([
      "version",
      "init -input=false -no-color -backend=false",
      "init -input=false -no-color -plugin-dir=…",
      "apply -json -no-color -input=false -auto-approve -lock-timeout=30s",
      "",
    ]);
  });

  it("says which version it found and which it needs", async () => {
    const step = await project.start(inYard(), {}, { version: ">= 99" });

    expect(step).toMatchObject({ kind: "failed", code: "TERRAFORM_VERSION_MISMATCH", retryable: false });
    expect(step).toMatchObject({ message: expect.stringMatching(/is version 1\.\d+\.\d+; allowed is >= 99/) });
  });
});
