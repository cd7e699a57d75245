import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { createMemoryStore } from "@stackyard/core/engine";
import { listUnsavedRuns, putUnsavedRun, type UnsavedRun } from "@stackyard/core/services";
import { listNotices } from "@stackyard/core/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { toInventoryKey } from "../state/inventory.ts";
import { aContext } from "../testing/a-context.ts";
import { aFolder, type TestFolder } from "../testing/a-folder.ts";
import { aProject, type TestProject } from "../testing/a-project.ts";
import { hasTerraform } from "../testing/program.ts";
import { type StateServer, startStateServer } from "../testing/state-server.ts";
import { recoverRun } from "./recorded-run.ts";

const STATE = "review-app/pr-12/local/network";
const RESOURCES = (count: number) => `
resource "terraform_data" "vm" {
  count = ${count}
  input = count.index
}
output "ids" { value = terraform_data.vm[*].id }
`;

describe.skipIf(!hasTerraform())("a run whose state is not saved", () => {
  let project: TestProject;
  let server: StateServer;
  let records: ReturnType<typeof createMemoryStore>["records"];
  let attempts = 0;
  const aRun = () => {
    attempts += 1;
    const attempt = { id: `pr-12/e1/${attempts}/network/1`, number: 1, token: 7 };
    return aContext({ stateBackendUrl: server.url, records, attempt });
  };
  const listRuns = async () => {
    const found: UnsavedRun[] = [];
    for await (const run of listUnsavedRuns({ records, clock: { now: Date.now } })) found.push(run);
    return found;
  };

  beforeEach(async () => {
    server = await startStateServer();
    ({ records } = createMemoryStore());
    project = aProject({ "network/main.tf": RESOURCES(1) });
  });
  afterEach(async () => {
    await server.close();
    project.remove();
  });

  it("is recorded with what it has created, and keeps others from beginning [terranetes#1380, otf#527]", async () => {
    await project.start(aRun(), {});
    const before = await listRuns();
    project.write({ "network/main.tf": RESOURCES(2) });
    server.broken = true;
    const failed = await project.start(aRun(), {});
    server.broken = false;

    const next = await Promise.all(
      (["apply", "plan", "drift", "destroy"] as const).map((action) => project.start(aRun(), { action })),
    );
    const dryRun = await project.plan(aRun(), {}).catch((error: unknown) => error);
    const [run, ...more] = await listRuns();
    const notices = await listNotices(records);

    expect([before, more]).toEqual([[], []]);
    const file = join(
      project.dataDir,
      "terraform-rescued",
      readdirSync(join(project.dataDir, "terraform-rescued"))[0] ?? "",
    );
    const kept = JSON.parse(readFileSync(file, "utf8")).resources[0].instances;
    expect(run).toMatchObject({
      state: STATE,
      stack: "pr-12",
      action: "apply",
      host: hostname(),
      left: {
        file,
        count: 2,
        resources: [0, 1].map((index) => ({
          address: `terraform_data.vm[${index}]`,
          id: kept[index].attributes.id,
        })),
        content: { bytes: readFileSync(file).byteLength },
      },
    });
    for (const step of [failed, ...next]) {
      expect(step).toMatchObject({
        code: "TERRAFORM_STATE_NOT_SAVED",
        retryable: false,
        message: expect.stringContaining(`terraform_data.vm[1] (${kept[1].attributes.id})`),
      });
    }
    expect(dryRun).toMatchObject({ details: { code: "TERRAFORM_STATE_NOT_SAVED" } });
    expect(notices).toMatchObject([{ kind: "unsaved-run", stackId: "pr-12", data: { state: STATE, count: 2 } }]);
  });

  it("says why it has failed, too [terraform#28708]", async () => {
    project.write({
      "network/main.tf": `${RESOURCES(1)}resource "terraform_data" "bad" {
        provisioner "local-exec" { command = "exit 7" }
      }`,
    });
    server.broken = true;

    const step = await project.start(aRun(), {});

    expect(step).toMatchObject({
      code: "TERRAFORM_STATE_NOT_SAVED",
      message: expect.stringContaining("exit status 7"),
    });
    expect(step).toMatchObject({ message: expect.stringMatching(/^The apply of .*\n\n.*[\s\S]*Failed to save state/) });
  });

  it("of a backend of its own is recorded without the content of the state [terraform#14298]", async () => {
    const address = server.url.replace("/state", "/other/pr-12");
    project.write({ "network/backend.tf": `terraform {\n backend "http" { address = "${address}" }\n}` });
    server.broken = true;
    const failed = await project.start(aRun(), {});
    server.broken = false;

    const next = await project.start(aRun(), { action: "destroy" });

    const [run] = await listRuns();
    expect(run).toMatchObject({ place: `http address=${address}`, left: { count: 1 } });
    expect([run?.base, run?.left?.content]).toEqual([undefined, undefined]);
    for (const step of [failed, next]) {
      expect(step).toMatchObject({
        code: "TERRAFORM_STATE_NOT_SAVED",
        message: expect.stringContaining(`run \`terraform state push ${run?.left?.file}\` there in the configuration`),
      });
    }
  });

  it("does not keep others from beginning once it was pushed, and its record ends with the next one", async () => {
    server.broken = true;
    await project.start(aRun(), {});
    server.broken = false;
    const [run] = await listRuns();
    const [file = ""] = readdirSync(join(project.dataDir, "terraform-rescued"));
    const state = readFileSync(join(project.dataDir, "terraform-rescued", file), "utf8");

    // As an operator does it.
    server.states.set("/state/review-app/pr-12/local/network", state);
    await putUnsavedRun(
      { records, clock: { now: Date.now } },
      { ...(run as UnsavedRun), pushed: { at: 1, by: "ada" } },
    );
    const step = await project.start(aRun(), {});

    expect(step).toMatchObject({
      kind: "succeeded",
      outputs: { ids: JSON.stringify([JSON.parse(state).resources[0].instances[0].attributes.id]) },
    });
    expect(await listRuns()).toEqual([]);
  });

  it("is recorded when its program is killed in the middle of a creation, and the next one says so [terraform#14487, #24276]", async () => {
    project.write({
      "network/main.tf": `
        resource "terraform_data" "first" {}
        resource "terraform_data" "slow" {
          depends_on = [terraform_data.first]
          provisioner "local-exec" { command = "test -e ${project.dir}/again || (touch ${project.dir}/again; kill -9 $PPID)" }
        }`,
    });

    const killed = await project.start(aRun(), {});
    const [run] = await listRuns();
    // It ends with its lease.
    server.locks.clear();
    const next = aRun();
    const again = await project.start(next, {});

    expect(killed).toMatchObject({ code: "TERRAFORM_APPLY_FAILED" });
    expect(run?.left?.resources).toEqual([
      { address: "terraform_data.first", id: expect.stringMatching(/^[0-9a-f-]{36}$/) },
      { address: "terraform_data.slow" },
    ]);
    expect(again.kind).toBe("succeeded");
    expect(next.lines).toContainEqual(
      expect.stringMatching(/has not saved terraform_data\.first \(.*\), terraform_data\.slow\./),
    );
    // Only a person knows whether they exist.
    expect(await listRuns()).toEqual([run]);
  });

  it("is found on its host when its record could not be completed, as when the store was away", async () => {
    server.broken = true;
    await project.start(aRun(), {});
    server.broken = false;
    const { left: _, ...run } = (await listRuns())[0] as UnsavedRun;
    await putUnsavedRun({ records, clock: { now: Date.now } }, run);

    const step = await project.start(aRun(), {});

    expect(step).toMatchObject({ code: "TERRAFORM_STATE_NOT_SAVED" });
    expect((await listRuns())[0]?.left).toMatchObject({ count: 1 });
  });

  it("leaves no record when its program was not started, or did nothing", async () => {
    server.locks.set("/state/review-app/pr-12/local/network", JSON.stringify({ ID: "1" }));
    await project.start(aRun(), {}, { lockTimeout: "0s" });
    server.locks.clear();
    const late = aContext({ stateBackendUrl: server.url, records, signal: AbortSignal.abort("cancel") });
    await project.start(late, {});

    expect(await listRuns()).toEqual([]);
  });

  it("never replaces what a later run knows of the state [claudie#1286]", async () => {
    const first = aRun();
    const isFrozen = Promise.withResolvers<void>();
    const goesOn = Promise.withResolvers<void>();
    const put = records.put.bind(records);
    // Frozen between the apply and the inventory of it.
    const frozen = {
      ...records,
      async put(input: Parameters<typeof put>[0]) {
        if (input.key === toInventoryKey(STATE)) {
          isFrozen.resolve();
          await goesOn.promise;
        }
        return put(input);
      },
    };
    const old = project.start(aContext({ stateBackendUrl: server.url, records: frozen, attempt: first.attempt }), {});
    await isFrozen.promise;
    project.write({ "network/main.tf": RESOURCES(3) });
    await project.start(aRun(), {}, { workDir: join(project.dir, ".stackyard/other") });

    goesOn.resolve();
    await old;

    expect((await records.get(toInventoryKey(STATE), 0))?.value).toMatchObject({ count: 3, sequence: 2 });
  });
});

