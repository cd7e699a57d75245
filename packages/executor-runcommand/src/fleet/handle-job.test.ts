import { StackyardError } from "@stackyard/core";
import { jobStackId } from "@stackyard/core/machine";
import { describe, expect, it } from "vitest";
import {
  ARTIFACT_SHA256,
  anAwsError,
  createFleetWorld,
  type FleetWorld,
  isFreeOfCredentials,
} from "../testing/a-fleet-world.ts";
import { ARTIFACT_PLACE, anInputArtifact, aPipelineEvent, JOB_ID } from "../testing/a-pipeline-event.ts";
import { createCrashingDeps } from "../testing/crashing-deps.ts";
import { createFleet } from "./create-fleet.ts";
import type { FleetDeps } from "./fleet-deps.ts";
import { findArtifactRecord } from "./fleet-records.ts";
import { failJob } from "./handle-job.ts";

const HOUR_MS = 3_600_000;
const RUN_ID = jobStackId({ key: JOB_ID });
const TOKEN = `{"v":1,"run":"${RUN_ID}"}`;
const COUNTS = { selected: 2, succeeded: 2, failed: 0, running: 0, skipped: 0, notSent: 0 };
const OUTPUTS = { runId: RUN_ID, selected: 2, succeeded: 2, failed: 0, skipped: 0, reportUrl: "https://yard/run" };
const start = aPipelineEvent();
const goOn = aPipelineEvent({ continuationToken: TOKEN });

const succeed = ({ runs }: FleetWorld) =>
  runs.set(RUN_ID, { state: "succeeded", outputs: OUTPUTS, endedAt: 1 }, [{ counts: COUNTS, instances: [] }]);

