import { describe, expect, it } from "vitest";
import { addServingGroup, aTaskConfig, createAsgYard, OLD_GROUP } from "./testing/yards.ts";

const PLACE = { account: "111122223333", region: "eu-west-1" };

/** Runs a release whose servers never become healthy. */
async function failOnce(yard: ReturnType<typeof createAsgYard>, over: object = {}) {
  yard.world.sim.autoScaling.script("org/", { neverHealthy: true });
  const { step } = await yard.run(aTaskConfig({ timeout: 130, ...over }));
  return step;
}

function sizesOf({ world }: ReturnType<typeof createAsgYard>) {
  return world.sim.autoScaling
    .listGroups(PLACE)
    .filter(({ isDeleting }) => !isDeleting)
    .map(({ name, min, desired, max }) => ({ name, min, desired, max }));
}

describe("what users of other tools have reported about two groups that take turns", () => {
  it("has one group after a release whose servers never warm up (cf_deployer#39)", async () => {
    const yard = createAsgYard();
    await addServingGroup(yard);

    const step = await failOnce(yard);

    expect(step).toMatchObject({ kind: "failed", code: "RELEASE_TIMED_OUT", outputs: { end: "FailureClean" } });
    expect(await yard.standing()).toEqual({ groups: [OLD_GROUP], templates: [], alarms: [] });
  });

  it("releases after a release that has failed: nothing of that one is taken for the new one (soapbox#92)", async () => {
    const yard = createAsgYard();
    await addServingGroup(yard);
    await failOnce(yard);
    yard.world.sim.autoScaling.script("org/", {});

    const { step } = await yard.run(aTaskConfig({ release_id: "release-3" }));

    expect(step).toMatchObject({ kind: "succeeded", outputs: { end: "Success", previousReleaseId: "release-1" } });
    expect(yard.groups()).toHaveLength(1);
    expect(yard.groups()).not.toContain(OLD_GROUP);
  });

  it("does not grow by releases that fail (asiaq#25)", async () => {
    const yard = createAsgYard();
    await addServingGroup(yard);
    const before = sizesOf(yard);

    for (let time = 1; time <= 3; time += 1) await failOnce(yard, { release_id: `failing-${time}` });

    expect(sizesOf(yard)).toEqual(before);
  });
});
