import { describe, expect, it } from "vitest";
import { ARTIFACT_SHA256, anAwsError, createFleetWorld, type FleetWorld } from "../testing/a-fleet-world.ts";
import { ARTIFACT_PLACE } from "../testing/a-pipeline-event.ts";
import { aHookEvent, anInstanceEvent, HOOK, INSTANCE_ID } from "../testing/an-instance-event.ts";
import { createCrashingDeps } from "../testing/crashing-deps.ts";
import { createFleet } from "./create-fleet.ts";
import type { FleetSettings } from "./fleet-deps.ts";
import { putArtifactRecord } from "./fleet-records.ts";

const CURRENT = { ...ARTIFACT_PLACE, versionId: "v1", sha256: ARTIFACT_SHA256 };
const TICK = { source: "aws.events", "detail-type": "Scheduled Event", detail: {} };
const event = anInstanceEvent();
const COMPLETE = {
  AutoScalingGroupName: HOOK.group,
  LifecycleHookName: HOOK.hook,
  LifecycleActionToken: HOOK.token,
};

/** With a current artifact. */
async function createWorld(settings: FleetSettings = {}): Promise<FleetWorld> {
  const world = createFleetWorld(settings);
  await recordCurrent(world);
  return world;
}

function recordCurrent({ deps }: FleetWorld, artifact = CURRENT, startedAt = 1) {
  const value = { artifact, revision: null, runId: "run-1", startedAt };
  return putArtifactRecord(deps, { environment: "main", profile: "ansible" }, "current", value);
}

const runIdOf = async ({ runs }: FleetWorld) =>
  (await runs.start({ ...runs.started[0], config: {}, executor: "" })).jobId;

describe("an instance that starts", () => {
  it("gets the current artifact, by a run of its own", async () => {
    const world = await createWorld();
    world.addInstance();

    const answer = await world.app.handler(event);

    expect(answer).toEqual({ kind: "run", instanceId: INSTANCE_ID, runId: await runIdOf(world) });
    expect(world.runs.started).toEqual([
      {
        key: expect.stringMatching(/^i-0abcd1234abcd1234:[0-9a-f]{32}:2026-01-01T00:00:00\.000Z$/),
        executor: "runcommand",
        actor: "fleet:bootstrap",
        config: {
          instance: INSTANCE_ID,
          select: { tagKey: "has_ssm_agent", tagValues: ["true", "True"] },
          profile: "ansible",
          timeout: "10m",
          deliveryTimeout: "15m",
          agentTimeout: "10m",
          source: "bootstrap",
          artifact: CURRENT,
        },
      },
    ]);
    expect(world.sim.calls.map(({ operation }) => operation)).toEqual(["EC2.DescribeInstances"]);
  });

  it.each([
    ["TAG_MISSING", { tags: {} }],
    ["TAG_VALUE", { tags: { has_ssm_agent: "TRUE" } }],
    ["TAG_VALUE", { tags: { has_ssm_agent: " true" } }],
    ["STATE_NOT_RUNNING", { state: "stopping" }],
    ["STATE_NOT_RUNNING", { state: "shutting-down" }],
  ])("is never touched with %s", async (code, input) => {
    const world = await createWorld();
    world.addInstance(input);

    expect(await world.app.handler(event)).toEqual({ kind: "done", instanceId: INSTANCE_ID, code });
    expect(world.runs.started).toEqual([]);
  });

  it("is one of those whose tag the settings name", async () => {
    const world = await createWorld({ boot: { tagKey: "managed", tagValues: ["yes"] } });
    world.addInstance({ tags: { managed: "yes" } });

    expect(await world.app.handler(event)).toMatchObject({ kind: "run" });
    expect(world.runs.started[0]?.config).toMatchObject({ select: { tagKey: "managed", tagValues: ["yes"] } });
  });

  it.each([
    ["WRONG_ACCOUNT", anInstanceEvent({ account: "210987654321" })],
    ["WRONG_REGION", anInstanceEvent({ region: "us-west-2" })],
    ["STATE_NOT_RUNNING", anInstanceEvent({ detail: { "instance-id": INSTANCE_ID, state: "pending" } })],
    ["NOT_EC2_STATE_CHANGE", anInstanceEvent({ "detail-type": "EC2 Fleet Error" })],
  ])("is ignored with %s, without a call of AWS", async (code, other) => {
    const world = await createWorld();

    expect(await world.app.handler(other)).toEqual({ kind: "ignored", code });
    expect(world.sim.calls).toEqual([]);
  });

  it("is waited for while EC2 does not know it yet", async () => {
    const world = await createWorld();
    world.addInstance({ visibleAt: world.clock.now() + 20_000 });

    const answering = world.app.handler(event);
    await world.clock.advance(30_000);

    expect(await answering).toMatchObject({ kind: "run" });
  });

  it("is gone when EC2 does not know it for a minute", async () => {
    const world = await createWorld();

    const answering = world.app.handler(event);
    await world.clock.advance(60_000);

    expect(await answering).toEqual({ kind: "done", instanceId: INSTANCE_ID, code: "INSTANCE_GONE" });
  });

  it("is not given up when the function's time ends before", async () => {
    const world = await createWorld();

    const answering = world.app.handler(event, { getRemainingTimeInMillis: () => 30_000 });
    const refused = expect(answering).rejects.toMatchObject({ code: "FLEET_OUT_OF_TIME" });
    await world.clock.advance(30_000);
    await refused;

    world.addInstance();
    expect(await world.app.handler(event)).toMatchObject({ kind: "run" });
  });

  it("is requested again after an error of EC2", async () => {
    const world = await createWorld();
    world.addInstance();
    world.sim.once("EC2.DescribeInstances", async () => {
      throw anAwsError("RequestLimitExceeded", 503);
    });

    await expect(world.app.handler(event)).rejects.toThrow("RequestLimitExceeded");
    expect(await world.app.handler(event)).toMatchObject({ kind: "run" });
  });
});