describe("a job", () => {
  it("starts a run under its id, with the artifact pinned", async () => {
    const { app, runs, lastResult } = createFleetWorld();

    const answer = await app.handler(
      aPipelineEvent({ userParameters: '{"maxErrors":"10%","ignoreUnreachable":true}' }),
    );

    expect(answer).toEqual({ kind: "job", jobId: JOB_ID, result: "progress", runId: RUN_ID });
    expect(runs.started).toEqual([
      {
        key: JOB_ID,
        executor: "runcommand",
        actor: "fleet:pipeline",
        config: {
          select: { tagKey: "has_ssm_agent", tagValues: ["true", "True"] },
          profile: "ansible",
          maxConcurrency: "50",
          maxErrors: "10%",
          timeout: "10m",
          deliveryTimeout: "15m",
          ignoreUnreachable: true,
          allowEmpty: false,
          dryRun: false,
          source: "pipeline",
          artifact: { ...ARTIFACT_PLACE, versionId: expect.any(String), sha256: ARTIFACT_SHA256 },
        },
      },
    ]);
    expect(lastResult()).toEqual({
      jobId: JOB_ID,
      continuationToken: TOKEN,
      executionDetails: { summary: "Waiting for a runner.", externalExecutionId: RUN_ID, percentComplete: 0 },
    });
  });

  it("hands SSM targets on in the place of a selection", async () => {
    const { app, runs } = createFleetWorld();
    const targets = [{ key: "tag:Role", values: ["web"] }];

    await app.handler(aPipelineEvent({ userParameters: JSON.stringify({ targets }) }));

    expect(runs.started[0]?.config).toMatchObject({ targets });
    expect(runs.started[0]?.config).not.toHaveProperty("select");
  });

  it("works in the account and region that the settings name", async () => {
    const target = { account: "210987654321", region: "us-west-2", role: "fleet" };
    const { app, runs } = createFleetWorld({ target });

    await app.handler(start);

    expect(runs.started[0]?.target).toEqual(target);
  });

  it("is followed by its token, then gets its result", async () => {
    const world = createFleetWorld();
    await world.app.handler(start);
    const page = { counts: { ...COUNTS, succeeded: 1, running: 1 }, instances: [] };
    world.runs.set(RUN_ID, { state: "running" }, [page]);

    expect(await world.app.handler(goOn)).toMatchObject({ result: "progress" });
    expect(world.lastResult()).toMatchObject({ continuationToken: TOKEN, executionDetails: { percentComplete: 50 } });

    succeed(world);
    expect(await world.app.handler(goOn)).toMatchObject({ result: "succeeded", runId: RUN_ID });
    expect(world.lastResult()).toMatchObject({ jobId: JOB_ID, outputVariables: { RunId: RUN_ID, Succeeded: "2" } });
    expect(world.lastResult()).not.toHaveProperty("continuationToken");
  });

  it("lists the failed instances", async () => {
    const { app, runs, lastResult } = createFleetWorld();
    await app.handler(start);
    const instances = [{ instanceId: "i-1", state: "failed", code: "COMMAND_FAILED", roles: [] }];
    const error = { code: "COMMAND_FAILED", message: "1 instance failed." };
    runs.set(RUN_ID, { state: "failed", error, endedAt: 1 }, [{ counts: COUNTS, instances: [] }, { instances }]);

    await app.handler(goOn);

    expect(lastResult()).toEqual({
      jobId: JOB_ID,
      failureDetails: {
        type: "JobFailed",
        message: "COMMAND_FAILED: 1 instance failed. Instances: i-1 COMMAND_FAILED.",
        externalExecutionId: RUN_ID,
      },
    });
  });

  it("fails where no instance was selected", async () => {
    const { app, runs, lastResult } = createFleetWorld();
    await app.handler(start);
    runs.set(RUN_ID, { state: "failed", error: { code: "NO_INSTANCES", message: "No instance." }, endedAt: 1 });

    await app.handler(goOn);

    expect(lastResult()).toMatchObject({
      failureDetails: { type: "JobFailed", message: "NO_INSTANCES: No instance." },
    });
  });

  it("that does not wait is done once everything is dispatched", async () => {
    const { app, runs, lastResult } = createFleetWorld();
    await app.handler(aPipelineEvent({ userParameters: '{"wait":false}' }));
    expect(lastResult()).toHaveProperty("continuationToken");
    expect(runs.started[0]?.config).not.toHaveProperty("wait");
    runs.set(RUN_ID, { state: "running" }, [{ counts: { ...COUNTS, succeeded: 0, running: 2 }, instances: [] }]);

    expect(await app.handler(goOn)).toMatchObject({ result: "succeeded" });
    expect(lastResult()).not.toHaveProperty("continuationToken");
  });

  it("names where people see its run", async () => {
    const world = createFleetWorld({ reportUrl: "https://yard.example.org/runs/{runId}" });
    await world.app.handler(start);
    world.runs.set(RUN_ID, { state: "succeeded", endedAt: 1 });

    await world.app.handler(goOn);

    expect(world.lastResult()).toMatchObject({
      outputVariables: { ReportUrl: `https://yard.example.org/runs/${RUN_ID}` },
    });
  });
});

