import type { Step } from "@stackyard/core";
import { createStepHandler } from "@stackyard/core/engine";
import { describe, expect, it } from "vitest";
import { createEcsExecutor } from "./ecs.ts";
import { createEcsYard } from "./testing/an-ecs-yard.ts";

describe("under Step Functions", () => {
  it("starts and polls with nothing but what an execution keeps", async () => {
    const yard = createEcsYard();
    const config = { cluster: "web", taskDefinition: "migrate" };
    const handle = createStepHandler(createEcsExecutor(), () => yard.context());
    let step: Step = await handle({ op: "start", config });
    const kinds = [step.kind];
    while (step.kind === "running") {
      await yard.clock.advance(step.pollAfterMs);
      step = await handle(JSON.parse(JSON.stringify({ op: "poll", config, progress: step.progress })));
      kinds.push(step.kind);
    }

    expect(kinds).toEqual(["running", "running", "running", "succeeded"]);
    expect(yard.sim.ecs.tasks()).toHaveLength(1);
  });
});
