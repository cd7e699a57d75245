import { randomBytes } from "node:crypto";
import { chmodSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Records } from "@stackyard/core";
import { createMemoryStore } from "@stackyard/core/engine";
import { createSealer, type Sealer } from "@stackyard/core/services";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TerraformConfig } from "../definition.ts";
import { aContext } from "../testing/a-context.ts";
import { aProject, type TestProject } from "../testing/a-project.ts";
import { hasTerraform } from "../testing/program.ts";
import { type StateServer, startStateServer } from "../testing/state-server.ts";

const MAIN = `
variable "tenants" { default = [] }
variable "size" { default = {} }
resource "terraform_data" "tenant" { for_each = toset(var.tenants) }
output "count" { value = length(terraform_data.tenant) }
output "secret" {
  value     = "hunter22"
  sensitive = true
}
`;
const TFVARS = 'size = { a = "b" }\ntenants = ["ada", "ben"]\n';
/** More than one record keeps, however well it is compressed. */
const large = () => `\n# ${randomBytes(300_000).toString("hex")}\n`;
const RULES = "rules: [{ name: few, deny: plan.adds > 9, message: Too many. }]";

describe.skipIf(!hasTerraform())("what is read in part is not taken for the whole:", () => {
  let project: TestProject;
  let server: StateServer;
  let records: Records;
  let sealer: Sealer;
  const run = (more = {}) => aContext({ stateBackendUrl: server.url, records, sealer, ...more });
  const start = (config: Partial<TerraformConfig>, ctx = run()) =>
    project.start(ctx, config, { binary: "bin/terraform" });
  const countResources = () =>
    [...server.states.values()].flatMap((text) => JSON.parse(text).resources.flatMap(instancesOf)).length;
  /** The program prints only the beginning of what one of its commands prints. */
  const cut = (command: string) => {
    project.write({
      "bin/terraform": `#!/bin/sh\nif [ "$1" = ${command} ]; then terraform "$@" | head -c 60; else exec terraform "$@"; fi\n`,
    });
    chmodSync(join(project.dir, "bin/terraform"), 0o755);
  };
  const loseLast = async (prefix: string) => {
    const { items } = await records.list(prefix, { limit: 50, now: 0 });
    expect(items.length).toBeGreaterThan(1);
    const last = items.at(-1);
    await records.remove(last?.key ?? "", last?.version ?? 0);
  };

  beforeEach(async () => {
    server = await startStateServer();
    ({ records } = createMemoryStore());
    sealer = createSealer([randomBytes(32)]);
    project = aProject({ "network/main.tf": MAIN, "network/a.auto.tfvars": TFVARS, "rules/rules.yaml": RULES });
    cut("nothing");
  });
  afterEach(async () => {
    await server.close();
    project.remove();
  });

  it.each<[string, Partial<TerraformConfig>]>([
    ["a guard of protected resources", { protect: ["aws_db_instance.*"] }],
    ["policies", { policies: { source: { type: "local", location: "rules" } } }],
    ["a plan to save", { action: "plan" }],
  ])("a plan, for %s", async (_, config) => {
    cut("show");

    const step = await start(config);

    expect(step).toMatchObject({ code: "TERRAFORM_PLAN_FAILED", message: expect.stringContaining("a whole plan") });
    expect(server.states.size).toBe(0);
  });

  it("a plan with more values than are read, which ends with a code before anything is changed", async () => {
    const many = "yes '{},' | head -n 2100000 | tr -d '\\n'";
    const plan = `printf '{"format_version":"1.2","resource_changes":['; ${many}; printf '{}]}'`;
    project.write({
      "bin/terraform": `#!/bin/sh\nif [ "$1" = show ]; then ${plan}; else exec terraform "$@"; fi\n`,
    });

    const step = await start({ protect: ["aws_db_instance.*"] });

    expect(step).toMatchObject({
      code: "TERRAFORM_PLAN_TOO_LARGE",
      message: "The plan as JSON has more than 4000000 values. Split the configuration.",
    });
    expect(server.states.size).toBe(0);
  });

  it("outputs", async () => {
    cut("output");
    project.write({
      "network/backend.tf": `terraform {\n backend "local" { path = "${project.dir}/pr-12.tfstate" }\n}`,
    });
    const whole = await start({});
    cut("output");
    project.write({
      "bin/terraform": project.read("bin/terraform").replace('"$1" = output', '"$1" = output ] || [ "$1" = state'),
    });

    const part = await start({});

    expect(whole).toMatchObject({ kind: "succeeded", outputs: { count: 2, secret: "hunter22" } });
    expect(part).toMatchObject({ code: "TERRAFORM_OUTPUTS_FAILED" });
  });

  it("a saved plan", async () => {
    project.write({ "network/main.tf": MAIN + large() });
    const planned = await start({ action: "plan" });
    await loseLast("terraform-plan/data/");

    const step = await start({ plan: planned.kind === "succeeded" ? String(Object(planned.outputs)["plan"]) : "" });

    expect(step).toMatchObject({
      code: "TERRAFORM_PLAN_STALE",
      message: expect.stringContaining("its content does not exist any more"),
    });
    expect(server.states.size).toBe(0);
  });

  it("the configuration of the last apply", async () => {
    project.write({ "network/main.tf": MAIN + large() });
    await start({});
    await loseLast("terraform-applied/data/");
    project.write({ "network/main.tf": "resource {" });

    const step = await start({ action: "destroy" });

    expect(step).toMatchObject({ code: "TERRAFORM_INIT_FAILED" });
    expect(countResources()).toBe(2);
  });

  it("policies that were read last", async () => {
    const policies = { source: { type: "local" as const, location: "rules" } };
    project.write({ "rules/notes.md": large() });
    await start({ policies });
    await loseLast("terraform-policies/data/");
    rmSync(join(project.dir, "rules"), { recursive: true });

    const step = await start({ action: "destroy", policies });

    expect(step).toMatchObject({ code: "TERRAFORM_SOURCE_MISSING" });
    expect(countResources()).toBe(2);
  });

  it.each([
    ["in a value that the stack sets", 'size = {\n  a = "b"\ntenants = ["ada", "ben"]\n', "size"],
    ["in a value of its own", 'size = { a = "b" }\ntenants = ["ada",', "tenants"],
  ])("a file of variables that ends %s", async (_, text, name) => {
    const ctx = run({ metadata: { size: { a: "c" } } });
    await start({}, ctx);
    project.write({ "network/a.auto.tfvars": text });

    const applied = await start({}, ctx);
    const kept = countResources();
    const destroyed = await start({ action: "destroy" }, ctx);

    expect(applied).toMatchObject({
      code: "TERRAFORM_SOURCE_REFUSED",
      message: `"a.auto.tfvars" ends within the value of "${name}", or has none for it. It is incomplete: correct it.`,
    });
    expect(kept).toBe(2);
    // By the configuration of the last apply.
    expect([destroyed.kind, countResources()]).toEqual(["succeeded", 0]);
  });
});

function instancesOf({ instances }: { readonly instances: readonly unknown[] }): readonly unknown[] {
  return instances;
}
