import { AutoScalingClient } from "@aws-sdk/client-auto-scaling";
import { createSimPlugin } from "@stackyard/aws-sim";
import { describe, expect, it } from "vitest";
import { ACCOUNT, createFleetWorld, REGION } from "../testing/a-fleet-world.ts";
import { INSTANCE_ID } from "../testing/an-instance-event.ts";
import { toFleet } from "./fleet-deps.ts";
import { completeLifecycleAction, recordHeartbeat } from "./lifecycle-action.ts";
import { parseHookEvent } from "./parse-instance-event.ts";

/** A launch that waits, in the simulated Auto Scaling. */
function createLaunch() {
  const { sim, deps, clock, log } = createFleetWorld();
  const credentials = sim.iam.addUser({ account: ACCOUNT, name: "launches" });
  const client = new AutoScalingClient({ region: REGION, credentials, maxAttempts: 1 });
  client.middlewareStack.use(createSimPlugin(sim));
  const aws = { ...deps.aws, fleet: { client: () => client as never } };
  const hook = { account: ACCOUNT, region: REGION, group: "web", name: "configure", heartbeatSeconds: 300 };
  sim.autoScaling.addHook(hook);
  const { token, event } = sim.autoScaling.beginAction({ hook, instanceId: INSTANCE_ID });
  const parsed = parseHookEvent(event);
  if (parsed.kind === "ignore") throw new Error(`The event was ignored with ${parsed.code}.`);
  const find = () => sim.autoScaling.findAction(token);
  return { fleet: toFleet({ ...deps, aws }), hook: parsed.hook, find, clock, log };
}

describe("a lifecycle action", () => {
  it.each(["CONTINUE", "ABANDON"] as const)("is completed with %s, under its event's names", async (result) => {
    const { fleet, hook, find } = createLaunch();

    await completeLifecycleAction(fleet, hook, result);

    expect(find()).toMatchObject({ state: result, timedOut: false });
  });

  it("has ended when it was already completed", async () => {
    const { fleet, hook, find, log } = createLaunch();
    await completeLifecycleAction(fleet, hook, "CONTINUE");
    const lines = log.length;

    await completeLifecycleAction(fleet, hook, "ABANDON");

    expect(find()?.state).toBe("CONTINUE");
    expect(log.slice(lines)).toEqual([expect.stringMatching(/^warn A lifecycle action has already ended\./)]);
  });

  it("lasts as long as heartbeats arrive", async () => {
    const { fleet, hook, find, clock } = createLaunch();

    for (let minute = 0; minute < 10; minute += 2) {
      await clock.advance(120_000);
      expect(await recordHeartbeat(fleet, hook)).toBe(true);
    }

    expect(find()).toMatchObject({ state: "waiting", timedOut: false, heartbeats: 5 });
  });

  it("is over without them, and a heartbeat says so", async () => {
    const { fleet, hook, clock } = createLaunch();

    await clock.advance(301_000);

    expect(await recordHeartbeat(fleet, hook)).toBe(false);
  });
});