describe("a job that cannot be done", () => {
  it.each([
    ["USER_PARAMETERS_INVALID", "ConfigurationError", { userParameters: "{" }],
    ["ARTIFACT_MISSING", "ConfigurationError", { inputArtifacts: [] }],
    ["ARTIFACT_AMBIGUOUS", "ConfigurationError", { userParameters: '{"artifact":"none"}' }],
    ["CONTINUATION_INVALID", "JobFailed", { continuationToken: "theirs" }],
    ["ARTIFACT_NOT_FOUND", "RevisionUnavailable", { inputArtifacts: [anInputArtifact({ key: "gone" })] }],
    ["RUN_UNKNOWN", "JobFailed", { continuationToken: '{"v":1,"run":"run-0"}' }],
  ])("fails with %s, and starts nothing", async (code, type, input) => {
    const { app, runs, lastResult } = createFleetWorld();

    const answer = await app.handler(aPipelineEvent(input));

    expect(answer).toMatchObject({ kind: "job", result: "failed", code });
    expect(lastResult()).toMatchObject({
      jobId: JOB_ID,
      failureDetails: { type, message: expect.stringMatching(`^${code}: .`) },
    });
    expect(runs.started).toEqual([]);
  });

  it.each([null, {}, "x", { "CodePipeline.job": {} }])("is only logged without an id: %j", async (event) => {
    const { app, calls } = createFleetWorld();

    expect(await app.handler(event)).toEqual({ kind: "rejected", code: "JOB_ID_MISSING" });
    expect(calls).toEqual([]);
  });

  it("fails again in the same way when its event comes again", async () => {
    const { app, sim, calls } = createFleetWorld();
    sim.s3.remove(ARTIFACT_PLACE.bucket, ARTIFACT_PLACE.key);
    await app.handler(start);
    sim.s3.write(ARTIFACT_PLACE.bucket, ARTIFACT_PLACE.key, "late");

    await app.handler(start);

    expect(calls.map(({ operation }) => operation)).toEqual(["PutJobFailureResult", "PutJobFailureResult"]);
  });
});

