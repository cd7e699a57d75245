import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { defineExecutor, running, succeeded } from "@stackyard/core";
import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { createSimYard } from "./create-sim-yard.ts";

const PLACE = { account: "111122223333", region: "eu-west-1" };

const read = defineExecutor({
  name: "read",
  config: Type.Object({ key: Type.String() }),
  progress: Type.Object({ since: Type.Integer() }),
  outputs: Type.Object({ text: Type.String() }),
  start: async ({ clock }) => running({ progress: { since: clock.now() }, pollAfterMs: 60_000, message: "waits" }),
  async poll(ctx, { key }) {
    const { Body } = await ctx.aws(S3Client).send(new GetObjectCommand({ Bucket: "docs", Key: key }));
    return succeeded({ text: (await Body?.transformToString()) ?? "" });
  },
});

describe("createSimYard", () => {
  it("works a run in the simulated AWS when its time has passed, and not before", async () => {
    const { sim, jobs, advance, findViolations } = createSimYard({ ...PLACE, executors: [read] });
    sim.s3.createBucket({ ...PLACE, name: "docs" });
    sim.s3.write("docs", "a", "hello");

    const { jobId } = await jobs.start({ executor: "read", config: { key: "a" } });
    await advance(59_000);
    expect(await jobs.find(jobId)).toMatchObject({ state: "running", message: "waits" });
    await advance(3_000);

    // The body is a Node stream, which needs turns of the event loop that virtual time does not count.
    const afterAnotherSecond = async () => {
      await advance(1_000);
      return jobs.find(jobId);
    };
    await expect.poll(afterAnotherSecond).toMatchObject({ state: "succeeded", outputs: { text: "hello" } });
    expect(await findViolations()).toEqual([]);
  });
});
