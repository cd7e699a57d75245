import { jobStackId } from "@stackyard/core/machine";
import { expect, it } from "vitest";
import { createFleetWorld } from "../testing/a-fleet-world.ts";
import { aPipelineEvent, JOB_ID } from "../testing/a-pipeline-event.ts";

const RUN_ID = jobStackId({ key: JOB_ID });
const TICK = { source: "aws.events", "detail-type": "Scheduled Event" };
const MINUTE_MS = 60_000;

/** A pipeline's run that has failed, and how often runs were read. */
async function createFailedRun() {
  const looks: string[] = [];
  const world = createFleetWorld({}, (deps) => ({
    ...deps,
    runs: {
      ...deps.runs,
      find(runId) {
        looks.push(runId);
        return deps.runs.find(runId);
      },
    },
  }));
  await world.app.handler(aPipelineEvent());
  world.runs.set(RUN_ID, { state: "failed", endedAt: 1 });
  await world.app.handler(TICK);
  looks.length = 0;
  return { ...world, looks };
}

it("checks a failed run once an hour, not each minute", async () => {
  const { app, clock, looks } = await createFailedRun();

  for (let minute = 1; minute < 60; minute++) {
    await clock.advance(MINUTE_MS);
    expect(await app.handler(TICK)).toMatchObject({ waiting: 1, failed: 0 });
  }
  expect(looks).toEqual([]);

  await clock.advance(MINUTE_MS);
  await app.handler(TICK);
  expect(looks).toEqual([RUN_ID]);
});

it("sees a retry on the last day on which it can be tried again", async () => {
  const { app, clock, runs } = await createFailedRun();
  await clock.advance(30 * 24 * 60 * MINUTE_MS);

  runs.set(RUN_ID, { state: "succeeded", endedAt: clock.now() });

  expect(await app.handler(TICK)).toMatchObject({ settled: 1 });
});

it("checks it each minute again after a retry was seen", async () => {
  const { app, clock, looks, runs } = await createFailedRun();
  runs.set(RUN_ID, { state: "running" });
  await clock.advance(60 * MINUTE_MS);

  await app.handler(TICK);
  await clock.advance(MINUTE_MS);
  await app.handler(TICK);

  expect(looks).toEqual([RUN_ID, RUN_ID]);
});
