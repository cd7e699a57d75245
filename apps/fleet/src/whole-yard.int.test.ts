import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRunCommandExecutor } from "@stackyard/executor-runcommand";
import { createStateManager, createTaskRunner } from "@stackyard/runtime";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createFleetApp } from "./create-fleet-app.ts";
import { type Account, BUCKET, PLACE, startAccount } from "./testing/start-account.ts";

const SCHEDULE = { source: "aws.events", "detail-type": "Scheduled Event" };
const KEY = "garlc/MyApp/1.zip";
const context = { getRemainingTimeInMillis: () => 120_000 };

describe("the functions of a yard with a fleet, over HTTP", () => {
  const machines = mkdtempSync(join(tmpdir(), "fleet-machines-"));
  let account: Account;
  let functions: ReturnType<typeof createFunctions>;

  function createFunctions({ environment, old }: Account) {
    const manager = { ...old, MACHINE_LOCATOR: "LOCAL_FS", MACHINE_SPEC_DIR: machines, EXECUTORS: "runcommand" };
    return {
      manager: createStateManager({ environment: { ...environment, ...manager } }).handler,
      runner: createTaskRunner({ environment, executors: [createRunCommandExecutor()] }).handler,
      fleet: createFleetApp({ environment }).handler,
    };
  }

  /** Plays the part of Lambda: the schedule, then functions with the messages in their queues until the queues are empty. */
  async function settle(): Promise<void> {
    await functions.manager(SCHEDULE, context);
    for (let count = 1; count > 0; ) {
      count = (await account.work("events", functions.manager)) + (await account.work("tasks", functions.runner));
    }
  }

  beforeAll(async () => {
    account = await startAccount();
    functions = createFunctions(account);
    await account.writeArtifact(KEY, "a playbook");
    // Creates the work table.
    await functions.manager(SCHEDULE, context);
    account.sim.ssm.script("*", { deliveredAfterMs: 50, runsForMs: 50, stdout: "ok" });
  });
  afterAll(async () => {
    await account.stop();
    rmSync(machines, { recursive: true });
  });

  it("configure a fleet for a pipeline, by a run of the yard", { tags: "app" }, async () => {
    const { sim } = account;
    const tags = { has_ssm_agent: "true", Ansible_Roles: "web" };
    const first = sim.ec2.addInstance({ ...PLACE, tags });
    sim.ssm.addAgent({ ...PLACE, instanceId: first });
    const { jobId, event } = sim.codePipeline.startAction({
      ...PLACE,
      userParameters: JSON.stringify({ profile: "garlc-1" }),
      inputArtifacts: [{ name: "MyApp", bucket: BUCKET, key: KEY }],
    });

    expect(await functions.fleet(event, context)).toMatchObject({ kind: "job", result: "progress" });
    const last = await vi.waitFor(
      async () => {
        // A message of a task that is polled later is hidden for a while, so an empty queue does not prove the end.
        await settle();
        const answer = await functions.fleet(sim.codePipeline.continueAction(jobId)?.event, context);
        expect(answer).not.toMatchObject({ result: "progress" });
        return answer;
      },
      { timeout: 110_000, interval: 100 },
    );

    expect(last).toMatchObject({ kind: "job", result: "succeeded" });
    const { status, results = [] } = sim.codePipeline.findAction(jobId) ?? {};
    expect(status).toBe("Succeeded");
    expect(results.at(-1)).toMatchObject({ input: { outputVariables: { Selected: "1", Succeeded: "1" } } });
    expect(new Set(results.slice(0, -1).map(({ kind }) => kind))).toEqual(new Set(["continued"]));
  });

  it("configure an instance that starts with what has succeeded, once", async () => {
    const { sim, environment } = account;
    const boot = createFleetApp({ environment: { ...environment, BOOT_PROFILE: "garlc-1" } }).handler;
    const second = sim.ec2.addInstance({ ...PLACE, tags: { has_ssm_agent: "true" } });
    sim.ssm.addAgent({ ...PLACE, instanceId: second });
    const event = {
      id: "e-1",
      source: "aws.ec2",
      "detail-type": "EC2 Instance State-change Notification",
      ...PLACE,
      detail: { "instance-id": second, state: "running" },
    };

    const answers = [await boot(event, context), await boot(event, context)];
    const sent = await vi.waitFor(
      async () => {
        await settle();
        const calls = sim.calls.filter(({ operation }) => operation === "SSM.SendCommand");
        expect(calls.some(({ input }) => JSON.stringify(input["InstanceIds"]).includes(second))).toBe(true);
        return calls;
      },
      { timeout: 110_000, interval: 100 },
    );

    expect(answers[1]).toEqual(answers[0]);
    expect(answers[0]).toMatchObject({ kind: "run", instanceId: second });
    expect(sent.filter(({ input }) => JSON.stringify(input["InstanceIds"]).includes(second)).length).toBe(1);
    expect(JSON.stringify(sent.at(-1)?.input["Parameters"])).toContain(KEY);
  });
});
