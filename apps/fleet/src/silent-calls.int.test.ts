import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LambdaContext } from "@stackyard/aws";
import { createRunCommandExecutor } from "@stackyard/executor-runcommand";
import { createQuickClock, type Play, silenceEachCall } from "@stackyard/lambda-host";
import { createStateManager, createTaskRunner } from "@stackyard/runtime";
import { expect, it } from "vitest";
import { createFleetApp } from "./create-fleet-app.ts";
import { BUCKET, PLACE, startAccount } from "./testing/start-account.ts";

const SCHEDULE = { source: "aws.events", "detail-type": "Scheduled Event" };
const KEY = "garlc/MyApp/1.zip";

type Handler = (event: unknown, context: LambdaContext) => Promise<unknown>;

async function startPlay(): Promise<Play> {
  const machines = mkdtempSync(join(tmpdir(), "fleet-silent-"));
  const account = await startAccount(0);
  // Two silent calls leave 2 s of an invocation: at this speed a third of a second for a busy machine.
  const clock = createQuickClock(6);
  const told: unknown[] = [];
  const add = (...line: readonly unknown[]) =>
    void told.push(JSON.stringify(line, (_key, value) => (value instanceof Error ? String(value) : value)));
  const logger = { debug: add, info: add, warn: add, error: add };
  const telemetry = {
    logger,
    tracing: { inject: () => ({}), run: <Result>(_carriers: unknown, work: () => Promise<Result>) => work() },
    instrumentEngine: <Engine>(engine: Engine) => engine,
    instrumentStore: <Store>(store: Store) => store,
    instrumentExecutor: <Executor>(executor: Executor) => executor,
    count: () => {},
    measureYard: async () => {},
    invoke: <Result>(_fields: unknown, work: () => Promise<Result>) => work(),
    flush: async () => {},
  };
  const { environment } = account;
  const manager = createStateManager({
    environment: { ...environment, MACHINE_LOCATOR: "LOCAL_FS", MACHINE_SPEC_DIR: machines, EXECUTORS: "runcommand" },
    clock,
    telemetry,
  }).handler;
  const runner = createTaskRunner({
    environment,
    executors: [createRunCommandExecutor()],
    clock,
    telemetry,
  }).handler;
  const fleet = createFleetApp({
    environment,
    clock,
    telemetry,
  }).handler;
  return {
    clock,
    functionMs: 60_000,
    door: account.door,
    others: [account.old["AWS_ACCESS_KEY_ID"] ?? ""],
    told,
    async run(invoke) {
      const call = (label: string, handler: Handler) => (event: unknown) =>
        invoke(label, (context: LambdaContext) => handler(event, context)).catch(() => undefined);
      await account.writeArtifact(KEY, "a playbook");
      const ticked = call("schedule", manager);
      await ticked(SCHEDULE);
      const { sim } = account;
      sim.ssm.script("*", { deliveredAfterMs: 10, runsForMs: 10, stdout: "ok" });
      const instanceId = sim.ec2.addInstance({ ...PLACE, tags: { has_ssm_agent: "true", Ansible_Roles: "web" } });
      sim.ssm.addAgent({ ...PLACE, instanceId });
      const { jobId, event } = sim.codePipeline.startAction({
        ...PLACE,
        userParameters: JSON.stringify({ profile: "garlc-1" }),
        inputArtifacts: [{ name: "MyApp", bucket: BUCKET, key: KEY }],
      });
      await call("job", fleet)(event);
      await account.work("events", call("events", manager));
      await account.work("tasks", call("tasks", runner));
      return sim.codePipeline.findAction(jobId)?.status;
    },
    async stop() {
      await account.stop();
      rmSync(machines, { recursive: true });
    },
  };
}

it("answer in time when any call of AWS is silent, and name the call", async () => {
  const silenced = await silenceEachCall(startPlay);

  expect(silenced.length).toBeGreaterThan(10);
  expect(silenced.filter(({ late }) => late.length > 0)).toEqual([]);
  expect(silenced.filter(({ isNamed, isAsGood }) => !isNamed && !isAsGood)).toEqual([]);
});
