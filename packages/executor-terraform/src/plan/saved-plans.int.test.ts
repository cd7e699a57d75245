import { randomBytes } from "node:crypto";
import { chmodSync, chownSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type Records, StackyardError, type Step } from "@stackyard/core";
import { createMemoryStore, systemClock } from "@stackyard/core/engine";
import { createSealer, type Sealer } from "@stackyard/core/services";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { claimFolder } from "../run/run-folder.ts";
import { aContext } from "../testing/a-context.ts";
import { aProject, type TestProject } from "../testing/a-project.ts";
import { hasTerraform } from "../testing/program.ts";
import { runnerEnvironment } from "../testing/runner-environment.ts";
import { type StateServer, startStateServer } from "../testing/state-server.ts";

const main = `
variable "name" { default = "none" }
variable "db_password" {
  default   = "none"
  sensitive = true
}
resource "terraform_data" "app" {
  input            = var.name
  triggers_replace = [var.name]
}
resource "terraform_data" "secret" { input = var.db_password }
output "name" { value = terraform_data.app.output }
`;

const resourcesOf = (state = "{}") => JSON.parse(state).resources;

const secrets = { db_password: "hunter22-hunter22" };

describe.skipIf(!hasTerraform())("a saved plan", () => {
  let project: TestProject;
  let server: StateServer;
  let records: Records;
  let sealer: Sealer;
  const inYard = (given = {}) => {
    return aContext({ stateBackendUrl: server.url, records, sealer, metadata: { ...secrets, name: "blue" }, ...given });
  };
  const outputsOf = (step: Step) => (step.kind === "succeeded" ? (step.outputs as Record<string, unknown>) : step);
  const makePlan = async (given = {}, config = {}) => {
    const outputs = outputsOf(await project.start(inYard(given), { action: "plan", ...config }));
    if ("plan" in outputs && typeof outputs.plan === "string") return outputs.plan;
    throw new Error(JSON.stringify(outputs));
  };

  beforeEach(async () => {
    server = await startStateServer();
    project = aProject({ "network/main.tf": main });
    records = createMemoryStore().records;
    sealer = createSealer([randomBytes(32)]);
  });
  afterEach(async () => {
    await server.close();
    project.remove();
  });

  it("counts and names checks that do not hold (terraform#33174)", async () => {
    const checked = `
resource "terraform_data" "app" { input = "blue" }
check "health" {
  assert {
    condition     = terraform_data.app.input == "green"
    error_message = "The app is not green."
  }
}
check "fine" {
  assert {
    condition     = terraform_data.app.input == "blue"
    error_message = "The app is not blue."
  }
}
`;
    project.write({ "network/main.tf": checked });
    await project.start(inYard(), { action: "apply" });

    const planned = await project.start(inYard(), { action: "plan" });

    expect(outputsOf(planned)).toMatchObject({
      unchanged: true,
      failed_checks: 1,
      problems: "check health: The app is not green.",
    });
  });

  it("changes nothing when it would only add the yard's tags to what others have made (terraform-provider-aws#38829)", async () => {
    const wrapper = join(project.dir, "tagging");
    // As a provider that adds the tags of the environment to what it makes.
    writeFileSync(
      wrapper,
      [
        `#!${process.execPath}`,
        'const { spawnSync } = require("node:child_process");',
        "const [command] = process.argv.slice(2);",
        'const isTagging = command === "plan" && Object.keys(process.env).some((name) => name.startsWith("TF_AWS_DEFAULT_TAGS_"));',
        'const env = isTagging ? { ...process.env, TF_VAR_tags: "all" } : process.env;',
        'process.exit(spawnSync("terraform", process.argv.slice(2), { stdio: "inherit", env }).status ?? 1);',
      ].join("\n"),
      { mode: 0o755 },
    );
    const tagged = `variable "tags" { default = "none" }\nresource "terraform_data" "app" { input = var.tags }\n`;
    project.write({ "network/main.tf": tagged });
    await project.start(inYard(), { action: "apply" });
    // Others have made it: this yard has not.
    records = createMemoryStore().records;

    const adopted = await project.start(inYard(), { action: "plan" }, { binary: wrapper });
    await project.start(inYard(), { action: "apply" });
    const later = await project.start(inYard(), { action: "plan" }, { binary: wrapper });

    expect(outputsOf(adopted)).toMatchObject({
      unchanged: true,
      changes: 1,
      summary: "Nothing would change but Stackyard's tags.",
    });
    expect(outputsOf(later)).toMatchObject({ unchanged: false, changes: 1 });
  });

  it("returns what it would change, and changes nothing", async () => {
    const ctx = inYard();

    const step = await project.start(ctx, { action: "plan" });

    expect(outputsOf(step)).toEqual({
      plan: expect.stringMatching(/^[0-9a-f]{32}$/),
      adds: 2,
      changes: 0,
      destroys: 0,
      forgets: 0,
      vanished: 0,
      failed_checks: 0,
      replacements: 0,
      imports: 0,
      moves: 0,
      unchanged: false,
      summary: "Plan: 2 to add, 0 to change, 0 to destroy.",
      resources: "adds terraform_data.app\nadds terraform_data.secret",
      problems: "",
    });
    expect(ctx.lines).toContain("terraform_data.app: to create");
    expect(ctx.lines.filter((line) => line.startsWith("Plan: "))).toEqual([
      "Plan: 2 to add, 0 to change, 0 to destroy.",
    ]);
    expect(server.states.size).toBe(0);
    expect(server.locks.size).toBe(0);
  });

  it("is applied as it was made, whatever the metadata is by then", async () => {
    const plan = await makePlan();

    const applied = await project.start(inYard({ metadata: { name: "green" } }), { plan });

    expect(applied).toEqual({ kind: "succeeded", outputs: { name: "blue" } });
  });

  it("counts a replacement as an addition and a deletion too", async () => {
    await project.start(inYard(), {});

    const step = await project.start(inYard({ metadata: { ...secrets, name: "green" } }), {
      action: "plan",
      protect: ["terraform_data.app"],
    });

    expect(outputsOf(step)).toMatchObject({
      adds: 1,
      destroys: 1,
      replacements: 1,
      summary: "Plan: 1 to add, 0 to change, 1 to destroy (1 replaced).",
      problems: "terraform_data.app is protected and would be replaced.",
    });
  });

  it("names the attributes that differ, and no value of a sensitive one", async () => {
    await project.start(inYard(), {});
    const changed = { db_password: "other33-other33", name: "blue" };
    const ctx = inYard({ metadata: changed });

    await project.start(ctx, { action: "plan" });

    expect(ctx.lines).toContain("terraform_data.secret: to update");
    expect(ctx.lines).toContain("Attributes that would change:\nterraform_data.secret: input");
    expect(ctx.lines.join("\n")).not.toMatch(/hunter22|other33/);
  });

  it("of a destroy removes everything, and of nothing says so", async () => {
    await project.start(inYard(), {});
    const nothing = await project.start(inYard(), { action: "plan" });
    const plan = await makePlan({}, { destroy: true });

    const applied = await project.start(inYard(), { plan });

    expect(outputsOf(nothing)).toMatchObject({ unchanged: true, adds: 0, summary: "Nothing would change." });
    expect(applied).toEqual({ kind: "succeeded", outputs: {} });
    expect(JSON.parse([...server.states.values()][0] ?? "").resources).toEqual([]);
  });

  it("in which nothing changes is applied too (atlantis#4273)", async () => {
    await project.start(inYard(), {});
    const [before] = server.states.values();
    const plan = await makePlan();

    const applied = await project.start(inYard(), { plan });

    expect(applied).toEqual({ kind: "succeeded", outputs: { name: "blue" } });
    expect(resourcesOf([...server.states.values()][0])).toEqual(resourcesOf(before));
  });

  it("is not applied to another state than it was made for, by whichever writer (atlantis#2278)", async () => {
    await project.start(inYard(), {});
    const [[key = "", before = ""] = []] = server.states;
    const plan = await makePlan({ metadata: { ...secrets, name: "green" } });
    const other = JSON.stringify({ ...JSON.parse(before), lineage: "0b4ef2c4-0a3c-4d1b-9f3c-4a5a3c1d2e4f" });
    server.states.set(key, other);

    const step = await project.start(inYard(), { plan });

    expect(step).toMatchObject({ kind: "failed", code: "TERRAFORM_PLAN_STALE", retryable: false });
    expect(server.states.get(key)).toBe(other);
  });

  it("is not applied twice", async () => {
    const plan = await makePlan();
    await project.start(inYard(), { plan });

    const again = await project.start(inYard({ attempt: { id: "pr-12/e1/3/network/1", number: 1, token: 8 } }), {
      plan,
    });

    expect(again).toMatchObject({
      kind: "failed",
      code: "TERRAFORM_PLAN_STALE",
      retryable: false,
      message: `The plan ${plan} cannot be applied: it was applied by the attempt pr-12/e1/2/network/1. Plan again.`,
    });
    const left = await records.list("terraform-plan/data/", { limit: 10, now: 0 });
    expect(left.items).toEqual([]);
  });

  it("is stale after an apply that ended in the middle, and says no other attempt may help", async () => {
    project.write({
      "network/main.tf": `resource "terraform_data" "app" {
        provisioner "local-exec" { command = "exit 3" }
      }`,
    });
    const plan = await makePlan();

    const failed = await project.start(inYard(), { plan });
    const again = await project.start(inYard(), { plan });

    expect(failed).toMatchObject({ kind: "failed", code: "TERRAFORM_APPLY_FAILED", retryable: false });
    expect(again).toMatchObject({ kind: "failed", code: "TERRAFORM_PLAN_STALE" });
  });

  it("can still be applied when another run had the lock of the state", async () => {
    const plan = await makePlan();
    server.locks.set("/state/review-app/pr-12/local/network", '{"ID":"1","Who":"someone"}');
    const locked = await project.start(inYard(), { plan }, { lockTimeout: "0s" });
    server.locks.clear();

    const applied = await project.start(inYard(), { plan });

    expect(locked).toMatchObject({ kind: "failed", code: "TERRAFORM_STATE_LOCKED", retryable: true });
    expect(applied).toMatchObject({ kind: "succeeded" });
  });

  it("is checked again by the policies of its apply, and may be applied when they allow it [digger#753, atlantis#2483]", async () => {
    const rules = (names: string) =>
      `rules: [{ name: names, when: "resource.address == 'terraform_data.app'", deny: "resource.after.input != '${names}'", message: No. }]`;
    const policies = { source: { type: "local" as const, location: "policies" } };
    project.write({ "policies/rules.yaml": rules("green") });
    const plan = await makePlan();

    const denied = await project.start(inYard(), { plan, policies });
    const states = server.states.size;
    project.write({ "policies/rules.yaml": rules("blue") });
    const applied = await project.start(inYard(), { plan, policies });

    expect(denied).toMatchObject({ code: "TERRAFORM_POLICY_DENIED" });
    expect(states).toBe(0);
    expect(applied).toMatchObject({ kind: "succeeded", outputs: { name: "blue" } });
  });

  it("fails, for good, where the world has changed since it was made [digger#1658]", async () => {
    project.write({
      tagged: "",
      "network/main.tf": `resource "terraform_data" "tag" {
  provisioner "local-exec" { command = "test -f ${project.dir}/tagged" }
}`,
    });
    const plan = await makePlan();
    rmSync(join(project.dir, "tagged"));

    const failed = await project.start(inYard(), { plan });
    const again = await project.start(inYard(), { plan });

    expect(failed).toMatchObject({ kind: "failed", code: "TERRAFORM_APPLY_FAILED", retryable: false });
    expect(again).toMatchObject({ code: "TERRAFORM_PLAN_STALE" });
  });

  it("is stale when the state has changed", async () => {
    const plan = await makePlan();
    await project.start(inYard({ metadata: { ...secrets, name: "green" } }), {});

    const step = await project.start(inYard(), { plan });

    expect(step).toMatchObject({
      kind: "failed",
      code: "TERRAFORM_PLAN_STALE",
      retryable: false,
      message: expect.stringContaining("the state was changed by another operation after the plan was created"),
    });
  });

  it.each([
    ["stack", { stackId: "pr-13" }, 'the stack was "pr-12" and is "pr-13"'],
    [
      "incarnation",
      { attempt: { id: "pr-12/e9/2/network/1", number: 1, token: 7 } },
      'the incarnation of the stack was "e1" and is "e9"',
    ],
    [
      "target",
      {
        target: { account: "111122223333", region: "eu-central-1", partition: "aws" },
        credentials: async () => ({ accessKeyId: "a", secretAccessKey: "b" }),
      },
      'the target was unknown and is "111122223333 eu-central-1"',
    ],
  ])("is bound to its %s", async (_name, given, message) => {
    const plan = await makePlan();

    const step = await project.start(inYard(given), { plan });

    expect(step).toMatchObject({ code: "TERRAFORM_PLAN_STALE", message: expect.stringContaining(message) });
  });

  it("is bound to the tags of its yard (terraform-provider-aws#19583, #43448)", async () => {
    const plan = await makePlan();

    const renamed = project.executor({}, { environment: { ...runnerEnvironment(), YARD_NAME: "north" } });
    const step = await renamed.start(inYard(), {
      action: "apply",
      source: { type: "local", location: "network" },
      plan,
    } as never);

    expect(step).toMatchObject({
      code: "TERRAFORM_PLAN_STALE",
      message: expect.stringContaining("the digest of the yard's tags was"),
    });
  });

  describe("of a configuration that contains paths [terraform#7613, #8204]", () => {
    const paths = `
      resource "terraform_data" "cwd" { triggers_replace = path.cwd }
      resource "terraform_data" "file" { input = abspath("\${path.module}/lambda.zip") }
      output "cwd" { value = terraform_data.cwd.triggers_replace }
      output "file" { value = terraform_data.file.output }
      output "id" { value = terraform_data.cwd.id }
    `;
    const elsewhere = { workDir: "elsewhere/below" };
    const folderOf = async () => {
      const { cwd } = outputsOf(await project.start(inYard(), {})) as { cwd: string };
      return dirname(cwd);
    };
    const refusal = (reason: string) => ({
      kind: "failed",
      code: "TERRAFORM_PLAN_STALE",
      message: expect.stringMatching(new RegExp(`${reason}.*the same "workDir"`)),
    });
    beforeEach(() => project.write({ "network/main.tf": paths }));

    it("is applied in the folder in which it was made, on a runner with another workDir", async () => {
      const applied = outputsOf(await project.start(inYard(), {})) as Record<string, string>;
      project.write({ "network/main.tf": `${paths}\nresource "terraform_data" "more" {}` });
      const plan = await makePlan();
      rmSync(project.workDir, { recursive: true });
      const ctx = inYard();

      const again = outputsOf(await project.start(ctx, { plan }, elsewhere));

      expect(again).toEqual(applied);
      expect(applied["cwd"]).toContain(project.workDir);
      expect(applied["file"]).toBe(`${applied["cwd"]}/lambda.zip`);
      expect(ctx.lines.join("\n")).toContain("1 added, 0 changed, 0 destroyed");
      expect(readdirSync(project.workDir)).toEqual([]);
    });

    it("of a configuration in a part of its source too", async () => {
      project.write({ "all/app/main.tf": paths });
      const source = { type: "local", location: "all//app" } as const;
      const plan = await makePlan({}, { source });

      const step = await project.start(inYard(), { plan, source }, elsewhere);

      expect(step).toMatchObject({ kind: "succeeded", outputs: { cwd: expect.stringMatching(/\/module\/app$/) } });
    });

    it("is refused where another user could replace the folder", async () => {
      const folder = await folderOf();
      const plan = await makePlan();
      const apply = () => project.start(inYard(), { plan }, elsewhere);
      const other = join(project.dir, "other");
      mkdirSync(other);

      rmSync(project.workDir, { recursive: true });
      symlinkSync(other, project.workDir);
      expect(await apply()).toMatchObject(refusal("is not a folder"));
      rmSync(project.workDir);

      writeFileSync(project.workDir, "");
      expect(await apply()).toMatchObject(refusal("is not a folder"));
      rmSync(project.workDir);

      mkdirSync(project.workDir);
      chmodSync(project.workDir, 0o777);
      expect(await apply()).toMatchObject(refusal("other users can change the folder"));
      chmodSync(project.workDir, 0o700);

      symlinkSync(other, dirname(folder));
      expect(await apply()).toMatchObject(refusal("is not a folder of this user"));
      rmSync(dirname(folder));

      mkdirSync(dirname(folder));
      symlinkSync(other, folder);
      expect(await apply()).toMatchObject(refusal("is not a folder of this user"));
      rmSync(folder);

      expect(readdirSync(other)).toEqual([]);
      expect(await apply()).toMatchObject({ kind: "succeeded" });
    });

    it.skipIf(process.getuid?.() !== 0)("is refused in a folder of another user", async () => {
      const folder = await folderOf();
      const plan = await makePlan();
      for (const owned of [project.workDir, dirname(folder), folder]) {
        mkdirSync(owned, { recursive: true });
        chownSync(owned, 12_345, 12_345);
        expect(await project.start(inYard(), { plan }, elsewhere)).toMatchObject(refusal("(other users|of this user)"));
        chownSync(owned, 0, 0);
      }
      rmSync(folder, { recursive: true });

      expect(await project.start(inYard(), { plan }, elsewhere)).toMatchObject({ kind: "succeeded" });
    });

    it("waits its turn, and may be applied later, while another run has the folder", async () => {
      const folder = await folderOf();
      const plan = await makePlan();
      const held = await claimFolder(project.workDir, basename(folder), {
        signal: new AbortController().signal,
        clock: systemClock,
      });
      const aborted = AbortSignal.abort();

      const busy = await project.start(inYard({ signal: aborted }), { plan }, elsewhere);
      await held.remove();

      expect(held.path).toBe(folder);
      expect(busy).toMatchObject({ code: "TERRAFORM_STATE_LOCKED", retryable: true });
      expect(await project.start(inYard(), { plan }, elsewhere)).toMatchObject({ kind: "succeeded" });
    });
  });

  it("is bound to the files of its source, and to its state", async () => {
    const plan = await makePlan();
    project.write({ "other/main.tf": main });
    const elsewhere = await project.start(inYard(), { plan, source: { type: "local", location: "other" } });
    project.write({ "network/more.tf": "# a comment" });

    const changed = await project.start(inYard(), { plan });

    expect(elsewhere).toMatchObject({
      code: "TERRAFORM_PLAN_STALE",
      message: expect.stringContaining(
        'the state was "review-app/pr-12/local/network" and is "review-app/pr-12/local/other"',
      ),
    });
    expect(changed).toMatchObject({
      code: "TERRAFORM_PLAN_STALE",
      message: expect.stringMatching(/the digest of the source was "[0-9a-f]{64}" and is "[0-9a-f]{64}"/),
    });
  });

  it("is stale when it does not exist, has expired, or its key is missing", async () => {
    const plan = await makePlan();
    const unknown = await project.start(inYard(), { plan: "0".repeat(32) });
    const otherKey = await project.start(inYard({ sealer: createSealer([randomBytes(32)]) }), { plan });
    const noKey = await project.start(inYard({ sealer: undefined }), { plan });
    const clock = { now: () => Date.now() + 8 * 24 * 3_600_000, sleep: async () => {} };

    const expired = await project.start(inYard({ clock }), { plan });

    for (const step of [unknown, expired]) {
      expect(step).toMatchObject({
        code: "TERRAFORM_PLAN_STALE",
        message: expect.stringContaining("it does not exist, or was made more than 7 days ago"),
      });
    }
    for (const step of [otherKey, noKey]) {
      expect(step).toMatchObject({ code: "TERRAFORM_PLAN_STALE", message: expect.stringContaining("the key") });
    }
  });

  it("needs a store and a key to be made, and nothing is planned without", async () => {
    const noKey = await project.start(inYard({ sealer: undefined }), { action: "plan" });
    const refuse = async () => {
      throw new StackyardError("CONFIG_INVALID", "This runner has no store.");
    };
    const noRecords = { get: refuse, put: refuse, remove: refuse, list: refuse };
    const noStore = await project.start(inYard({ records: noRecords }), { action: "plan" });

    for (const step of [noKey, noStore]) {
      expect(step).toMatchObject({ kind: "failed", code: "TERRAFORM_NEEDS_STORE", retryable: false });
    }
  });

  it("shows no secret anywhere", async () => {
    const ctx = inYard();
    const step = await project.start(ctx, { action: "plan" });
    const stored = await records.list("", { limit: 100, now: 0 });

    const texts = stored.items.map(({ value }) => JSON.stringify(value));
    const decoded = stored.items.map(({ value }) => Buffer.from(String((value as { data?: string }).data), "base64"));
    const everything = [
      JSON.stringify(step),
      ...ctx.lines,
      ...texts,
      ...decoded.map((bytes) => bytes.toString("latin1")),
    ];
    expect(stored.items.length).toBe(2);
    expect(everything.join("\n")).not.toContain("hunter22");
  });

  it("is what a dry run of its apply describes", async () => {
    const plan = await makePlan();

    const described = await project.plan(inYard(), { plan });

    expect(described).toMatchObject({ summary: "Plan: 2 to add, 0 to change, 0 to destroy.", details: { adds: 2 } });
  });
});