describe("the artifact of an instance that starts", () => {
  const source = { bucket: ARTIFACT_PLACE.bucket, pipeline: "garlc", artifact: "MyApp" };

  it("does not exist before a run has succeeded, so nothing is sent", async () => {
    const world = createFleetWorld();
    world.addInstance();

    expect(await world.app.handler(event)).toMatchObject({ kind: "done", code: "ARTIFACT_NOT_FOUND" });
    expect(world.runs.started).toEqual([]);
    expect(world.log.some((line) => line.startsWith("error"))).toBe(true);
  });

  it("is the pipeline's newest where the profile is garlc-1", async () => {
    const world = createFleetWorld({ boot: { profile: "garlc-1", source } });
    world.addInstance();

    await world.app.handler(event);

    expect(world.runs.started[0]?.config).toMatchObject({
      profile: "garlc-1",
      artifact: { ...ARTIFACT_PLACE, versionId: expect.any(String), sha256: ARTIFACT_SHA256 },
    });
  });

  it.each([
    ["the artifact does not exist", { source: { ...source, artifact: "Other" } }],
    ["the settings name no pipeline", {}],
    ["the settings want none", { source, fallback: "none" as const }],
  ])("does not exist if %s", async (_what, boot) => {
    const world = createFleetWorld({ boot: { profile: "garlc-1", ...boot } });
    world.addInstance();

    expect(await world.app.handler(event)).toMatchObject({ code: "ARTIFACT_NOT_FOUND" });
  });
});

describe("an instance's event that comes again", () => {
  it("changes nothing, although another artifact is current now", async () => {
    const world = await createWorld();
    world.addInstance();
    await world.app.handler(event);
    await recordCurrent(world, { ...CURRENT, versionId: "v2" }, 2);

    const answers = await Promise.all([world.app.handler(event), world.app.handler(event)]);

    expect(world.runs.started.length).toBe(1);
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  });

  it("changes nothing, although the instance is tagged now", async () => {
    const world = await createWorld();
    world.addInstance({ tags: {} });
    await world.app.handler(event);
    world.addInstance();

    expect(await world.app.handler(event)).toMatchObject({ code: "TAG_MISSING" });
  });

  it("finds the run of the same start and artifact under another event's id", async () => {
    const world = await createWorld();
    world.addInstance();

    await world.app.handler(event);
    await world.app.handler(anInstanceEvent({ id: "another" }));

    expect(world.runs.started.length).toBe(1);
  });

  it("runs again with another artifact", async () => {
    const world = await createWorld();
    world.addInstance();
    await world.app.handler(event);
    await recordCurrent(world, { ...CURRENT, versionId: "v2" }, 2);

    await world.app.handler(anInstanceEvent({ id: "another" }));

    expect(world.runs.started.length).toBe(2);
  });
});

