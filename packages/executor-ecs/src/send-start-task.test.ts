import { ECSClient } from "@aws-sdk/client-ecs";
import { createSimPlugin, SimFault } from "@stackyard/aws-sim";
import { describe, expect, it } from "vitest";
import { sendStartTask } from "./send-start-task.ts";
import { createEcsYard, INSTANCE } from "./testing/an-ecs-yard.ts";

const input = { cluster: "web", taskDefinition: "migrate", containerInstances: [INSTANCE] };

/** A client that repeats calls, as those of a runner do. */
function createWorld() {
  const yard = createEcsYard();
  const credentials = yard.sim.iam.addUser({ account: "111122223333", name: "again" });
  const ecs = new ECSClient({ region: "eu-west-1", credentials, maxAttempts: 3 });
  ecs.middlewareStack.use(createSimPlugin(yard.sim));
  return { ...yard, ecs };
}

describe("sendStartTask", () => {
  it.each([
    ["a reset connection", () => Object.assign(new Error("reset"), { code: "ECONNRESET" })],
    ["an error of the server", () => new SimFault("ServerException", 500, "Not now.")],
  ])("is not repeated after %s, and says that nobody knows", async (_, toError) => {
    const { ecs, sim, countCalls } = createWorld();
    sim.once("ECS.StartTask", async (proceed) => {
      await proceed();
      throw toError();
    });

    const answer = await sendStartTask({ ecs }, input);

    expect(answer).toMatchObject({ kind: "unknown", error: { message: toError().message } });
    expect(countCalls("ECS.StartTask")).toBe(1);
    expect(sim.ecs.tasks()).toHaveLength(1);
  });

  it("is repeated after a throttling, which has started nothing", async () => {
    const { ecs, sim } = createWorld();
    sim.once("ECS.StartTask", async () => {
      throw new SimFault("ThrottlingException", 400, "Rate exceeded");
    });

    const answer = await sendStartTask({ ecs }, input);

    expect(answer).toMatchObject({ kind: "answered", output: { tasks: [{ lastStatus: "PENDING" }] } });
    expect(sim.ecs.tasks()).toHaveLength(1);
  });

  it("throws what ECS refuses", async () => {
    const { ecs } = createWorld();

    await expect(sendStartTask({ ecs }, { ...input, cluster: "gone" })).rejects.toThrow("Cluster not found.");
  });
});
