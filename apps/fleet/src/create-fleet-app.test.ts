import { S3Client } from "@aws-sdk/client-s3";
import { createAwsAccess } from "@stackyard/aws";
import { createAwsSim, createSimPlugin } from "@stackyard/aws-sim";
import { StackyardError, silentLogger } from "@stackyard/core";
import { createMemoryStore } from "@stackyard/core/engine";
import { createJobs } from "@stackyard/core/jobs";
import { createFakeClock } from "@stackyard/core/testing";
import { runCommandDefinition } from "@stackyard/executor-runcommand/definition";
import { describe, expect, it } from "vitest";
import { createFleetApp, type FleetAppOptions } from "./create-fleet-app.ts";

const ACCOUNT = "111122223333";
const REGION = "eu-west-1";
const PLACE = { account: ACCOUNT, region: REGION };

function createWorld(options: Partial<FleetAppOptions> = {}) {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  const credentials = sim.iam.addUser({ account: ACCOUNT, name: "fleet" });
  const plugin = createSimPlugin(sim);
  const aws = createAwsAccess({ clock, region: REGION, credentials, session: { name: "fleet" }, plugins: [plugin] });
  const store = createMemoryStore();
  const executors = new Map([[runCommandDefinition.name, runCommandDefinition]]);
  const runs = createJobs({ store, executors, clock });
  sim.s3.createBucket({ ...PLACE, name: "pipelines", versioned: true });
  sim.s3.write("pipelines", "garlc/MyApp/1.zip", "a playbook");
  const { jobId, event } = sim.codePipeline.startAction({
    ...PLACE,
    inputArtifacts: [{ name: "MyApp", bucket: "pipelines", key: "garlc/MyApp/1.zip" }],
  });
  const app = createFleetApp({
    environment: { AWS_REGION: REGION },
    open: async () => ({ jobs: runs, records: store.records, aws, region: REGION, close: async () => {} }),
    openArtifactS3: () => aws.client(S3Client, undefined),
    telemetry: { logger: silentLogger, invoke: (_fields, work) => work() },
    aws,
    clock,
    ...options,
  });
  return { app, sim, runs, jobId, event };
}

describe("the fleet app", () => {
  it("starts a run of the yard for a job, and reports it to CodePipeline", async () => {
    const { app, sim, runs, jobId, event } = createWorld();

    const answer = await app.handler(event);

    const { runId = "" } = Object(answer);
    expect(answer).toEqual({ kind: "job", jobId, result: "progress", runId });
    expect(await runs.find(runId)).toMatchObject({ state: "waiting", executor: "runcommand" });
    expect(sim.codePipeline.findAction(jobId)).toMatchObject({
      status: "InProgress",
      results: [{ kind: "continued" }],
    });
  });

  it("reports an invalid environment as the result of the job", async () => {
    const { app, sim, jobId, event } = createWorld({ environment: { FLEET_ACCOUNT: "x" } });

    expect(await app.handler(event)).toEqual({ kind: "job", jobId, result: "failed", code: "CONFIG_INVALID" });
    expect(sim.codePipeline.findAction(jobId)).toMatchObject({
      status: "Failed",
      results: [{ kind: "failed", input: { failureDetails: { type: "ConfigurationError" } } }],
    });
  });

  it("reports to a job that the store is not available, and opens it for the next one", async () => {
    const { app: working } = createWorld();
    let isAway = true;
    const world = createWorld();
    const { app, event } = createWorld({
      open: async () => {
        if (isAway) throw new StackyardError("STORE_UNAVAILABLE", "The store does not answer.");
        return { jobs: world.runs, records: createMemoryStore().records } as never;
      },
    });
    expect(await app.handler(event)).toMatchObject({ result: "failed", code: "STORE_UNAVAILABLE" });
    isAway = false;

    const tick = { source: "aws.events", "detail-type": "Scheduled Event" };
    expect(await app.handler(tick)).toMatchObject({ kind: "tick" });
    expect(await working.handler(tick)).toMatchObject({ kind: "tick" });
  });

  it("lets every other event come again while the yard cannot be opened", async () => {
    const { app } = createWorld({ environment: { FLEET_ACCOUNT: "x" } });

    await expect(app.handler({ source: "aws.ec2" })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });
});