describe("every failure is reported to the job", () => {
  const withJobs = (runs: Partial<FleetDeps["runs"]>) => (deps: FleetDeps) => ({
    ...deps,
    runs: { ...deps.runs, ...runs },
  });
  const reject = (error: unknown) => () => Promise.reject(error);

  it.each([
    [new StackyardError("CONFIG_INVALID", "config: /x"), "CONFIG_INVALID", "ConfigurationError"],
    [anAwsError("AccessDeniedException", 403), "FORBIDDEN", "PermissionError"],
    [new TypeError("undefined is not a function"), "INTERNAL", "JobFailed"],
    ["a text", "INTERNAL", "JobFailed"],
    [undefined, "INTERNAL", "JobFailed"],
  ])("when the start throws %s", async (error, code, type) => {
    const { app, lastResult } = createFleetWorld({}, withJobs({ start: reject(error) }));

    expect(await app.handler(start)).toMatchObject({ result: "failed", code });
    expect(lastResult()).toMatchObject({
      jobId: JOB_ID,
      failureDetails: { type, message: expect.stringMatching(`^${code}: .`) },
    });
  });

  it.each([
    [new StackyardError("STORE_UNAVAILABLE", "The store is gone."), "STORE_UNAVAILABLE"],
    [anAwsError("ThrottlingException"), "RATE_LIMITED"],
    [anAwsError("InternalFailure", 500), "UNREACHABLE"],
  ])("when nothing can be kept yet because of %s", async (error, code) => {
    const { app, lastResult, runs } = createFleetWorld({}, (deps) => ({
      ...deps,
      records: { ...deps.records, put: reject(error) },
    }));

    expect(await app.handler(start)).toMatchObject({ result: "failed", code });
    expect(lastResult()).toMatchObject({ failureDetails: { type: "SystemUnavailable" } });
    expect(runs.started).toEqual([]);
  });

  it("as progress when its run was started and only cannot be seen yet", async () => {
    const { app, lastResult } = createFleetWorld({}, withJobs({ find: reject(new Error("Not now.")) }));

    expect(await app.handler(start)).toMatchObject({ result: "progress", runId: RUN_ID });
    expect(lastResult()).toMatchObject({ continuationToken: TOKEN });
  });

  it("when the result of its run is one that CodePipeline does not take", async () => {
    const world = createFleetWorld();
    await world.app.handler(start);
    succeed(world);
    world.fail("PutJobSuccessResult", anAwsError("OutputVariablesSizeExceededException"));

    expect(await world.app.handler(goOn)).toMatchObject({ result: "failed" });
    expect(world.lastResult()).toHaveProperty("failureDetails.message");
  });

  it("with the name of its run, when CodePipeline denies the first result", async () => {
    const world = createFleetWorld();
    world.fail("PutJobSuccessResult", anAwsError("AccessDeniedException"));

    expect(await world.app.handler(start)).toMatchObject({ result: "failed", runId: RUN_ID });
    expect(world.lastResult()).toMatchObject({
      failureDetails: { externalExecutionId: RUN_ID, message: expect.stringContaining(`Its run is ${RUN_ID}.`) },
    });
  });

  it("before the function's time is over", async () => {
    const { app, clock, lastResult } = createFleetWorld({}, (deps) => ({
      ...deps,
      openArtifactS3: () => new Promise<never>(() => {}),
    }));

    const answering = app.handler(start, { getRemainingTimeInMillis: () => 60_000 });
    await clock.advance(51_000);
    expect(lastResult()).toBeUndefined();
    await clock.advance(1_000);

    expect(await answering).toMatchObject({ result: "failed", code: "FLEET_OUT_OF_TIME" });
    expect(lastResult()).toMatchObject({ failureDetails: { type: "SystemUnavailable" } });
  });

  it("and nothing begins behind its back when its time was over", async () => {
    const opening = Promise.withResolvers<void>();
    const { app, clock, runs, deps } = createFleetWorld({}, (built) => ({
      ...built,
      openArtifactS3: async (credentials) => {
        await opening.promise;
        return built.openArtifactS3(credentials);
      },
    }));
    const answering = app.handler(start, { getRemainingTimeInMillis: () => 60_000 });
    await clock.advance(60_000);
    await answering;

    opening.resolve();
    await clock.advance(1_000);

    expect(runs.started).toEqual([]);
    expect((await deps.records.list("", { limit: 9, now: 0 })).items).toEqual([]);
  });

  it("although CodePipeline does not listen for a moment", async () => {
    const { app, fail, clock, calls } = createFleetWorld();
    fail("PutJobSuccessResult", anAwsError("ThrottlingException"));
    fail("PutJobSuccessResult", anAwsError("InternalFailure", 500));

    const answering = app.handler(start);
    await clock.advance(3_000);

    expect(await answering).toMatchObject({ result: "progress" });
    expect(calls.map(({ operation }) => operation)).toEqual(Array.from({ length: 3 }, () => "PutJobSuccessResult"));
  });

  it.each(["InvalidJobStateException", "JobNotFoundException"])("unless the job is over: %s", async (name) => {
    const { app, fail, calls, runs } = createFleetWorld();
    fail("PutJobSuccessResult", anAwsError(name));

    expect(await app.handler(start)).toMatchObject({ result: "over", runId: RUN_ID });
    expect(calls.map(({ operation }) => operation)).toEqual(["PutJobSuccessResult"]);
    expect(await runs.find(RUN_ID)).toBeDefined();
  });
});

