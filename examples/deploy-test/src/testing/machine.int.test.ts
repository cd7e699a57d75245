import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { IMAGES, PLACE } from "../../demo/world.ts";
import { createSimulatedYard } from "./simulated-yard.ts";

const source = readFileSync(join(import.meta.dirname, "../../machines/deploy-test.yml"), "utf8");
const RESTING = ["LIVE", "BROKEN"];

/** How the servers that are in service were launched. */
function serving({ sim }: ReturnType<typeof createSimulatedYard>) {
  const groups = sim.autoScaling.listGroups(PLACE).filter(({ isDeleting }) => !isDeleting);
  return groups.map(({ name, tags }) => ({ name, revision: tags["stackyard:revision"] }));
}

describe("the machine of deploy-test", () => {
  it("takes version and image from metadata, and gives release and groups back", async () => {
    const world = createSimulatedYard(source);

    const state = await world.send("BAKED", { version: "1.2.0", ami: IMAGES.good }, RESTING);

    const { metadata } = (await world.yard.findStack("deploy-test")) ?? {};
    expect(state).toBe("LIVE");
    expect(serving(world)).toEqual([{ name: metadata?.["groups"], revision: "1.2.0" }]);
    expect(metadata).toMatchObject({ version: "1.2.0", release: expect.stringMatching(/^release-/) });
    expect(await world.yard.findViolations()).toEqual([]);
  });

  it("leaves the old version unchanged when the new one does not start", async () => {
    const world = createSimulatedYard(source);
    await world.send("BAKED", { version: "1.2.0", ami: IMAGES.good }, RESTING);
    world.sim.autoScaling.script({ tags: { "stackyard:revision": "1.3.0" } }, { neverHealthy: true });

    const state = await world.send("BAKED", { version: "1.3.0", ami: IMAGES.broken }, RESTING);

    expect(state).toBe("BROKEN");
    expect(serving(world).map(({ revision }) => revision)).toEqual(["1.2.0"]);
  });

  it("goes back to the servers that were kept", async () => {
    const world = createSimulatedYard(source);
    await world.send("BAKED", { version: "1.2.0", ami: IMAGES.good }, RESTING);
    await world.send("BAKED", { version: "1.3.0", ami: IMAGES.next }, RESTING);

    const state = await world.send("ROLL-BACK", {}, RESTING);

    expect(state).toBe("LIVE");
    expect(serving(world).map(({ revision }) => revision)).toEqual(["1.2.0"]);
  });
});
