import { StackyardError } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { createFleetWorld } from "../testing/a-fleet-world.ts";
import { aPipelineEvent, JOB_ID } from "../testing/a-pipeline-event.ts";
import { failJob } from "./fail-job.ts";

const error = new StackyardError("CONFIG_INVALID", "DYNAMODB_TABLE is not set.");

describe("failJob", () => {
  it.each([
    aPipelineEvent(),
    aPipelineEvent({ continuationToken: '{"v":1,"run":"run-1"}' }),
    aPipelineEvent({ inputArtifacts: [] }),
  ])("tells a job why nobody can begin with it", async (event) => {
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

  it("lets a job whose run goes on come again when the fault is one that passes", async () => {
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

  it("tells nobody of other events", async () => {
    const { deps, calls } = createFleetWorld();

    expect(await failJob(deps, { source: "aws.ec2" }, error)).toBeUndefined();
    expect(calls).toEqual([]);
  });
});