describe("the artifact of a job", () => {
  const owner = { environment: "main", profile: "ansible" };

  it("is recorded as candidate when its run starts, and as current when it has succeeded", async () => {
    const world = createFleetWorld();

    await world.app.handler(start);
    expect(await findArtifactRecord(world.deps, owner, "candidate")).toMatchObject({ runId: RUN_ID });
    expect(await findArtifactRecord(world.deps, owner, "current")).toBeUndefined();

    succeed(world);
    await world.app.handler(goOn);
    expect(await findArtifactRecord(world.deps, owner, "current")).toMatchObject({
      artifact: { ...ARTIFACT_PLACE, sha256: ARTIFACT_SHA256 },
      runId: RUN_ID,
    });
  });

  it("is not current after a run that has failed", async () => {
    const { app, runs, deps } = createFleetWorld();
    await app.handler(start);
    runs.set(RUN_ID, { state: "failed", endedAt: 1 });

    await app.handler(goOn);

    expect(await findArtifactRecord(deps, owner, "current")).toBeUndefined();
  });

  it("is current when a run that has failed is retried and succeeds, unless a later one has", async () => {
    const world = createFleetWorld();
    const tick = { source: "aws.events", "detail-type": "Scheduled Event" };
    await world.app.handler(start);
    world.runs.set(RUN_ID, { state: "failed", endedAt: 1 });
    await world.app.handler(goOn);
    expect(await world.app.handler(tick)).toMatchObject({ waiting: 1 });

    succeed(world);
    await world.clock.advance(HOUR_MS);
    expect(await world.app.handler(tick)).toMatchObject({ settled: 1 });

    expect(await findArtifactRecord(world.deps, owner, "current")).toMatchObject({ runId: RUN_ID });
  });

  it("is looked after no more when a later run has succeeded", async () => {
    const world = createFleetWorld();
    await world.app.handler(start);
    world.runs.set(RUN_ID, { state: "failed", endedAt: 1 });
    await world.clock.advance(60_000);
    const id = "22222222-abcd-1111-abcd-111111abcdef";
    await world.app.handler(aPipelineEvent({ id }));
    world.runs.set(jobStackId({ key: id }), { state: "succeeded", endedAt: 1 });
    const tick = { source: "aws.events", "detail-type": "Scheduled Event" };

    await world.app.handler(tick);
    await world.clock.advance(HOUR_MS);

    expect(await world.app.handler(tick)).not.toMatchObject({ waiting: 1 });
    expect((await world.deps.records.list("fleet-watch/", { limit: 9, now: 0 })).items).toEqual([]);
  });

  it("is neither after a dry run", async () => {
    const world = createFleetWorld();
    await world.app.handler(aPipelineEvent({ userParameters: '{"dryRun":true}' }));
    succeed(world);

    await world.app.handler(goOn);

    expect(await findArtifactRecord(world.deps, owner, "candidate")).toBeUndefined();
    expect(await findArtifactRecord(world.deps, owner, "current")).toBeUndefined();
  });

  it("is read once, with the job's own credentials, which are not kept", async () => {
    const given: unknown[] = [];
    const { app, sim, deps, log, calls, runs } = createFleetWorld({}, (built) => ({
      ...built,
      openArtifactS3: (credentials) => {
        given.push(credentials);
        return built.openArtifactS3(credentials);
      },
    }));

    await app.handler(start);
    await app.handler(start);
    await app.handler(goOn);

    const { items } = await deps.records.list("", { limit: 1_000, now: 0 });
    expect(given.length).toBe(1);
    expect(sim.calls.filter(({ operation }) => operation === "S3.GetObject").length).toBe(1);
    expect(isFreeOfCredentials(JSON.stringify([items, log, calls, runs.started]))).toBe(true);
    expect(items.length).toBeGreaterThan(2);
  });
});

describe("an event that comes again", () => {
  it("finds the same run, whatever has become of the artifact", async () => {
    const { app, runs, sim } = createFleetWorld();
    await app.handler(start);
    sim.s3.write(ARTIFACT_PLACE.bucket, ARTIFACT_PLACE.key, "a later playbook");

    const answers = await Promise.all([app.handler(start), app.handler(start)]);

    expect(runs.started.length).toBe(1);
    expect(answers).toEqual([
      { kind: "job", jobId: JOB_ID, result: "progress", runId: RUN_ID },
      { kind: "job", jobId: JOB_ID, result: "progress", runId: RUN_ID },
    ]);
  });

  it("starts one run when two come side by side", async () => {
    const { app, runs } = createFleetWorld();

    await Promise.all([app.handler(start), app.handler(start), app.handler(start)]);

    expect(runs.started.length).toBe(1);
  });

  it("reports the end of a run that has ended meanwhile", async () => {
    const world = createFleetWorld();
    await world.app.handler(start);
    succeed(world);

    expect(await world.app.handler(start)).toMatchObject({ result: "succeeded" });
  });
});

