import { setImmediate } from "node:timers/promises";
import { createSimYard, type SimYard } from "@stackyard/aws-sim";
import { silentLogger } from "@stackyard/core";
import { createStaticLocator, createUlids } from "@stackyard/core/engine";
import { runCommand } from "@stackyard/core/testing";
import { openJobs } from "@stackyard/sdk/commands";
import { createServer, type Server } from "@stackyard/server";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { createRunCommandExecutor } from "../run-command.ts";
import { createFleetCommands } from "./fleet-commands.ts";

const PLACE = { account: "111122223333", region: "eu-west-1" };
const SHELL = { document: "AWS-RunShellScript", parameter: ["commands=true"] };

let yard: SimYard;
let server: Server;
let url: string;

beforeEach(async () => {
  const executor = createRunCommandExecutor({}, { random: () => 0.5 });
  yard = createSimYard({ ...PLACE, executors: [executor] });
  const { store, clock } = yard;
  const deps = { store, clock, ids: createUlids(), logger: silentLogger, locator: createStaticLocator([]) };
  server = createServer(
    { ...deps, executors: new Map([["runcommand", executor]]), version: "0.0.0" },
    { port: 0, allowAnonymous: true, limits: { outcomeMs: 60_000 } },
  );
  ({ url } = await server.start());
});
afterEach(() => server.stop());

/** Instances with the tag and an agent, with a role. */
function addInstances(count: number, role: string, tag = "has_ssm_agent"): readonly string[] {
  return Array.from({ length: count }, () => {
    const tags = { [tag]: "true", Ansible_Roles: role };
    const instanceId = yard.sim.ec2.addInstance({ ...PLACE, tags, state: "running" });
    yard.sim.ssm.addAgent({ ...PLACE, instanceId, registersAt: 0, platformType: "Linux" });
    return instanceId;
  });
}

/** Runs a command while the yard's time passes. */
async function run(name: string, args: object = {}) {
  const commands = createFleetCommands((given) => ({ ...openJobs(given), pollMs: 5 }));
  let isOver = false;
  // Time does not continue for a command that has outlived its test.
  onTestFinished(() => {
    isOver = true;
  });
  const running = runCommand(commands, `fleet ${name}`, args, { server: { url } }).finally(() => {
    isOver = true;
  });
  while (!isOver) {
    await yard.advance(1_000);
    await setImmediate();
  }
  return running;
}

describe("the commands over the executor", () => {
  it("plan, run, and run again exactly what has failed", { tags: "adapter" }, async () => {
    const [web, db] = [addInstances(30, "webserver"), addInstances(5, "dbserver")];
    const failing = [...web.slice(0, 2), ...db.slice(0, 1)];
    for (const id of failing) yard.sim.ssm.script(id, { exitCode: 3, stderr: `No space left on ${id}` }, {});

    const planned = await run("plan", SHELL);
    const ran = await run("run", { ...SHELL, maxErrors: "2" });
    const { jobId: runId } = (ran.value as { job: { jobId: string } }).job;
    const retried = await run("retry", { run: runId });

    expect([planned.exitCode, planned.text]).toEqual([
      0,
      expect.stringContaining("35 instances, and nothing was sent yet."),
    ]);
    expect(ran.exitCode).toBe(2);
    expect(ran.text).toContain("3 of 35 instances failed.");
    expect(ran.text).toMatch(/COMMAND_FAILED +3 +3 +i-\w+: No space left on i-/);
    expect(ran.notes.filter((note) => failing.some((id) => note.startsWith(`${id} failed`)))).toHaveLength(3);
    expect(retried.notes).toContain(`Job ${runId}: again on 3 instances`);
    expect([retried.exitCode, retried.text]).toEqual([0, expect.stringContaining("All 35 instances succeeded.")]);
    expect(await yard.findViolations()).toEqual([]);
  });

  it.each([
    ["another tag", { tagKey: "Fleet" }],
    ["targets", { target: ["tag:Fleet=true"] }],
  ])("run again what has failed of a run by %s that counts as a success", async (_what, where) => {
    const [id = ""] = addInstances(2, "webserver", "Fleet");
    yard.sim.ssm.script(id, { exitCode: 3 }, {});
    const ran = await run("run", { ...SHELL, ...where, maxErrors: "1" });
    const { jobId: runId } = (ran.value as { job: { jobId: string } }).job;

    const retried = await run("retry", { run: runId });

    expect(ran.text).toContain("1 of 2 instances failed.");
    expect([retried.exitCode, retried.text]).toEqual([0, expect.stringContaining("The instance succeeded.")]);
    expect((retried.value as { job: { jobId: string } }).job.jobId).not.toBe(runId);
  });

  it("cancel what runs", async () => {
    const [id = ""] = addInstances(1, "webserver");
    yard.sim.ssm.script(id, { runsForMs: Number.POSITIVE_INFINITY });
    const { text: runId } = await run("run", { ...SHELL, detach: true });
    await yard.advance(10_000);

    const { exitCode, text } = await run("cancel", { run: runId });

    expect([exitCode, text]).toEqual([0, expect.stringContaining(`Job ${runId} was cancelled.`)]);
  });

  it("say why nothing was selected", async () => {
    const { exitCode, text } = await run("run", SHELL);

    expect([exitCode, text]).toEqual([1, expect.stringContaining("NO_INSTANCES")]);
  });
});