describe("a launch lifecycle hook", () => {
  it("is left to its own default when EC2 does not know the instance for a minute", async () => {
    const world = await createWorld();

    const answering = world.app.handler(aHookEvent());
    await world.clock.advance(60_000);

    expect(await answering).toMatchObject({ kind: "done", code: "INSTANCE_GONE" });
    expect(world.calls).toEqual([]);
  });

  it("is completed when the run has ended well", async () => {
    const world = await createWorld();
    world.addInstance({ state: "pending" });
    await world.app.handler(aHookEvent());
    expect(world.calls).toEqual([]);
    world.runs.set(await runIdOf(world), { state: "succeeded", endedAt: 1 });

    const report = await world.app.handler(TICK);

    expect(report).toEqual({ kind: "tick", started: 0, waiting: 0, settled: 1, failed: 0 });
    expect(world.calls).toEqual([
      { operation: "CompleteLifecycleAction", input: { ...COMPLETE, LifecycleActionResult: "CONTINUE" } },
    ]);
    expect(await world.app.handler(TICK)).toEqual({ kind: "tick", started: 0, waiting: 0, settled: 0, failed: 0 });
  });

  it.each(["failed", "cancelled"] as const)("abandons the instance when the run has %s", async (state) => {
    const world = await createWorld();
    world.addInstance();
    await world.app.handler(aHookEvent());
    world.runs.set(await runIdOf(world), { state, endedAt: 1 });

    await world.app.handler(TICK);

    expect(world.calls[0]?.input).toMatchObject({ LifecycleActionResult: "ABANDON" });
  });

  it("is completed at once when the run of this start has ended before", async () => {
    const world = await createWorld();
    world.addInstance();
    await world.app.handler(event);
    world.runs.set(await runIdOf(world), { state: "succeeded", endedAt: 1 });
    await world.app.handler(TICK);

    await world.app.handler(aHookEvent());

    expect(world.runs.started.length).toBe(1);
    expect(world.calls).toEqual([
      { operation: "CompleteLifecycleAction", input: { ...COMPLETE, LifecycleActionResult: "CONTINUE" } },
    ]);
  });

  it("continues the launch of other instances, and abandons one that cannot be configured", async () => {
    const other = await createWorld();
    other.addInstance({ tags: {} });
    const bare = createFleetWorld();
    bare.addInstance();

    await other.app.handler(aHookEvent());
    await bare.app.handler(aHookEvent());

    expect(other.calls[0]?.input).toMatchObject({ LifecycleActionResult: "CONTINUE" });
    expect(bare.calls[0]?.input).toMatchObject({ LifecycleActionResult: "ABANDON" });
  });

  it("gets heartbeats while the run is in progress", async () => {
    const world = await createWorld();
    world.addInstance();
    await world.app.handler(aHookEvent());

    for (let minute = 1; minute <= 5; minute++) {
      await world.clock.advance(60_000);
      await world.app.handler(TICK);
    }

    expect(world.calls).toEqual([
      { operation: "RecordLifecycleActionHeartbeat", input: COMPLETE },
      { operation: "RecordLifecycleActionHeartbeat", input: COMPLETE },
    ]);
  });

  it("ends when the action has already ended", async () => {
    const world = await createWorld();
    world.addInstance();
    await world.app.handler(aHookEvent());
    world.runs.set(await runIdOf(world), { state: "succeeded", endedAt: 1 });
    world.fail("CompleteLifecycleAction", anAwsError("ValidationError"));

    expect(await world.app.handler(TICK)).toMatchObject({ settled: 1, failed: 0 });
    expect(await world.app.handler(TICK)).toMatchObject({ settled: 0 });
  });

  it("is tried again by the next tick when Auto Scaling has thrown", async () => {
    const world = await createWorld();
    world.addInstance();
    await world.app.handler(aHookEvent());
    world.runs.set(await runIdOf(world), { state: "succeeded", endedAt: 1 });
    world.fail("CompleteLifecycleAction", anAwsError("ResourceContention", 500));

    expect(await world.app.handler(TICK)).toMatchObject({ settled: 0, failed: 1 });
    expect(await world.app.handler(TICK)).toMatchObject({ settled: 1, failed: 0 });
  });

  it("is completed for each of several actions that wait for one run", async () => {
    const world = await createWorld();
    world.addInstance();
    await world.app.handler(aHookEvent());
    const token = "00000000-4321-4321-4321-210987654321";
    await world.app.handler(aHookEvent({ id: "another" }, { LifecycleActionToken: token }));
    world.runs.set(await runIdOf(world), { state: "succeeded", endedAt: 1 });

    await world.app.handler(TICK);

    expect(world.calls.map(({ input }) => input["LifecycleActionToken"])).toEqual([HOOK.token, token]);
  });
});

