import { StackyardError } from "@stackyard/core";
import { jobStackId } from "@stackyard/core/machine";
import { describe, expect, it } from "vitest";
import { anAwsError, createFleetWorld } from "../testing/a-fleet-world.ts";
import { aPipelineEvent, JOB_ID } from "../testing/a-pipeline-event.ts";
import type { FleetDeps } from "./fleet-deps.ts";

const RUN_ID = jobStackId({ key: JOB_ID });
const TOKEN = `{"v":1,"run":"${RUN_ID}"}`;
const start = aPipelineEvent();
const goOn = aPipelineEvent({ continuationToken: TOKEN });
const inAMinute = { getRemainingTimeInMillis: () => 60_000 };
const away = new StackyardError("STORE_UNAVAILABLE", "The store is gone.");

const withJobs = (toRuns: (runs: FleetDeps["runs"]) => Partial<FleetDeps["runs"]>) => (deps: FleetDeps) => ({
  ...deps,
  runs: { ...deps.runs, ...toRuns(deps.runs) },
});

/** A method that fails when it is called for the first time. */
function failOnce<Input, Value>(method: (input: Input) => Promise<Value>, error: Error) {
  let hasFailed = false;
  return (input: Input) => {
    if (hasFailed) return method(input);
    hasFailed = true;
    return Promise.reject<Value>(error);
  };
}

describe("a job whose run may continue is not reported as failed", () => {
  it.each([away, anAwsError("ThrottlingException"), anAwsError("InternalFailure", 500)])(
    "when the start meets %s; the next look starts it",
    async (error) => {
      const { app, runs, lastResult } = createFleetWorld(
        {},
        withJobs((built) => ({ start: failOnce(built.start, error) })),
      );

      expect(await app.handler(start)).toMatchObject({ result: "progress", runId: RUN_ID });
      expect(lastResult()).toMatchObject({ continuationToken: TOKEN });
      expect(runs.started).toEqual([]);

      expect(await app.handler(goOn)).toMatchObject({ result: "progress", runId: RUN_ID });
      expect(runs.started.length).toBe(1);
    },
  );

  it("when the time is over while its run begins", async () => {
    const opening = Promise.withResolvers<void>();
    const { app, clock, runs, lastResult } = createFleetWorld(
      {},
      withJobs((built) => ({ start: async (input) => opening.promise.then(() => built.start(input)) })),
    );

    const answering = app.handler(start, inAMinute);
    await clock.advance(60_000);

    expect(await answering).toMatchObject({ result: "progress", runId: RUN_ID });
    expect(lastResult()).toMatchObject({ continuationToken: TOKEN });
    opening.resolve();
    await clock.advance(1_000);
    expect(runs.started.length).toBe(1);
  });

  it("when the time is over while the decision is kept: then nothing begins", async () => {
    const keeping = Promise.withResolvers<void>();
    const { app, clock, runs, deps } = createFleetWorld({}, (built) => ({
      ...built,
      records: {
        ...built.records,
        put: async (input) => keeping.promise.then(() => built.records.put(input)),
      },
    }));

    const answering = app.handler(start, inAMinute);
    await clock.advance(60_000);
    keeping.resolve();

    expect(await answering).toMatchObject({ result: "failed", code: "FLEET_OUT_OF_TIME" });
    expect(runs.started).toEqual([]);
    expect((await deps.records.list("fleet-watch/", { limit: 9, now: 0 })).items).toEqual([]);
  });

  it.each([away, anAwsError("ThrottlingException"), anAwsError("InternalFailure", 500)])(
    "when a later look meets %s",
    async (error) => {
      const world = createFleetWorld(
        {},
        withJobs((built) => ({ find: failOnce(built.find, error) })),
      );

      expect(await world.app.handler(goOn)).toMatchObject({ result: "progress", runId: RUN_ID });

      expect(world.lastResult()).toMatchObject({ jobId: JOB_ID, continuationToken: TOKEN });
      expect(world.lastResult()).toHaveProperty(
        "executionDetails.summary",
        expect.stringMatching(/^The run's state is temporarily unavailable \([A-Z_]+\)/),
      );
    },
  );

  it("when a later look finds no report for a moment", async () => {
    const world = createFleetWorld(
      {},
      withJobs(() => ({ reportPage: () => Promise.reject(away) })),
    );
    await world.app.handler(start);
    world.runs.set(RUN_ID, { state: "running" }, []);

    expect(await world.app.handler(goOn)).toMatchObject({ result: "progress", runId: RUN_ID });
  });

  it("when a later look does not come back in time", async () => {
    const world = createFleetWorld(
      {},
      withJobs(() => ({ find: () => new Promise<never>(() => {}) })),
    );

    const answering = world.app.handler(goOn, inAMinute);
    await world.clock.advance(60_000);

    expect(await answering).toMatchObject({ result: "progress", runId: RUN_ID });
  });

  it("unless a later look can never work", async () => {
    const { app } = createFleetWorld(
      {},
      withJobs(() => ({ find: () => Promise.reject(anAwsError("AccessDeniedException", 403)) })),
    );

    expect(await app.handler(goOn)).toMatchObject({ result: "failed", code: "FORBIDDEN" });
  });

  it("unless its run cannot be started: then no tick starts it later", async () => {
    const refused = new StackyardError("CONFIG_INVALID", "config: /x");
    const { app, deps, runs } = createFleetWorld(
      {},
      withJobs((built) => ({ start: failOnce(built.start, refused) })),
    );

    expect(await app.handler(start)).toMatchObject({ result: "failed", code: "CONFIG_INVALID" });
    await app.handler({ source: "aws.events", "detail-type": "Scheduled Event" });

    expect(runs.started).toEqual([]);
    expect((await deps.records.list("fleet-watch/", { limit: 9, now: 0 })).items).toEqual([]);
  });

  it("and is looked after where its run was started although the start has failed", async () => {
    const { app, deps } = createFleetWorld(
      {},
      withJobs((built) => ({ start: (input) => built.start(input).then(() => Promise.reject(new Error("Broken."))) })),
    );

    expect(await app.handler(start)).toMatchObject({ result: "failed", code: "INTERNAL" });

    expect((await deps.records.list("fleet-watch/", { limit: 9, now: 0 })).items.length).toBe(1);
  });

  it("when CodePipeline does not take its progress: the event comes again", async () => {
    const { app, clock, fail, calls } = createFleetWorld();
    for (let times = 0; times < 3; times++) fail("PutJobSuccessResult", anAwsError("ThrottlingException"));

    const answering = app.handler(start);
    const refused = expect(answering).rejects.toThrow("ThrottlingException");
    await clock.advance(6_000);
    await refused;

    expect(calls.map(({ operation }) => operation)).not.toContain("PutJobFailureResult");
    expect(await app.handler(start)).toMatchObject({ result: "progress" });
  });
});