describe("a process that dies", () => {
  it.each(["before", "after"] as const)("%s any call leaves what the event's repeat makes whole", async (when) => {
    let at = 0;
    for (let hasDied = true; hasDied; ) {
      at += 1;
      const world = createFleetWorld();
      const dying = createCrashingDeps(world.deps, { at, when });
      await createFleet(dying.deps)
        .handler(start)
        .catch(() => undefined);
      hasDied = dying.hasDied();
      world.sim.s3.write(ARTIFACT_PLACE.bucket, ARTIFACT_PLACE.key, "a later playbook");

      expect(await world.app.handler(start)).toMatchObject({ result: "progress", runId: RUN_ID });
      succeed(world);
      expect(await world.app.handler(goOn)).toMatchObject({ result: "succeeded" });

      const current = await findArtifactRecord(world.deps, { environment: "main", profile: "ansible" }, "current");
      expect(world.runs.started.length).toBe(1);
      expect(current?.artifact).toEqual(world.runs.started[0]?.config["artifact"]);
    }
    expect(at).toBeGreaterThan(8);
  });

  it.each(["before", "after"] as const)("%s any call of a later look loses nothing", async (when) => {
    let at = 0;
    for (let hasDied = true; hasDied; ) {
      at += 1;
      const world = createFleetWorld();
      await world.app.handler(start);
      succeed(world);
      const dying = createCrashingDeps(world.deps, { at, when });
      await createFleet(dying.deps)
        .handler(goOn)
        .catch(() => undefined);
      hasDied = dying.hasDied();

      await world.app.handler(goOn);
      await world.app.handler({ source: "aws.events", "detail-type": "Scheduled Event" });

      const current = await findArtifactRecord(world.deps, { environment: "main", profile: "ansible" }, "current");
      expect(world.lastResult()).toHaveProperty("outputVariables");
      expect(current?.runId).toBe(RUN_ID);
      expect((await world.deps.records.list("fleet-watch/", { limit: 9, now: 0 })).items).toEqual([]);
    }
    expect(at).toBeGreaterThan(5);
  });
});

const error = new StackyardError("CONFIG_INVALID", "DYNAMODB_TABLE is not set.");

describe("failJob", () => {
  it.each([
    aPipelineEvent(),
    aPipelineEvent({ continuationToken: '{"v":1,"run":"run-1"}' }),
    aPipelineEvent({ inputArtifacts: [] }),
  ])("reports why a job cannot be started", async (event) => {
    const { deps, lastResult } = createFleetWorld();

    expect(await failJob(deps, event, error)).toEqual({
      kind: "job",
      jobId: JOB_ID,
      result: "failed",
      code: "CONFIG_INVALID",
    });
    expect(lastResult()).toEqual({
      jobId: JOB_ID,
      failureDetails: { type: "ConfigurationError", message: "CONFIG_INVALID: DYNAMODB_TABLE is not set." },
    });
  });

  it("keeps a job with a running run after a transient error", async () => {
    const { deps, lastResult } = createFleetWorld();
    const away = new StackyardError("STORE_UNAVAILABLE", "The store is gone.");
    const continuationToken = '{"v":1,"run":"run-1"}';

    expect(await failJob(deps, aPipelineEvent({ continuationToken }), away)).toEqual({
      kind: "job",
      jobId: JOB_ID,
      result: "progress",
      runId: "run-1",
    });
    expect(lastResult()).toMatchObject({ jobId: JOB_ID, continuationToken });
    expect(await failJob(deps, aPipelineEvent(), away)).toMatchObject({ result: "failed", code: "STORE_UNAVAILABLE" });
  });

  it("reports nothing for other events", async () => {
    const { deps, calls } = createFleetWorld();

    expect(await failJob(deps, { source: "aws.ec2" }, error)).toBeUndefined();
    expect(calls).toEqual([]);
  });
});
