import { describe, expect, it } from "vitest";
import { createAsgExecutor } from "./asg.ts";
import { createYardLockFiles } from "./deploy/yard-memory.ts";
import { TARGET } from "./testing/builders.ts";
import { aTaskConfig, createAsgYard } from "./testing/yards.ts";

describe("a release that waits", () => {
  it("renews its lock at each check, so that no other process takes it over", async () => {
    const { world, records, context } = createAsgYard();
    const [executor, ctx, config] = [createAsgExecutor(), context(), aTaskConfig() as never];
    const files = createYardLockFiles({ records, clock: world.clock, at: TARGET });
    const readEnd = async () =>
      JSON.parse((await files.load(`${TARGET.account}/org/shop/production/lock`))?.text ?? "");

    let step = await executor.start(ctx, config);
    const ends: string[] = [];
    for (let looks = 0; looks < 6 && step.kind === "running"; looks += 1) {
      await world.clock.advance(step.pollAfterMs);
      step = (await executor.poll?.(ctx, config, step.progress as never)) ?? step;
      if (step.kind === "running" && step.message.startsWith("WaitForDeploy:")) ends.push((await readEnd()).until);
    }

    expect(ends).toEqual(["2026-01-01T00:30:30.000Z", "2026-01-01T00:31:00.000Z"]);
  });
});
