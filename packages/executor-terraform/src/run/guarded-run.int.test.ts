import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Records } from "@stackyard/core";
import { createMemoryStore } from "@stackyard/core/engine";
import { createSealer } from "@stackyard/core/services";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aContext } from "../testing/a-context.ts";
import { aProject, type TestProject } from "../testing/a-project.ts";
import { hasTerraform } from "../testing/program.ts";
import { type StateServer, startStateServer } from "../testing/state-server.ts";

const main = `
variable "name" { default = "none" }
resource "terraform_data" "app" {
  input            = var.name
  triggers_replace = [var.name]
}
output "name" { value = var.name }
`;

describe.skipIf(!hasTerraform())("a run with protected resources", () => {
  let project: TestProject;
  let server: StateServer;
  const inYard = (name: string) => aContext({ stateBackendUrl: server.url, metadata: { name } });
  const stateOf = () => JSON.parse([...server.states.values()][0] ?? "{}");

  beforeEach(async () => {
    server = await startStateServer();
    project = aProject({ "network/main.tf": main });
  });
  afterEach(async () => {
    await server.close();
    project.remove();
  });

  it("creates and changes them, and returns the outputs", async () => {
    const step = await project.start(inYard("blue"), { protect: ["terraform_data.*"] });

    expect(step).toEqual({ kind: "succeeded", outputs: { name: "blue" } });
  });

  it("neither replaces nor destroys them, nor under a new address, and changes nothing else", async () => {
    await project.start(inYard("blue"), {});
    const before = stateOf();
    const config = { protect: ["terraform_data.a*"] };

    const replaced = await project.start(inYard("green"), config);
    const destroyed = await project.start(inYard("blue"), { action: "destroy" as const, ...config });
    const moved = `moved {\n from = terraform_data.app\n to = terraform_data.web\n}\n`;
    project.write({ "network/main.tf": main.replace('"app"', '"web"') + moved });
    const renamed = await project.start(inYard("green"), config);

    expect([replaced, destroyed, renamed]).toEqual([
      failedWith("terraform_data.app is protected and would be replaced."),
      failedWith("terraform_data.app is protected and would be deleted."),
      failedWith("terraform_data.web is protected and would be replaced."),
    ]);
    expect(stateOf()).toEqual(before);
    expect(server.locks.size).toBe(0);
  });

  it.each(["with its own plan", "with a saved plan"])(
    "keep what existed before an import, %s, until the task may delete it (terraform#33384, kusion#1200)",
    async (how) => {
      const { records } = createMemoryStore();
      const sealer = createSealer([randomBytes(32)]);
      const inStore = (name: string) => aContext({ stateBackendUrl: server.url, metadata: { name }, records, sealer });
      const imports = 'import {\n to = terraform_data.app\n id = "production"\n}\n';
      // Without a trigger: another one would replace the object at once.
      const made = `resource "terraform_data" "app" {}\nresource "terraform_data" "own" {}\n`;
      project.write({ "network/main.tf": `${made}${imports}` });
      const plan = async () => {
        const step = await project.start(inStore("blue"), { action: "plan" });
        return step.kind === "succeeded" ? String(Object(step.outputs).plan) : "";
      };
      const applied = await project.start(inStore("blue"), how === "with a saved plan" ? { plan: await plan() } : {});
      const before = stateOf();
      const text = expect.stringContaining("terraform_data.app existed before it was imported and would be");

      const destroyed = await project.start(inStore("blue"), { action: "destroy" });
      const planned = await project.start(inStore("blue"), { action: "plan", destroy: true });
      project.write({ "network/main.tf": made.replace('"app" {', '"app" { triggers_replace = ["green"] ') });
      const replaced = await project.start(inStore("blue"), {});

      expect(applied).toMatchObject({ kind: "succeeded" });
      expect(destroyed).toMatchObject({ code: "TERRAFORM_PROTECTED", message: text });
      expect(planned).toMatchObject({ outputs: { destroys: 2, problems: text } });
      expect(replaced).toMatchObject({ code: "TERRAFORM_PROTECTED", message: text });
      expect(stateOf()).toEqual(before);
      expect(await project.start(inStore("blue"), { action: "destroy", destroyImported: true })).toMatchObject({
        kind: "succeeded",
      });
    },
  );

  it("let what was imported go out of the state, and what is made in its place be destroyed", async () => {
    const { records } = createMemoryStore();
    const inStore = () => aContext({ stateBackendUrl: server.url, metadata: { name: "blue" }, records });
    const imports = 'import {\n to = terraform_data.app\n id = "production"\n}\n';
    project.write({ "network/main.tf": `resource "terraform_data" "app" {}\n${imports}` });
    await project.start(inStore(), {});
    project.write({
      "network/main.tf": "removed {\n from = terraform_data.app\n lifecycle {\n destroy = false\n }\n}\n",
    });

    const forgotten = await project.start(inStore(), {});
    project.write({ "network/main.tf": `resource "terraform_data" "app" {}\n` });
    await project.start(inStore(), {});

    expect(forgotten).toMatchObject({ kind: "succeeded" });
    expect(await project.start(inStore(), { action: "destroy" })).toMatchObject({ kind: "succeeded" });
  });

  it("destroys others", async () => {
    await project.start(inYard("blue"), {});

    const step = await project.start(inYard("blue"), { action: "destroy", protect: ["aws_db_instance.*"] });

    expect(step).toEqual({ kind: "succeeded", outputs: {} });
    expect(stateOf().resources).toEqual([]);
  });

  it("takes a changed output for no drift, which Terraform itself reports as a change", async () => {
    await project.start(inYard("blue"), {});

    const step = await project.start(inYard("green"), { action: "drift" });

    expect(step).toEqual({ kind: "succeeded", outputs: { drifted: false, summary: "No drift." } });
  });
});