describe("an instance that starts while a run brings another artifact", () => {
  const owner = { environment: "main", profile: "ansible" };
  const NEXT = { ...CURRENT, versionId: "v2", sha256: "1".repeat(64) };

  /** A pipeline's run is running, and the instance has its own run with the current artifact. */
  async function createRace() {
    const world = await createWorld();
    const { jobId: runId } = await world.runs.start({ key: "job", executor: "runcommand", config: {} });
    const value = { artifact: NEXT, revision: null, runId, startedAt: world.clock.now() };
    await putArtifactRecord(world.deps, owner, "candidate", value);
    world.addInstance();
    const answer = await world.app.handler(event);
    return { ...world, jobRun: runId, bootRun: String(Object(answer).runId) };
  }

  it("gets that artifact too once the run has succeeded, after its own has ended", async () => {
    const { app, runs, jobRun, bootRun } = await createRace();
    runs.set(jobRun, { state: "succeeded", endedAt: 1 });
    await app.handler(TICK);
    expect(runs.started.length).toBe(2);

    runs.set(bootRun, { state: "succeeded", endedAt: 1 });
    await app.handler(TICK);
    await app.handler(TICK);

    expect(runs.started.slice(1).map(({ config }) => config["artifact"])).toEqual([CURRENT, NEXT]);
    expect(runs.started[2]).toMatchObject({ config: { ...runs.started[1]?.config, artifact: NEXT } });
    const launches = runs.started.slice(1).map(({ key = "" }) => key.split(":").slice(2).join(":"));
    expect(launches).toEqual(["2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z"]);
  });

  it("waits for the end of that run, which may come later", async () => {
    const { app, runs, jobRun, bootRun } = await createRace();
    runs.set(bootRun, { state: "succeeded", endedAt: 1 });
    expect(await app.handler(TICK)).toMatchObject({ waiting: 1, settled: 0 });
    expect(runs.started.length).toBe(2);

    runs.set(jobRun, { state: "succeeded", endedAt: 1 });
    await app.handler(TICK);

    expect(runs.started.length).toBe(3);
  });

  it("keeps what it has when that run fails", async () => {
    const { app, runs, jobRun, bootRun } = await createRace();
    runs.set(jobRun, { state: "failed", endedAt: 1 });
    runs.set(bootRun, { state: "succeeded", endedAt: 1 });

    expect(await app.handler(TICK)).toMatchObject({ settled: 1 });
    expect(runs.started.length).toBe(2);
  });

  it("completes its lifecycle action without waiting for that run", async () => {
    const { app, runs, bootRun, calls } = await createRace();
    await app.handler(aHookEvent());
    runs.set(bootRun, { state: "succeeded", endedAt: 1 });

    await app.handler(TICK);
    await app.handler(TICK);

    expect(calls.map(({ operation }) => operation)).toEqual(["CompleteLifecycleAction"]);
  });
});

describe("a process that dies over a lifecycle hook", () => {
  it.each(["before", "after"] as const)("%s any call leaves what a repeat and a tick make whole", async (when) => {
    let at = 0;
    for (let hasDied = true; hasDied; ) {
      at += 1;
      const world = await createWorld();
      world.addInstance();
      const dying = createCrashingDeps(world.deps, { at, when });
      await createFleet(dying.deps)
        .handler(aHookEvent())
        .catch(() => undefined);
      hasDied = dying.hasDied();
      await recordCurrent(world, { ...CURRENT, versionId: "v2" }, 2);

      await world.app.handler(aHookEvent());
      world.runs.set(await runIdOf(world), { state: "succeeded", endedAt: 1 });
      await world.app.handler(TICK);

      expect(world.runs.started.length).toBe(1);
      expect(world.calls.at(-1)).toMatchObject({ operation: "CompleteLifecycleAction" });
    }
    expect(at).toBeGreaterThan(6);
  });

  it.each(["before", "after"] as const)("%s any call of a tick completes it by the next one", async (when) => {
    let at = 0;
    for (let hasDied = true; hasDied; ) {
      at += 1;
      const world = await createWorld();
      world.addInstance();
      await world.app.handler(aHookEvent());
      world.runs.set(await runIdOf(world), { state: "succeeded", endedAt: 1 });
      const dying = createCrashingDeps(world.deps, { at, when });
      await createFleet(dying.deps)
        .handler(TICK)
        .catch(() => undefined);
      hasDied = dying.hasDied();

      await world.app.handler(TICK);

      const results = world.calls.map(({ input }) => input["LifecycleActionResult"]);
      expect(new Set(results)).toEqual(new Set(["CONTINUE"]));
      expect((await world.deps.records.list("fleet-watch/", { limit: 9, now: 0 })).items).toEqual([]);
    }
    expect(at).toBeGreaterThan(3);
  });
});

describe("a tick", () => {
  it("starts a run that a crash has left behind, without its event", async () => {
    const world = await createWorld();
    world.addInstance();
    // The watch stands, the run does not.
    const dying = createCrashingDeps(world.deps, { at: 9, when: "before" });
    await expect(createFleet(dying.deps).handler(event)).rejects.toThrow("died");
    expect((await world.deps.records.list("fleet-watch/", { limit: 9, now: 0 })).items.length).toBe(1);
    expect(world.runs.started).toEqual([]);

    expect(await world.app.handler(TICK)).toMatchObject({ started: 1 });
    expect(world.runs.started.length).toBe(1);
  });
});