describe("the folder of a killed runner", () => {
  let folder: TestFolder;
  let records: ReturnType<typeof createMemoryStore>["records"];
  const clock = { now: () => 1, sleep: async () => undefined };
  const run: UnsavedRun = {
    state: STATE,
    stack: "pr-12",
    machine: "review-app",
    attempt: "pr-12/e1/1/network/1",
    token: 7,
    action: "apply",
    host: "runner-1",
    at: 1,
    sequence: 1,
    base: 0,
  };
  const line = (type: string, hook: object) => JSON.stringify({ type, hook: { action: "create", ...hook } });
  const began = (addr: string) => line("apply_start", { resource: { addr } });
  const made = (addr: string, id_value: string) =>
    line("apply_complete", { resource: { addr }, id_key: "id", id_value });
  const failed = (addr: string) => line("apply_errored", { resource: { addr } });
  const done = JSON.stringify({ type: "change_summary", changes: { operation: "apply" } });
  const recover = () =>
    recoverRun(
      { ctx: { records, clock, report: () => undefined }, settings: { rescueDir: join(folder.path, "rescued") } },
      join(folder.path, "run"),
    );
  const find = async () => {
    for await (const found of listUnsavedRuns({ records, clock })) return found;
    return undefined;
  };

  beforeEach(async () => {
    folder = aFolder({ "run/run.json": JSON.stringify({ run, module: "module/app" }) });
    mkdirSync(join(folder.path, "run/module/app"), { recursive: true });
    ({ records } = createMemoryStore());
    await putUnsavedRun({ records, clock }, run);
  });
  afterEach(() => folder.remove());

  it("has the state that its program could not save, which is kept", async () => {
    const instance = { attributes: { id: "i-1", arn: "arn:aws:ec2:x" } };
    const resources = [{ mode: "managed", type: "aws_instance", name: "a", instances: [instance] }];
    const state = JSON.stringify({ version: 4, serial: 3, lineage: "l", resources });
    writeFileSync(join(folder.path, "run/module/app/errored.tfstate"), state);

    await recover();

    const { left } = (await find()) ?? {};
    expect(left).toMatchObject({
      serial: 3,
      count: 1,
      resources: [{ address: "aws_instance.a", arn: "arn:aws:ec2:x", id: "i-1" }],
    });
    expect(readFileSync(left?.file ?? "", "utf8")).toBe(state);
  });

  it.each<[string, readonly string[], readonly object[] | undefined]>([
    ["nothing, when its program did not begin", [], undefined],
    ["nothing, when its program has ended and saved", [began("a.b"), made("a.b", "1"), done], undefined],
    ["nothing, when what it was creating has failed", [began("a.b"), failed("a.b")], undefined],
    [
      "what it created last",
      [began("a.b"), made("a.b", "1"), began("a.c")],
      [{ address: "a.b", id: "1" }, { address: "a.c" }],
    ],
  ])("has left %s", async (_, lines, resources) => {
    writeFileSync(join(folder.path, "run/apply.out"), `${lines.join("\n")}\n{"type":"apply_st`);

    await recover();

    expect((await find())?.left?.resources).toEqual(resources);
  });

  it("is not a reason to change the record of a run that is complete", async () => {
    const complete = { ...run, left: { count: 0, resources: [] } };
    await putUnsavedRun({ records, clock }, complete);

    await recover();

    expect(await find()).toEqual(complete);
    expect(existsSync(join(folder.path, "rescued"))).toBe(false);
  });
});