const secret = `
variable "db_password" {
  default   = "none"
  sensitive = true
}
resource "terraform_data" "secret" { input = var.db_password }
`;

const rules = `rules:
  - name: names
    when: resource.address == 'terraform_data.app'
    deny: resource.after.input != 'blue'
    message: "The name is \${resource.after.input}."
  - name: hidden
    when: resource.address == 'terraform_data.secret'
    deny: resource.after.input == 'hunter22-hunter22'
    message: A policy sees a secret.
  - name: dear
    when: plan.monthly_cost != null
    deny: plan.monthly_cost > 10
    message: "\${plan.monthly_cost} USD a month"
    level: warning
`;

describe.skipIf(!hasTerraform())("a run with policies", () => {
  let project: TestProject;
  let server: StateServer;
  const inYard = (name: string) =>
    aContext({
      stateBackendUrl: server.url,
      metadata: { name, db_password: "hunter22-hunter22" },
      records: createMemoryStore().records,
      sealer: createSealer([randomBytes(32)]),
    });
  const policies = { source: { type: "local" as const, location: "policies" } };
  const sealer = createSealer([randomBytes(32)]);
  const stateOf = () => JSON.parse([...server.states.values()][0] ?? "{}");

  beforeEach(async () => {
    server = await startStateServer();
    project = aProject({ "network/main.tf": main + secret, "policies/rules.yaml": rules });
  });
  afterEach(async () => {
    await server.close();
    project.remove();
  });

  it("applies what they allow, and nothing of what they deny", async () => {
    const denied = await project.start(inYard("green"), { policies });
    const planned = await project.start(inYard("green"), { action: "plan", policies });
    const states = server.states.size;
    const applied = await project.start(inYard("blue"), { policies });

    for (const step of [denied, planned]) {
      expect(step).toEqual({
        kind: "failed",
        code: "TERRAFORM_POLICY_DENIED",
        retryable: false,
        message: "The policies deny the plan:\nnames: The name is green.",
      });
    }
    expect(states).toBe(0);
    expect(applied).toMatchObject({ kind: "succeeded" });
  });

  it("only reports what they find where the task says so, with the estimate", async () => {
    project.write({
      "prices.yaml": `asOf: 2026-11-01\nprices: { terraform_data: "{'terraform_data.app': 0.02}[resource.address]" }`,
    });
    const ctx = inYard("green");
    const config = { action: "plan" as const, policies: { ...policies, onProblems: "report" as const } };

    const step = await project.start(ctx, config, { prices: "prices.yaml" });
    const dryRun = await project.executor({ prices: "prices.yaml" }).plan?.(ctx, {
      action: "apply",
      source: { type: "local", location: "network" },
    } as never);

    expect(step).toMatchObject({
      kind: "succeeded",
      outputs: {
        problems: "names: The name is green.\nwarning: dear: 14.6 USD a month",
        monthly_cost: 14.6,
        unpriced: 1,
        cost_source: "prices.yaml 2026-11-01",
      },
    });
    expect(ctx.lines).toContain("error: names: The name is green.");
    expect(ctx.lines).toContain("Without a price: terraform_data (1)");
    expect(dryRun?.cost).toEqual({ monthly: 14.6, currency: "USD", unpriced: 1, source: "prices.yaml 2026-11-01" });
  });

  it("denies what conftest does not allow, and falls back to prices without Infracost, saying why", async () => {
    project.write({
      "prices.yaml": `asOf: 2026-11-01\nprices: { terraform_data: "0.0" }`,
      "rego/main.rego": "package main",
    });
    const config = { policies: { source: { type: "local" as const, location: "rego" }, conftest: true } };

    const denied = await project.start(inYard("blue"), config);
    const planned = await project.start(
      inYard("blue"),
      { action: "plan", policies: { ...config.policies, onProblems: "report" } },
      { prices: "prices.yaml", cost: "infracost" },
    );

    const problem = "conftest cannot be evaluated: conftest is not in PATH";
    expect(denied).toMatchObject({ code: "TERRAFORM_POLICY_DENIED", message: expect.stringContaining(problem) });
    expect(planned).toMatchObject({
      outputs: { problems: problem, cost_source: "prices.yaml 2026-11-01 (INFRACOST_API_KEY is not set)" },
    });
  });

  it("fails without policies, or when the prices cannot be read", async () => {
    project.write({ "empty/readme.md": "" });

    const none = await project.start(inYard("blue"), { policies: { source: { type: "local", location: "empty" } } });
    const noPrices = await project.start(inYard("blue"), { policies }, { prices: "nowhere.yaml" });

    expect(none).toMatchObject({ code: "TERRAFORM_SOURCE_MISSING" });
    expect(noPrices).toMatchObject({ code: "TERRAFORM_PRICES_INVALID", retryable: false });
    expect(server.states.size).toBe(0);
  });

  it.each<[string, object]>([
    ["protected resources", { protect: ["aws_db_instance.*"] }],
    ["policies", { policies: { source: { type: "local", location: "remove" } } }],
  ])("destroys with %s also when the prices cannot be read", async (_, guard) => {
    const dear = '{ name: dear, when: plan.monthly_cost != null, deny: "true", message: Dear. }';
    project.write({ "remove/rules.yaml": `rules: [${dear}]`, "prices.yaml": "prices: [" });
    await project.start(inYard("blue"), {});
    const ctx = inYard("blue");

    const planned = await project.start(ctx, { action: "plan", destroy: true, ...guard }, { prices: "prices.yaml" });
    const destroyed = await project.start(ctx, { action: "destroy", ...guard }, { prices: "prices.yaml" });

    expect([planned, destroyed]).toMatchObject([{ outputs: { destroys: 2 } }, { kind: "succeeded" }]);
    expect(ctx.lines).toContainEqual(expect.stringMatching(/^No prices: prices.yaml:/));
  });

  describe("whose source cannot be read any more", () => {
    const local = (location: string) => ({ source: { type: "local" as const, location } });
    const keep = `rules: [{ name: keep, when: "resource.type == 'terraform_data'", deny: "'delete' in resource.actions", message: Keep it. }]`;
    const allow = `rules: [{ name: few, deny: plan.destroys > 9, message: Too many. }]`;
    const cannot = expect.stringMatching(/^The policies cannot be read\. TERRAFORM_SOURCE_MISSING: /);
    const checks = "▸ Checking with the policies that the yard has read last from this source";
    const remove = (name: string) => rmSync(join(project.dir, name), { recursive: true });
    let records: Records;
    const run = (more = {}) =>
      aContext({ stateBackendUrl: server.url, metadata: { name: "blue" }, records, sealer, ...more });

    beforeEach(() => {
      ({ records } = createMemoryStore());
    });

    it.each([
      ["is gone", () => remove("rules")],
      ["is empty", () => remove("rules/rules.yaml")],
    ])("lets a destroy go that they allowed when they were read last: it %s [argo-cd#21480]", async (_, lose) => {
      project.write({ "rules/rules.yaml": allow });
      await project.start(run(), { policies: local("rules") });
      lose();
      const ctx = run({ stackId: "pr-12" });

      const applied = await project.start(ctx, { policies: local("rules") });
      const destroyed = await project.start(ctx, { action: "destroy", policies: local("rules") });

      expect(applied).toMatchObject({ code: "TERRAFORM_SOURCE_MISSING" });
      expect(destroyed).toEqual({ kind: "succeeded", outputs: {} });
      expect(stateOf().resources).toEqual([]);
      expect(ctx.lines).toContainEqual(cannot);
      expect(ctx.lines).toContain(checks);
      expect(ctx.lines.join("\n")).not.toContain("configuration of the task cannot be used");
    });

    it("still stops what they denied, by the newest ones that any stack of the machine has read", async () => {
      const of = (name: string, at: number, more = {}) => run({ stackId: name, clock: { now: () => at }, ...more });
      project.write({ "rules/rules.yaml": allow });
      await project.start(of("pr-1", 10), { policies: local("rules") });
      project.write({ "rules/rules.yaml": keep });
      await project.start(of("pr-2", 30), { policies: local("rules") });
      // A worker that was frozen since it has read them.
      project.write({ "rules/rules.yaml": allow });
      await project.start(of("pr-3", 20), { policies: local("rules") });
      remove("rules");
      const ctx = of("pr-1", 40);

      const destroyed = await project.start(ctx, { action: "destroy", policies: local("rules") });
      const planned = await project.start(ctx, { action: "plan", destroy: true, policies: local("rules") });

      for (const step of [destroyed, planned]) {
        expect(step).toMatchObject({ code: "TERRAFORM_POLICY_DENIED", message: expect.stringContaining("Keep it.") });
      }
    });

    it("lets a saved plan to destroy everything go, and no other one", async () => {
      project.write({ "rules/rules.yaml": allow });
      await project.start(run(), {});
      const plan = async (destroy: boolean) => {
        const step = await project.start(run({ metadata: { name: "green" } }), { action: "plan", destroy });
        return step.kind === "succeeded" ? String(Object(step.outputs)["plan"]) : "";
      };
      const [change, destroy] = [await plan(false), await plan(true)];
      await project.start(run(), { action: "plan", policies: local("rules") });
      remove("rules");

      const changed = await project.start(run(), { plan: change, policies: local("rules") });
      const destroyed = await project.start(run(), { plan: destroy, policies: local("rules") });

      expect([changed, destroyed]).toMatchObject([{ code: "TERRAFORM_SOURCE_MISSING" }, { kind: "succeeded" }]);
      expect(stateOf().resources).toEqual([]);
    });

    it("says how to continue when the yard has kept none, and tries nothing else", async () => {
      await project.start(run(), {});
      const ctx = run();

      const stopped = await project.start(ctx, { action: "destroy", policies: local("nowhere") });
      const destroyed = await project.start(ctx, { action: "destroy" });

      expect(stopped).toMatchObject({
        code: "TERRAFORM_SOURCE_MISSING",
        message: expect.stringMatching(
          /^The policies cannot be read: .*\nThe yard has kept none from this source\. Make them readable, or remove "policies" from the task "network"\.$/,
        ),
      });
      expect(ctx.lines.join("\n")).not.toContain("cannot be used");
      expect(destroyed.kind).toBe("succeeded");
    });
  });
});

function failedWith(text: string) {
  return {
    kind: "failed",
    code: "TERRAFORM_PROTECTED",
    retryable: false,
    message: `Protected resources would be lost, so nothing was changed:\n${text}`,
  };
}
