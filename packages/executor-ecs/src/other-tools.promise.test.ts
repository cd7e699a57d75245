import { describe, expect, it } from "vitest";
import { createEcsYard } from "./testing/an-ecs-yard.ts";

const MINUTE = 60_000;
const config = { cluster: "web", taskDefinition: "migrate", timeout: "30m" };

describe("what users of other tools have reported about the end of a task", () => {
  it.each(["PROVISIONING", "PENDING"] as const)(
    "a task that never leaves %s ends with its limit, and is stopped (amazon-ecs-agent#731, #417)",
    async (stage) => {
      const yard = createEcsYard();
      yard.sim.ecs.script("migrate", { stagesMs: { [stage]: Number.POSITIVE_INFINITY } });

      const { step, elapsedMs } = await yard.run(config);

      expect(step).toMatchObject({ kind: "failed", code: "ECS_TIMEOUT" });
      expect(elapsedMs).toBeLessThan(35 * MINUTE);
      expect(yard.sim.ecs.tasks().map(({ desiredStatus }) => desiredStatus)).toEqual(["STOPPED"]);
    },
  );

  it("a task that does not stop is named, and is not waited for without end (amazon-ecs-agent#339)", async () => {
    const yard = createEcsYard();
    const stagesMs = { STOPPING: Number.POSITIVE_INFINITY };
    yard.sim.ecs.script("migrate", { runsMs: Number.POSITIVE_INFINITY, stagesMs });

    const { step, elapsedMs } = await yard.run(config);

    const [task] = yard.sim.ecs.tasks();
    expect(step).toMatchObject({ kind: "failed", code: "ECS_TIMEOUT" });
    expect(JSON.stringify(step)).toContain(task?.taskArn);
    expect(elapsedMs).toBeLessThan(40 * MINUTE);
  });

  it("the reason is that of the task where its containers have none (copilot-cli#1893)", async () => {
    const yard = createEcsYard();
    const stoppedReason = "ResourceInitializationError: unable to pull secrets or registry auth";
    yard.sim.ecs.script("migrate", { failsToStart: { stoppedReason }, hasNoContainers: true });

    const { step } = await yard.run(config);

    expect(step).toMatchObject({ kind: "failed", message: expect.stringContaining(stoppedReason) });
  });
});
